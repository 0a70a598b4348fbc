import { createTraceState, ROOT_CONTEXT, type SpanContext, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { Tracer } from "@quorate/common";
import type { Exchange } from "./exchange.js";
import { Code } from "./status.js";

/** Codes that say that the server failed; all others are refusals and leave the span alone (OpenTelemetry, RPC conventions). */
const failures: ReadonlySet<number> = new Set([
  Code.Unknown,
  Code.DeadlineExceeded,
  Code.Unimplemented,
  Code.Internal,
  Code.Unavailable,
  Code.DataLoss,
]);

const codeNames = new Map(Object.entries(Code).map(([name, code]) => [code as number, name]));

/**
 * Server spans of gRPC calls, by OpenTelemetry's RPC conventions. A call gets a span when its `traceparent` says that the caller's trace
 * is sampled; without one, only when `tracesRoots` leaves the choice to the tracer's sampler. Other calls cost one look at their metadata.
 */
export class CallTracing {
  private readonly tracer: Tracer;
  private readonly tracesRoots: boolean;

  constructor(options: { tracesRoots: boolean }, ports: { tracer: Tracer }) {
    this.tracer = ports.tracer;
    this.tracesRoots = options.tracesRoots;
  }

  begin(exchange: Exchange): void {
    const parent = parseTraceparent(exchange.metadata.get("traceparent"), exchange.metadata.get("tracestate"));
    if (parent === undefined ? !this.tracesRoots : (parent.traceFlags & 1) === 0) return;
    const { peer, route } = exchange;
    const attributes = {
      "rpc.system": "grpc",
      "rpc.service": route.service,
      "rpc.method": route.method,
      "network.peer.address": peer.remoteAddress,
      "network.peer.port": peer.remotePort,
    };
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    exchange.span = this.tracer.startSpan(
      `${route.service}/${route.method}`,
      { kind: SpanKind.SERVER, attributes },
      context,
    );
  }

  end(exchange: Exchange, code: number): void {
    const { span } = exchange;
    if (span === undefined) return;
    span.setAttribute("rpc.grpc.status_code", code);
    if (code !== Code.OK) span.setAttribute("error.type", codeNames.get(code) ?? String(code));
    if (failures.has(code)) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  }
}

/** Reads a W3C `traceparent` of version 00, or a later one as far as it is like it. Undefined when it is absent or broken. */
export function parseTraceparent(text: string | undefined, state: string | undefined): SpanContext | undefined {
  if (text === undefined) return undefined;
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(text);
  const [, version, traceId, spanId, flags, more] = match ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return state === undefined ? context : { ...context, traceState: createTraceState(state) };
}
