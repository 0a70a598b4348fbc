import {
  type Context,
  context,
  isSpanContextValid,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { ClientError } from "./client-error.js";
import type { Endpoint } from "./endpoint.js";

/** The span of one call, and the headers that make the member's spans its children. */
export type TracedCall = { readonly span: Span; readonly headers: ReadonlyMap<string, string> };

const setter = { set: (carrier: Map<string, string>, name: string, value: string) => carrier.set(name, value) };

/** Starts the span of a call under the caller's active one. Conventions: OpenTelemetry's for RPC clients. */
export function startCall(tracer: Tracer, path: string): TracedCall {
  const [, service = "", method = ""] = path.split("/");
  const parent = context.active();
  const span = tracer.startSpan(
    `${service}/${method}`,
    { kind: SpanKind.CLIENT, attributes: { "rpc.system": "grpc", "rpc.service": service, "rpc.method": method } },
    parent,
  );
  return { span, headers: headersOf(trace.setSpan(parent, span)) };
}

/**
 * W3C headers of the context. The program's propagator writes what it was set up to write, baggage for instance; trace context
 * is passed on without one, too.
 */
function headersOf(active: Context): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  propagation.inject(active, headers, setter);
  const span = trace.getSpanContext(active);
  if (span === undefined || !isSpanContextValid(span) || headers.has("traceparent")) return headers;
  const flags = (span.traceFlags & 0xff).toString(16).padStart(2, "0");
  headers.set("traceparent", `00-${span.traceId}-${span.spanId}-${flags}`);
  const state = span.traceState?.serialize();
  if (state !== undefined && state !== "") headers.set("tracestate", state);
  return headers;
}

/** Notes where an attempt goes; a later one overwrites it. */
export function noteEndpoint(span: Span, endpoint: Endpoint, attempt: number): void {
  span.setAttribute("server.address", endpoint.host);
  if (endpoint.port !== undefined) span.setAttribute("server.port", endpoint.port);
  if (attempt > 1) span.setAttribute("client.attempts", attempt);
}

/** Ends the span. A refusal is named and is no failure of the span; a broken connection or a lost answer is. */
export function endCall(span: Span, error: ClientError | undefined): void {
  if (error === undefined) span.setAttribute("rpc.grpc.status_code", 0);
  else {
    if (error.status !== undefined) span.setAttribute("rpc.grpc.status_code", error.status);
    span.setAttribute("error.type", error.code);
    if (error.mayHaveRun || error.code === "client/unreachable") {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
    }
  }
  span.end();
}
