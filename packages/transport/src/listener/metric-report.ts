import type { Counter, Gauge, Meter } from "@quorate/common";
import type { GrpcServices, Route } from "../grpc/registry.js";
import { Code } from "../grpc/status.js";
import type { Counts } from "../http2/engine.js";

type Reported = {
  started: number;
  received: number;
  receivedBytes: number;
  sent: number;
  sentBytes: number;
  handled: Float64Array;
};

const codeNames: readonly string[] = Object.keys(Code);

/**
 * Hands counts to a meter: the hot path adds to plain numbers, and whoever reads the metrics has what is new carried over first. Labels of
 * a call: `type` (unary, client_stream, server_stream, bidi_stream), `service`, `method`, and `code` by its name.
 */
export class MetricReport {
  private readonly services: GrpcServices | undefined;
  private readonly last = new Map<Route, Reported>();
  private lastIn = 0;
  private lastOut = 0;
  private readonly started: Counter;
  private readonly handled: Counter;
  private readonly received: Counter;
  private readonly receivedBytes: Counter;
  private readonly sent: Counter;
  private readonly sentBytes: Counter;
  private readonly bytesIn: Counter;
  private readonly bytesOut: Counter;
  private readonly connections: Gauge;
  private readonly streams: Gauge;

  constructor(services: GrpcServices | undefined, ports: { meter: Meter }) {
    this.services = services;
    const { meter } = ports;
    const labels = ["type", "service", "method"];
    this.started = meter.counter({
      name: "transport.calls_started",
      unit: "1",
      description: "gRPC calls begun",
      labels,
    });
    this.handled = meter.counter({
      name: "transport.calls_handled",
      unit: "1",
      description: "gRPC calls ended",
      labels: [...labels, "code"],
    });
    this.received = meter.counter({
      name: "transport.messages_received",
      unit: "1",
      description: "gRPC messages received",
      labels,
    });
    this.sent = meter.counter({
      name: "transport.messages_sent",
      unit: "1",
      description: "gRPC messages sent",
      labels,
    });
    this.receivedBytes = meter.counter({
      name: "transport.messages_received_bytes",
      unit: "By",
      description: "bytes of gRPC messages received",
    });
    this.sentBytes = meter.counter({
      name: "transport.messages_sent_bytes",
      unit: "By",
      description: "bytes of gRPC messages sent",
    });
    this.bytesIn = meter.counter({ name: "transport.received", unit: "By", description: "bytes received over HTTP/2" });
    this.bytesOut = meter.counter({ name: "transport.sent", unit: "By", description: "bytes sent over HTTP/2" });
    this.connections = meter.gauge({ name: "transport.connections", unit: "1", description: "open connections" });
    this.streams = meter.gauge({ name: "transport.streams", unit: "1", description: "open HTTP/2 streams" });
  }

  /** Carries over what is new since the last time. */
  run(counts: Readonly<Counts>): void {
    this.bytesIn.add(counts.bytesIn - this.lastIn);
    this.bytesOut.add(counts.bytesOut - this.lastOut);
    this.lastIn = counts.bytesIn;
    this.lastOut = counts.bytesOut;
    this.connections.set(counts.connections);
    this.streams.set(counts.streams);
    for (const route of this.services?.list() ?? []) this.runRoute(route);
  }

  private runRoute(route: Route): void {
    const last = this.last.get(route);
    const labels = { type: typeOf(route), service: route.service, method: route.method };
    this.started.add(route.started - (last?.started ?? 0), labels);
    this.received.add(route.received - (last?.received ?? 0), labels);
    this.sent.add(route.sent - (last?.sent ?? 0), labels);
    this.receivedBytes.add(route.receivedBytes - (last?.receivedBytes ?? 0));
    this.sentBytes.add(route.sentBytes - (last?.sentBytes ?? 0));
    route.handled.forEach((count, code) => {
      this.handled.add(count - (last?.handled[code] ?? 0), { ...labels, code: codeNames[code] ?? "Unknown" });
    });
    const { started, received, receivedBytes, sent, sentBytes } = route;
    this.last.set(route, { started, received, receivedBytes, sent, sentBytes, handled: route.handled.slice() });
  }
}

function typeOf({ kind }: Route): string {
  return kind === "bidi" ? "bidi_stream" : kind.replace("-", "_");
}
