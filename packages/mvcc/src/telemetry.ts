import { SpanStatusCode } from "@opentelemetry/api";
import type { Meter, Span, SpanContext, Tracer } from "@quorate/common";
import type { BodyResult } from "./body/jobs.js";

/** The spans of this package: one for each job of the store thread. */
export type MvccSpanName =
  | "mvcc.flush"
  | "mvcc.checkpoint"
  | "mvcc.compact"
  | "mvcc.hash"
  | "mvcc.backup"
  | "mvcc.defragment";

const seconds = [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192];

const backupBuckets = Array.from({ length: 17 }, (_, power) => 0.01 * 2 ** power);

/** Spans and metrics of the store. Silent without a tracer. */
export class MvccTelemetry {
  readonly #tracer: Tracer | undefined;
  readonly #metrics: ReturnType<typeof createMetrics>;

  constructor(tracer: Tracer | undefined, meter: Meter) {
    this.#tracer = tracer;
    this.#metrics = createMetrics(meter);
  }

  /** @param links spans of the requests that the work is done for. */
  start(
    name: MvccSpanName,
    attributes: Readonly<Record<string, number>>,
    links: readonly SpanContext[] = [],
  ): Span | undefined {
    return this.#tracer?.startSpan(name, { attributes, links: links.map((context) => ({ context })) });
  }

  end(span: Span | undefined, result: BodyResult | undefined): void {
    if (span === undefined) return;
    if (result !== undefined) span.setAttribute("mvcc.work_ms", result.workMs);
    span.end();
  }

  fail(span: Span | undefined, error: Error): void {
    span?.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
    span?.end();
  }

  countFlush(result: BodyResult, run: { changes: number; bytes: number }): void {
    this.#metrics.flushSeconds.record(result.workMs / 1000);
    this.#metrics.flushedChanges.add(run.changes);
    this.#metrics.flushedBytes.add(run.bytes);
  }

  countCheckpoint(result: BodyResult): void {
    this.#metrics.checkpointSeconds.record(result.workMs / 1000);
  }

  countBackup(seconds: number): void {
    this.#metrics.backupSeconds.record(seconds);
  }

  countCompactionSlice(result: BodyResult): void {
    this.#metrics.compactionSliceSeconds.record(result.workMs / 1000);
    this.#metrics.compactedRows.add(result.removed ?? 0);
  }

  countChanges(puts: number, deletes: number): void {
    if (puts > 0) this.#metrics.puts.add(puts);
    if (deletes > 0) this.#metrics.deletes.add(deletes);
  }
}

function createMetrics(meter: Meter) {
  return {
    flushSeconds: meter.histogram({
      name: "mvcc.flush.duration",
      unit: "s",
      description: "Time the store thread takes to write one run.",
      buckets: seconds,
    }),
    flushedChanges: meter.counter({
      name: "mvcc.flush.changes",
      unit: "1",
      description: "Changes written to the database file.",
    }),
    flushedBytes: meter.counter({ name: "mvcc.flush.bytes", unit: "By", description: "Bytes of the runs written." }),
    checkpointSeconds: meter.histogram({
      name: "mvcc.checkpoint.duration",
      unit: "s",
      description: "Time of one checkpoint, its sync included.",
      buckets: seconds,
    }),
    backupSeconds: meter.histogram({
      name: "mvcc.backup.duration",
      unit: "s",
      description: "Time to write a copy of the database.",
      buckets: backupBuckets,
    }),
    compactionSliceSeconds: meter.histogram({
      name: "mvcc.compaction.slice.duration",
      unit: "s",
      description: "Time of one slice of a compaction.",
      buckets: seconds,
    }),
    compactedRows: meter.counter({
      name: "mvcc.compaction.rows",
      unit: "1",
      description: "Rows removed by compaction.",
    }),
    puts: meter.counter({ name: "mvcc.puts", unit: "1", description: "Puts applied." }),
    deletes: meter.counter({ name: "mvcc.deletes", unit: "1", description: "Keys deleted." }),
  };
}
