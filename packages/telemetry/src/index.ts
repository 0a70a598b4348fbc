export { CounterCell, GaugeCell, HistogramCell } from "./cells.js";
export { etcdFamilies, exponential } from "./etcd-families.js";
export { expositionContentType } from "./exposition.js";
export { type CellOf, Family, type FamilySpec, type FamilyType, type Series } from "./family.js";
export { readFileDescriptors } from "./file-descriptors.js";
export { type GrpcMethod, type GrpcMethodMetrics, GrpcMetrics, grpcCodeNames } from "./grpc-metrics.js";
export { type LogOutput, LogOutputError, type LogOutputFault, openLogOutputs } from "./log-output.js";
export {
  type AppLogger,
  createLogger,
  type LogFormat,
  type LoggerOptions,
  type LogLevel,
  logLevels,
} from "./logger.js";
export { createMeter, etcdFamilyOf } from "./meter.js";
export {
  createMetrics,
  type EtcdFamilyName,
  type EtcdMetrics,
  type LabelledFamily,
  type Metrics,
  type MetricsOptions,
} from "./metrics.js";
export { startTracing } from "./start-tracing.js";
export type { Tracing, TracingOptions } from "./tracing.js";
