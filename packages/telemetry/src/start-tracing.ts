import type { Tracing, TracingOptions } from "./tracing.js";

/**
 * Starts to export spans by OTLP over gRPC. The exporter is loaded only here: an app that does not trace does not pay for it.
 * Nothing global is set; pass the tracers on.
 */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const { startExport } = await import("./tracing-export.js");
  return startExport(options);
}
