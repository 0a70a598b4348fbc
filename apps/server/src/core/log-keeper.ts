import type { Logger, LogIndex } from "@quorate/common";
import { type Mvcc, MvccError } from "@quorate/mvcc";
import { type ConfState, type MemoryLog, entryBytes } from "@quorate/raft";
import type { Wal } from "@quorate/wal";
import { encodeMark } from "./log-mark.js";

/** Entries between two looks at the log in memory, at most; a member alone keeps so many. */
const trimEveryMax = 256;
/** Bytes of entries kept for members that lag, by default: who lags further gets a snapshot. */
const catchUpBytesDefault = 268_435_456;
/** While a snapshot travels, what follows it may take so many times that. A member that is slower than this needs another snapshot. */
const pinnedFactor = 4;

/** What a log keeper looks after. */
export type LogKeeperParts = Readonly<{
  mvcc: Pick<Mvcc, "applied" | "durable" | "checkpoint">;
  wal: Pick<Wal, "saveSnapshot" | "release">;
  log: MemoryLog;
  /** The last snapshot that the log knows of; 0 when there is none. */
  markedIndex: LogIndex;
  raft: { readonly confState: ConfState };
  /** What follows the entry is about to be needed by another member; undefined when nothing is. */
  snapshots: { readonly pinnedIndex: LogIndex | undefined };
}>;

/**
 * Keeps the log short: in memory what members that lag may need, bounded in entries and in bytes; on disk what the store has not made durable itself.
 * Nothing leaves the disk before a synced checkpoint of the database holds its effect.
 */
export class LogKeeper {
  readonly #parts: LogKeeperParts;
  readonly #snapshotCount: number;
  readonly #catchUpEntries: number;
  readonly #catchUpBytes: number;
  readonly #trimEvery: number;
  readonly #logger: Logger;
  readonly #fatal: (error: Error) => void;
  #snapshotIndex: number;
  #trimmedAt: number;
  #isSaving = false;
  #isStopped = false;

  constructor(
    parts: LogKeeperParts,
    options: { snapshotCount: number; catchUpEntries: number; catchUpBytes?: number | undefined },
    ports: { logger: Logger; fatal: (error: Error) => void },
  ) {
    this.#parts = parts;
    this.#snapshotCount = options.snapshotCount;
    this.#catchUpEntries = options.catchUpEntries;
    this.#catchUpBytes = options.catchUpBytes ?? catchUpBytesDefault;
    this.#trimEvery = Math.min(trimEveryMax, Math.ceil(options.catchUpEntries / 4));
    this.#logger = ports.logger;
    this.#fatal = ports.fatal;
    this.#snapshotIndex = parts.markedIndex;
    this.#trimmedAt = parts.mvcc.applied.index;
  }

  /** Entries up to here are applied. */
  applied(index: LogIndex): void {
    if (index - this.#trimmedAt >= this.#trimEvery || this.#parts.log.bytes > this.#catchUpBytes) this.#trim(index);
    if (index - this.#snapshotIndex >= this.#snapshotCount && !this.#isSaving) this.#save(index);
  }

  /** A snapshot is about to take the place of log and database: what stands in the database until then is not worth a mark any more. */
  restoring(index: LogIndex): void {
    this.#snapshotIndex = index;
    this.#trimmedAt = index;
  }

  /** It has: the log on disk before it may go. */
  restored(index: LogIndex): void {
    if (!this.#isStopped) this.#parts.wal.release(index);
  }

  /** Waits until all that was applied is durable in the database itself, so that the next start has nothing to repeat. */
  async drain(): Promise<void> {
    const { mvcc } = this.#parts;
    try {
      await mvcc.checkpoint();
    } catch (error) {
      if (!isReplaced(error)) throw error; // a snapshot is as durable as a checkpoint
    }
    if (mvcc.durable.index > this.#snapshotIndex) await new Promise<void>((done) => this.#record(done));
  }

  /** The log and the database are about to be closed: what is under way comes to nothing. */
  stop(): void {
    this.#isStopped = true;
  }

  #trim(index: LogIndex): void {
    this.#trimmedAt = index;
    const { mvcc, log } = this.#parts;
    const applied = Math.min(index, mvcc.applied.index);
    const { voters, votersOutgoing, learners } = this.#parts.raft.confState;
    const isAlone = voters.length + votersOutgoing.length + learners.length <= 1;
    const keep = isAlone ? trimEveryMax : this.#catchUpEntries;
    const unpinned = Math.min(this.#parts.snapshots.pinnedIndex ?? applied, applied);
    const upTo = Math.max(
      Math.min(applied - keep, unpinned),
      this.#overflow(this.#catchUpBytes, unpinned),
      this.#overflow(this.#catchUpBytes * pinnedFactor, applied),
    );
    if (upTo >= log.firstIndex) log.compact(upTo as LogIndex);
  }

  /** The last entry, `limit` at most, that has to go so that the rest is no heavier than `bytesMax`. Costs what is found. */
  #overflow(bytesMax: number, limit: number): number {
    const { log } = this.#parts;
    let { bytes } = log;
    let index = log.firstIndex - 1;
    while (bytes > bytesMax && index < limit) {
      const entry = log.at((index + 1) as LogIndex);
      if (entry === undefined) break;
      bytes -= entryBytes(entry);
      index++;
    }
    return index;
  }

  #save(index: LogIndex): void {
    this.#isSaving = true;
    this.#logger.info("triggering snapshot", {
      "local-member-applied-index": index,
      "local-member-snapshot-index": this.#snapshotIndex,
    });
    this.#parts.mvcc.checkpoint().then(
      () => this.#record(),
      (error: unknown) => {
        this.#isSaving = false;
        if (isReplaced(error)) return; // the snapshot that has taken its place is a mark, too
        this.#fatal(error instanceof Error ? error : new Error(String(error)));
      },
    );
  }

  #record(done: () => void = () => {}): void {
    const { mvcc, wal } = this.#parts;
    const { index, term } = mvcc.durable;
    if (this.#isStopped || index <= this.#snapshotIndex) {
      this.#isSaving = false;
      return done();
    }
    wal.saveSnapshot(encodeMark({ index, term, confState: this.#parts.raft.confState }), () => {
      done();
      this.#isSaving = false;
      if (this.#isStopped || index <= this.#snapshotIndex) return;
      this.#snapshotIndex = index;
      this.#logger.info("saved snapshot to disk", { "snapshot-index": index });
      wal.release(index);
    });
  }
}

function isReplaced(error: unknown): boolean {
  return error instanceof MvccError && error.fault.code === "mvcc/replaced";
}
