import type { Context, TextMapPropagator, Tracer } from "@opentelemetry/api";

/** Where spans go and which. */
export type TracingOptions = Readonly<{
  /** `host:port` of an OTLP collector that speaks gRPC in the clear. */
  address: string;
  serviceName: string;
  /** Names this process among those of the service; none when empty. */
  instanceId: string;
  /** Traces begun here that are kept, of each million. A request that comes with a trace context follows the decision made there. */
  samplingPerMillion: number;
}>;

/** Tracing while an app runs. */
export interface Tracing {
  /** @param name of the package that makes the spans. */
  tracer(name: string): Tracer;
  /** Reads and writes the `traceparent` and `tracestate` headers of W3C. */
  readonly propagator: TextMapPropagator;
  /**
   * The context that a request came with.
   * @param get gives a header by its lower-case name.
   */
  contextOf(get: (name: string) => string | undefined): Context;
  /** Sends what has been finished so far. */
  flush(): Promise<void>;
  /** Sends what is left, then stops. Resolves also when the collector cannot be reached. */
  shutdown(): Promise<void>;
}
