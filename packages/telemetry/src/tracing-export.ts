import { ROOT_CONTEXT, type TextMapGetter } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Tracing, TracingOptions } from "./tracing.js";

const million = 1_000_000;
/** Spans that wait for the collector; more are dropped. */
const queueMax = 8192;
const batchMax = 512;
const batchDelayMs = 1000;
const exportTimeoutMs = 5000;

type HeaderSource = (name: string) => string | undefined;

const headers: TextMapGetter<HeaderSource> = { get: (source, name) => source(name), keys: () => [] };

/** The part of tracing that needs the exporter; `startTracing` loads it. */
export function startExport(options: TracingOptions): Tracing {
  const exporter = new OTLPTraceExporter({ url: `http://${options.address}`, timeoutMillis: exportTimeoutMs });
  const provider = new TracerProvider({
    sampler: new ParentBasedSampler({ root: rootSampler(options.samplingPerMillion) }),
    resource: resourceFromAttributes({
      "service.name": options.serviceName,
      ...(options.instanceId === "" ? {} : { "service.instance.id": options.instanceId }),
    }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        maxQueueSize: queueMax,
        maxExportBatchSize: batchMax,
        scheduledDelayMillis: batchDelayMs,
        exportTimeoutMillis: exportTimeoutMs,
      }),
    ],
  });
  const propagator = new W3CTraceContextPropagator();
  return {
    tracer: (name) => provider.getTracer(name),
    propagator,
    contextOf: (get) => propagator.extract(ROOT_CONTEXT, get, headers),
    flush: () => provider.forceFlush(),
    // A collector that is gone must not keep a member from stopping: its spans are lost, which tracing may.
    shutdown: () => provider.shutdown().catch(() => {}),
  };
}

function rootSampler(perMillion: number): Sampler {
  return perMillion > 0
    ? new TraceIdRatioBasedSampler(Math.min(perMillion, million) / million)
    : new AlwaysOffSampler();
}
