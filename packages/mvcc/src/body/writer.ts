import { assert } from "@quorate/common";
import type { Statement } from "better-sqlite3";
import type { BucketChange } from "../head-layer.js";
import { bytesFromLatin1 } from "../key-range.js";
import { keyLatin1Of, keyOf, parseRecord } from "../record.js";
import { decodeRun, type RunEntry } from "../run.js";
import { readBuckets, readState, stateNames } from "./body-state.js";
import { FenceKeeper } from "./fence-keeper.js";
import type { FenceEdits } from "./fences.js";
import type { BodyJob, BodyOpened, BodySize, BodyState } from "./jobs.js";

import { type Connection, rowKind } from "./schema.js";

/** The writing side of the body: turns runs into rows. Belongs to one connection and one thread. */
export class BodyWriter {
  readonly #db: Connection;
  readonly #fences: FenceKeeper;
  readonly #state: BodyState;
  #historyRows: number;
  #end: { lastSeq: number; lastRevision: number };
  readonly #pageBytes: number;
  readonly #insertHistory: Statement;
  readonly #putLatest: Statement;
  readonly #deleteLatest: Statement;
  readonly #insertVersion: Statement;
  readonly #putBucket: Statement;
  readonly #deleteBucket: Statement;
  readonly #putMeta: Statement;

  constructor(db: Connection) {
    this.#db = db;
    this.#fences = new FenceKeeper(db);
    this.#pageBytes = db.pragma("page_size", { simple: true }) as number;
    this.#insertHistory = db.prepare("INSERT INTO history VALUES (?, ?, ?, ?, ?, ?)");
    this.#putLatest = db.prepare("INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?, ?, ?)");
    this.#deleteLatest = db.prepare("DELETE FROM latest WHERE key = ?");
    this.#insertVersion = db.prepare("INSERT INTO versions VALUES (?, ?, ?)");
    this.#putBucket = db.prepare("INSERT OR REPLACE INTO bucket VALUES (?, ?, ?)");
    this.#deleteBucket = db.prepare("DELETE FROM bucket WHERE name = ? AND key = ?");
    this.#putMeta = db.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)");
    this.#state = readState(db);
    this.#historyRows = this.#state.historyRows;
    this.#end = { lastSeq: this.#state.lastSeq, lastRevision: this.#state.revision };
  }

  /** Reads all that is kept in memory: a few thousand rows, never the keys. */
  readOpened(): BodyOpened {
    const { fences } = this.#fences;
    return {
      state: this.#state,
      fences: Array.from({ length: fences.length }, (_, i) => ({ key: fences.keyAt(i), count: fences.countAt(i) })),
      buckets: readBuckets(this.#db),
      size: this.size(),
    };
  }

  /** Where the history ends, and how many keys there are. */
  end(): { lastSeq: number; lastRevision: number; keyCount: number } {
    return { ...this.#end, keyCount: this.#fences.fences.total };
  }

  /** Writes runs that follow each other, and what goes with them, in one transaction. */
  flush(job: Extract<BodyJob, { kind: "flush" }>): FenceEdits {
    const entries: RunEntry[] = [];
    for (const run of job.runs) entries.push(...decodeRun(run, job.firstSeq + entries.length));
    assert(job.firstSeq + entries.length === job.state.lastSeq + 1, "a flush holds the changes it announces");
    const edits = this.inTransaction(() => {
      for (const entry of entries) this.#appendHistory(entry);
      this.#writeLatest(entries);
      this.#writeVersions(entries);
      for (const change of job.bucketChanges) this.#changeBucket(change);
      this.writeState(job.state);
      this.countRows(entries.length);
      return this.#fences.settle();
    });
    this.#end = { lastSeq: job.state.lastSeq, lastRevision: job.state.revision };
    return edits;
  }

  /** Takes note of rows that came or went; in the transaction that wrote them. */
  countRows(change: number): void {
    this.#historyRows += change;
    if (change !== 0) this.writeState({ historyRows: this.#historyRows });
  }

  writeState(state: Partial<BodyState>): void {
    for (const [name, value] of Object.entries(state)) this.#putMeta.run(stateNames[name as keyof BodyState], value);
  }

  size(): BodySize {
    return {
      pageBytes: this.#pageBytes,
      pages: this.#db.pragma("page_count", { simple: true }) as number,
      freePages: this.#db.pragma("freelist_count", { simple: true }) as number,
      historyRows: this.#historyRows,
      walBytes: this.#uncheckpointedFrames() * this.#pageBytes,
    };
  }

  inTransaction<T>(run: () => T): T {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const result = run();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  /** Frames of the log file that are not in the database file yet. NOOP only looks. */
  #uncheckpointedFrames(): number {
    const [row] = this.#db.pragma("wal_checkpoint(NOOP)") as { log: number; checkpointed: number }[];
    return row === undefined ? 0 : row.log - row.checkpointed;
  }

  #appendHistory(entry: RunEntry): void {
    const { seq, main, sub, kind, previous, record } = entry;
    this.#insertHistory.run(seq, main, sub, kind, previous === 0 ? null : previous, record);
  }

  /** Keys in order, each once: the pages of `latest` are visited from left to right. */
  #writeLatest(entries: readonly RunEntry[]): void {
    const first = new Map<string, RunEntry>();
    const last = new Map<string, RunEntry>();
    for (const entry of entries) {
      const key = keyLatin1Of(entry.record);
      if (!last.has(key)) first.set(key, entry);
      last.set(key, entry);
    }
    for (const key of [...last.keys()].sort(compareText)) {
      const entry = last.get(key) as RunEntry;
      const existed = (first.get(key) as RunEntry).previous !== 0;
      const exists = entry.kind !== rowKind.deletion;
      if (exists) this.#putLatestRow(entry);
      else if (existed) this.#deleteLatest.run(keyOf(entry.record));
      this.#fences.note(key, existed === exists ? 0 : exists ? 1 : -1);
    }
  }

  #putLatestRow(entry: RunEntry): void {
    const { createRevision, version, lease } = parseRecord(entry.record);
    this.#putLatest.run(keyOf(entry.record), entry.seq, entry.main, createRevision, version, lease ?? null);
  }

  #writeVersions(entries: readonly RunEntry[]): void {
    const posts = entries
      .filter((entry) => entry.kind !== rowKind.put)
      .map((entry) => ({ key: keyLatin1Of(entry.record), entry }));
    posts.sort((a, b) => compareText(a.key, b.key) || a.entry.seq - b.entry.seq);
    for (const { entry } of posts) this.#insertVersion.run(keyOf(entry.record), entry.main, entry.seq);
  }

  #changeBucket(change: BucketChange): void {
    const key = bytesFromLatin1(change.key);
    if (change.value === undefined) this.#deleteBucket.run(change.bucket, key);
    else this.#putBucket.run(change.bucket, key, change.value);
  }
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
