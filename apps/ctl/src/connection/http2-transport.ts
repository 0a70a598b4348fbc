import type {
  CallFailure,
  CallSettings,
  DuplexStream,
  Endpoint,
  ReadStream,
  StreamHandlers,
  Transport,
  UnaryOutcome,
} from "@quorate/client";
import { StatusCode } from "@quorate/client";
import { GrpcStream } from "./grpc-stream.js";
import { Http2Connection } from "./http2-connection.js";
import type { TransportOptions } from "./transport-options.js";

/**
 * gRPC over Node's own HTTP/2, one connection to one endpoint, opened by the first call. It does what a command line needs and
 * starts in a third of the time of grpc-js (docs/decisions/0015-command-line.md).
 */
export function openHttp2Transport(endpoint: Endpoint, options: TransportOptions): Transport {
  return new Http2Transport(endpoint, options);
}

class Http2Transport implements Transport {
  readonly #endpoint: Endpoint;
  readonly #options: TransportOptions;
  readonly #open = new Set<GrpcStream>();
  #connection: Http2Connection | undefined;
  #isClosed = false;

  constructor(endpoint: Endpoint, options: TransportOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
  }

  unary(path: string, message: Uint8Array, settings: CallSettings): Promise<UnaryOutcome> {
    return new Promise((resolve) => {
      let answer: Uint8Array | undefined;
      this.serverStream(path, message, settings, {
        onMessage(bytes) {
          answer = bytes;
        },
        onEnd(failure) {
          if (failure !== undefined) resolve({ kind: "failed", failure });
          else if (answer !== undefined) resolve({ kind: "answer", message: answer });
          else {
            const why = "the answer has no message";
            resolve({ kind: "failed", failure: { status: StatusCode.Internal, message: why, wasSent: true } });
          }
        },
      });
    });
  }

  serverStream(path: string, message: Uint8Array, settings: CallSettings, handlers: StreamHandlers): ReadStream {
    const stream = this.bidi(path, settings, handlers);
    stream.send(message);
    stream.endSending();
    return stream;
  }

  bidi(path: string, settings: CallSettings, handlers: StreamHandlers): DuplexStream {
    const stream = new GrpcStream(path, settings, this.#options, {
      onMessage: handlers.onMessage.bind(handlers),
      onEnd: (failure) => {
        this.#open.delete(stream);
        handlers.onEnd(failure);
      },
    });
    this.#open.add(stream);
    if (this.#isClosed) queueMicrotask(() => stream.fail(closedFailure));
    else void this.#start(stream);
    return stream;
  }

  close(): void {
    this.#isClosed = true;
    for (const stream of [...this.#open]) stream.cancel();
    this.#connection?.close();
  }

  async #start(stream: GrpcStream): Promise<void> {
    if (this.#connection === undefined || this.#connection.isOver) {
      this.#connection = new Http2Connection(this.#endpoint, this.#options);
    }
    const connection = this.#connection;
    const problem = await connection.whenReady(stream.signal);
    if (stream.isOver) return;
    if (problem !== undefined) stream.fail({ status: StatusCode.Unavailable, message: problem, wasSent: false });
    else stream.start(connection);
  }
}

const closedFailure: CallFailure = {
  status: StatusCode.Unavailable,
  message: "the connection was closed by this program",
  wasSent: false,
};
