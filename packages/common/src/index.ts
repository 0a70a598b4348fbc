export type { Context, Span, SpanContext, Tracer } from "@opentelemetry/api";
export { AssertionError, assert, assertNever } from "./assert.js";
export type { Brand, ClusterId, LeaseId, LogIndex, MemberId, Revision, Term } from "./brand.js";
export { compareBytes, equalBytes } from "./bytes.js";
export type { Clock, Random, Timer } from "./clock.js";
export { CodedError, type CodedFault, describeFault } from "./coded-error.js";
export type { Disk, DiskFile } from "./disk.js";
export { type LogFields, type Logger, silentLogger } from "./logger.js";
export {
  type Counter,
  type Gauge,
  type Histogram,
  type Meter,
  type MetricDefinition,
  type MetricLabels,
  silentMeter,
} from "./meter.js";
export {
  type MessageUrgency,
  type PeerAddress,
  PeerError,
  type PeerFault,
  type PeerNetwork,
  type PeerReceiver,
  type PeerStatus,
  type SnapshotSink,
  type SnapshotSource,
} from "./peer-network.js";
