import type { Logger, LogIndex } from "@quorate/common";
import type { Mvcc } from "@quorate/mvcc";
import type { ConfState, MemoryLog } from "@quorate/raft";
import type { Wal } from "@quorate/wal";
import { confStateToJson } from "./conf-change-apply.js";

/** Entries between two looks at the log in memory. */
const trimEvery = 256;

/**
 * Keeps the log short: in memory what members that lag may need, on disk what the store has not made durable itself. Nothing leaves the disk before a
 * synced checkpoint of the database holds its effect.
 */
export class LogKeeper {
  readonly #mvcc: Mvcc;
  readonly #wal: Wal;
  readonly #log: MemoryLog;
  readonly #confState: () => ConfState;
  readonly #snapshotCount: number;
  readonly #catchUpEntries: number;
  readonly #logger: Logger;
  readonly #fatal: (error: Error) => void;
  #snapshotIndex: number;
  #trimmedAt: number;
  #isSaving = false;
  #isStopped = false;

  constructor(
    parts: {
      mvcc: Mvcc;
      wal: Wal;
      log: MemoryLog;
      /** The last snapshot that the log knows of; 0 when there is none. */
      markedIndex: LogIndex;
      confState(): ConfState;
    },
    options: { snapshotCount: number; catchUpEntries: number },
    ports: { logger: Logger; fatal: (error: Error) => void },
  ) {
    this.#mvcc = parts.mvcc;
    this.#wal = parts.wal;
    this.#log = parts.log;
    this.#confState = () => parts.confState();
    this.#snapshotCount = options.snapshotCount;
    this.#catchUpEntries = options.catchUpEntries;
    this.#logger = ports.logger;
    this.#fatal = ports.fatal;
    this.#snapshotIndex = parts.markedIndex;
    this.#trimmedAt = parts.mvcc.applied.index;
  }

  /** Entries up to here are applied. */
  applied(index: LogIndex): void {
    if (index - this.#trimmedAt >= trimEvery) this.#trim(index);
    if (index - this.#snapshotIndex >= this.#snapshotCount && !this.#isSaving) this.#save(index);
  }

  /** Waits until all that was applied is durable in the database itself, so that the next start has nothing to repeat. */
  async drain(): Promise<void> {
    await this.#mvcc.checkpoint();
    if (this.#mvcc.durable.index > this.#snapshotIndex) await new Promise<void>((done) => this.#record(done));
  }

  /** The log and the database are about to be closed: what is under way comes to nothing. */
  stop(): void {
    this.#isStopped = true;
  }

  #trim(index: LogIndex): void {
    this.#trimmedAt = index;
    const confState = this.#confState();
    const isAlone = confState.voters.length + confState.votersOutgoing.length + confState.learners.length <= 1;
    const keep = isAlone ? trimEvery : this.#catchUpEntries;
    const upTo = Math.min(index, this.#mvcc.applied.index) - keep;
    if (upTo > this.#log.firstIndex) this.#log.compact(upTo as LogIndex);
  }

  #save(index: LogIndex): void {
    this.#isSaving = true;
    this.#logger.info("triggering snapshot", {
      "local-member-applied-index": index,
      "local-member-snapshot-index": this.#snapshotIndex,
    });
    this.#mvcc.checkpoint().then(
      () => this.#record(),
      (error: unknown) => this.#fatal(error instanceof Error ? error : new Error(String(error))),
    );
  }

  #record(done: () => void = () => {}): void {
    if (this.#isStopped) return done();
    const { index, term } = this.#mvcc.durable;
    const data = Buffer.from(JSON.stringify({ term, confState: confStateToJson(this.#confState()) }));
    this.#wal.saveSnapshot({ index, data }, () => {
      done();
      if (this.#isStopped) return;
      this.#snapshotIndex = index;
      this.#isSaving = false;
      this.#logger.info("saved snapshot to disk", { "snapshot-index": index });
      this.#wal.release(index);
    });
  }
}
