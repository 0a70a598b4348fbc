import type { CounterCell, HistogramCell } from "./cells.js";
import { Family } from "./family.js";

/** A method that the server answers. `type` is the value of the label `grpc_type`. */
export type GrpcMethod = Readonly<{
  /** Full name: `etcdserverpb.KV`. */
  service: string;
  method: string;
  type: "unary" | "client_stream" | "server_stream" | "bidi_stream";
}>;

/** The series of one method. `handled` holds one cell for each gRPC code, by number. */
export type GrpcMethodMetrics = Readonly<{
  started: CounterCell;
  received: CounterCell;
  sent: CounterCell;
  handled: readonly CounterCell[];
  /** Latency in seconds; undefined when the metrics are not extensive. */
  handling: HistogramCell | undefined;
}>;

/** Names of the gRPC codes as label values, by number. */
export const grpcCodeNames: readonly string[] = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
];

const labels = ["grpc_type", "grpc_service", "grpc_method"];
/** The default buckets of Prometheus clients. */
const handlingBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The families of a gRPC server, with the series of every method and code at 0 from the start. */
export class GrpcMetrics {
  readonly families: readonly Family<CounterCell | HistogramCell>[];
  readonly #methods = new Map<string, GrpcMethodMetrics>();

  constructor(methods: readonly GrpcMethod[], options: { isExtensive: boolean }) {
    const counter = (name: string, help: string, more: readonly string[] = []): Family<CounterCell> =>
      new Family(name, { type: "counter", help, labels: [...labels, ...more] });
    const started = counter("grpc_server_started_total", "RPCs started.");
    const handled = counter("grpc_server_handled_total", "RPCs finished, by the code they ended with.", ["grpc_code"]);
    const received = counter("grpc_server_msg_received_total", "Messages received.");
    const sent = counter("grpc_server_msg_sent_total", "Messages sent.");
    const handling = options.isExtensive
      ? new Family<HistogramCell>("grpc_server_handling_seconds", {
          type: "histogram",
          help: "Time from the start of an RPC to its end.",
          labels,
          buckets: handlingBuckets,
        })
      : undefined;
    for (const { service, method, type } of methods) {
      this.#methods.set(`/${service}/${method}`, {
        started: started.with(type, service, method),
        received: received.with(type, service, method),
        sent: sent.with(type, service, method),
        handled: grpcCodeNames.map((code) => handled.with(type, service, method, code)),
        handling: handling?.with(type, service, method),
      });
    }
    const always: Family<CounterCell | HistogramCell>[] = [started, handled, received, sent];
    this.families = handling === undefined ? always : [...always, handling];
  }

  /** The series of the method with this path (`/etcdserverpb.KV/Put`), or undefined when the server has no such method. */
  of(path: string): GrpcMethodMetrics | undefined {
    return this.#methods.get(path);
  }
}
