import type { LogIndex } from "@quorate/common";
import type { BatchReport, Instruments } from "./instruments.js";
import type { WalBatch, WalSnapshot } from "./wal.js";
import { WalError } from "./wal-error.js";

type Pending = { done: () => void; links: WalBatch["links"]; entries: number };

/** Calls that wait for the disk, in order, and the order of entries that they have to keep. */
export class PendingAppends {
  readonly #instruments: Instruments;
  #waiting: Pending[] = [];
  #lastIndex: LogIndex;
  #batches = 0;
  #syncs = 0;
  #entries = 0;
  #bytes = 0;

  constructor(lastIndex: LogIndex, instruments: Instruments) {
    this.#lastIndex = lastIndex;
    this.#instruments = instruments;
  }

  get count(): number {
    return this.#waiting.length;
  }

  get totals(): { batches: number; syncs: number; entries: number; bytes: number } {
    return { batches: this.#batches, syncs: this.#syncs, entries: this.#entries, bytes: this.#bytes };
  }

  /** @throws WalError "wal/gap" when the entries leave one behind the log, or among themselves. */
  checkOrder(batch: WalBatch): void {
    const { reset } = batch;
    let expectedAtMost = ((reset?.index ?? this.#lastIndex) + 1) as LogIndex;
    for (const [position, entry] of batch.entries.entries()) {
      const isNext =
        position === 0 && reset === undefined
          ? entry.index >= 1 && entry.index <= expectedAtMost
          : entry.index === expectedAtMost;
      if (!isNext) throw new WalError({ code: "wal/gap", expectedAtMost, index: entry.index });
      expectedAtMost = (entry.index + 1) as LogIndex;
    }
  }

  /** The batch has been taken over. */
  addBatch(batch: WalBatch, done: () => void): void {
    const last = batch.entries.at(-1) ?? batch.reset;
    if (last !== undefined) this.#lastIndex = last.index;
    this.#waiting.push({ done, links: batch.links, entries: batch.entries.length });
  }

  /** The snapshot has been taken over. */
  addSnapshot(snapshot: WalSnapshot, done: () => void): void {
    if (snapshot.index > this.#lastIndex) this.#lastIndex = snapshot.index;
    this.#waiting.push({ done, links: undefined, entries: 0 });
  }

  /** The oldest `count` calls are as durable as they asked for. */
  complete(count: number, report: BatchReport): void {
    const completed = this.#waiting.splice(0, count);
    let entries = 0;
    for (const pending of completed) entries += pending.entries;
    if (report.bytes > 0) this.#batches += 1;
    if (report.syncMs !== undefined) this.#syncs += 1;
    this.#entries += entries;
    this.#bytes += report.bytes;
    // Those who wait come first; counting can follow.
    for (const pending of completed) pending.done();
    this.#instruments.recordBatch(report, { appends: count, entries }, completed);
  }
}
