import type { LogIndex } from "@quorate/common";
import { BatchBuffer } from "./batch-buffer.js";
import type { Instruments } from "./instruments.js";
import { PendingAppends } from "./pending-appends.js";
import type { SegmentLog } from "./segment-log.js";
import type { Wal, WalBatch, WalSnapshot, WalStats } from "./wal.js";
import { WalError } from "./wal-error.js";

const allocate = (length: number): Uint8Array => new Uint8Array(length);

/** The log without a thread of its own: for simulations, tests and tools. What comes in one turn, or during a sync, is one batch. */
export class InlineWal implements Wal {
  readonly #log: SegmentLog;
  readonly #pending: PendingAppends;
  /** Gathers while the other is written. */
  #filling: BatchBuffer;
  #writing: BatchBuffer;
  #fillingAppends = 0;
  #mustSync = false;
  #isBusy = false;
  #isScheduled = false;
  #releaseUpTo: LogIndex | undefined;
  #closing: (() => void) | undefined;
  #isClosed = false;
  #hasFailed = false;

  constructor(options: { pendingBytesMax: number; lastIndex: LogIndex }, log: SegmentLog, instruments: Instruments) {
    this.#log = log;
    this.#pending = new PendingAppends(options.lastIndex, instruments);
    this.#filling = new BatchBuffer(options, allocate);
    this.#writing = new BatchBuffer(options, allocate);
  }

  append(batch: WalBatch, done: () => void): void {
    if (!this.#isOpen()) return;
    this.#pending.checkOrder(batch);
    this.#filling.add(batch);
    this.#pending.addBatch(batch, done);
    this.#added(batch.mustSync);
  }

  saveSnapshot(snapshot: WalSnapshot, done: () => void): void {
    if (!this.#isOpen()) return;
    this.#filling.addSnapshot(snapshot);
    this.#pending.addSnapshot(snapshot, done);
    this.#added(true);
  }

  release(upTo: LogIndex): void {
    if (!this.#isOpen()) return;
    this.#releaseUpTo = upTo;
    this.#schedule();
  }

  close(): Promise<void> {
    if (this.#isClosed || this.#hasFailed) return Promise.resolve();
    this.#isClosed = true;
    return new Promise((resolve) => {
      this.#closing = resolve;
      this.#schedule();
    });
  }

  stats(): WalStats {
    const { segmentCount: segments, offset: segmentBytes } = this.#log;
    return { segments, segmentBytes, pendingAppends: this.#pending.count, ...this.#pending.totals };
  }

  /** The disk has failed: nothing is acknowledged any more. */
  fail(): void {
    this.#hasFailed = true;
    this.#closing?.();
  }

  /** @returns false after a failure. @throws WalError "wal/closed". */
  #isOpen(): boolean {
    if (this.#isClosed) throw new WalError({ code: "wal/closed" });
    return !this.#hasFailed;
  }

  #added(mustSync: boolean): void {
    this.#fillingAppends += 1;
    this.#mustSync ||= mustSync;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isBusy || this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#isBusy || this.#hasFailed) return;
    if (this.#releaseUpTo !== undefined) {
      const upTo = this.#releaseUpTo;
      this.#releaseUpTo = undefined;
      this.#log.release(upTo);
    }
    if (this.#fillingAppends === 0) {
      this.#finishClosing();
      return;
    }
    const batch = this.#filling;
    const appends = this.#fillingAppends;
    const mustSync = this.#mustSync;
    this.#filling = this.#writing;
    this.#writing = batch;
    this.#fillingAppends = 0;
    this.#mustSync = false;
    this.#isBusy = true;
    const ready = (): void => {
      batch.reset();
      this.#isBusy = false;
      this.#schedule();
    };
    if (!batch.isEmpty) {
      this.#log.write(batch, mustSync, (outcome) => this.#pending.complete(appends, outcome), ready);
      return;
    }
    const complete = (): void => {
      this.#pending.complete(appends, { bytes: 0, writeMs: 0, syncMs: undefined });
      ready();
    };
    if (mustSync) this.#log.sync(complete);
    else complete();
  }

  #finishClosing(): void {
    const closing = this.#closing;
    if (closing === undefined) return;
    this.#closing = undefined;
    this.#isBusy = true;
    this.#log.sync(() => {
      this.#log.close();
      closing();
    });
  }
}
