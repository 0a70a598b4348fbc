import type { Clock, Meter, SpanContext, Tracer } from "@quorate/common";

/** What one batch cost. */
export type BatchReport = Readonly<{ bytes: number; writeMs: number; syncMs: number | undefined }>;

const secondsBuckets = Array.from({ length: 14 }, (_, power) => 0.001 * 2 ** power);

/** Metrics and spans of the log. */
export class Instruments {
  readonly #clock: Clock;
  readonly #tracer: Tracer | undefined;
  readonly #syncSeconds;
  readonly #writeSeconds;
  readonly #writtenBytes;

  constructor(ports: { clock: Clock; meter: Meter; tracer?: Tracer | undefined }) {
    this.#clock = ports.clock;
    this.#tracer = ports.tracer;
    this.#syncSeconds = ports.meter.histogram({
      name: "wal.sync.duration",
      unit: "s",
      description: "Time to make one batch durable.",
      buckets: secondsBuckets,
    });
    this.#writeSeconds = ports.meter.histogram({
      name: "wal.write.duration",
      unit: "s",
      description: "Time to write one batch, without its sync.",
      buckets: secondsBuckets,
    });
    this.#writtenBytes = ports.meter.counter({
      name: "wal.written",
      unit: "By",
      description: "Bytes written to the log.",
    });
  }

  /** Counts a batch, and shows its sync as one span that links to every request inside. */
  recordBatch(
    report: BatchReport,
    counts: { appends: number; entries: number },
    requests: readonly Readonly<{ links: readonly SpanContext[] | undefined }>[],
  ): void {
    if (report.bytes > 0) {
      this.#writtenBytes.add(report.bytes);
      this.#writeSeconds.record(report.writeMs / 1000);
    }
    if (report.syncMs === undefined) return;
    this.#syncSeconds.record(report.syncMs / 1000);
    if (this.#tracer === undefined) return;
    const links = requests.flatMap((request) => request.links ?? []).map((context) => ({ context }));
    const endTime = this.#clock.wallMs();
    const attributes = {
      "wal.batch.bytes": report.bytes,
      "wal.batch.appends": counts.appends,
      "wal.batch.entries": counts.entries,
    };
    const startTime = endTime - report.writeMs - report.syncMs;
    this.#tracer.startSpan("wal.sync", { startTime, links, attributes, root: true }).end(endTime);
  }
}
