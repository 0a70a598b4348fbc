import type { Clock, LeaseId, LogIndex, Logger, Meter, Revision, SpanContext, Term, Tracer } from "@quorate/common";
import type { KeyRange } from "./key-range.js";

/** How the store is opened. Sizes are bytes. */
export type MvccOptions = Readonly<{
  /** The database file; its directory must exist. A missing file is created with mode 0600. */
  path: string;
  /** True (the default): SQLite is written by a thread of its own. False: in the calling thread, for simulation and small tools. */
  storeThread?: boolean;
  /** Head size from which `isHeadFull` says so. 64 MiB. */
  headBytesMax?: number;
  /** Size of a run that is worth a flush of its own; smaller ones wait for `flushDelayMs`. 8 MiB. */
  flushBytes?: number;
  /** How long a change may stay in memory only before a flush is started, in milliseconds. 100. */
  flushDelayMs?: number;
  /**
   * Memory for reading and writing the file: half as page cache of the writing connection, a sixth of the reading one,
   * a third for records read often. 96 MiB.
   */
  cacheBytes?: number;
  /** Page size of a new file: 4096 (the default), 8192, 16384. */
  pageBytes?: number;
  /** WAL size from which a checkpoint is started. 64 MiB. */
  checkpointBytes?: number;
  /** Rows looked at in one slice of a compaction. 1000. */
  compactionBatchLimit?: number;
  /** Pause between two slices of a compaction, in milliseconds. 10. */
  compactionSleepMs?: number;
}>;

/** What the store needs of the world. */
export type MvccPorts = Readonly<{
  clock: Clock;
  logger: Logger;
  meter: Meter;
  tracer?: Tracer | undefined;
  /** The store can not go on (disk full, I/O error, broken invariant): the process has to end. */
  fatal: (error: Error) => void;
}>;

/** The place of a log entry. Index 0, term 0: before all. */
export type EntryId = Readonly<{ index: LogIndex; term: Term }>;

/** What is known of a key beside its value. */
export type KeyMeta = Readonly<{
  createRevision: Revision;
  modRevision: Revision;
  version: number;
  lease: LeaseId | undefined;
}>;

/** What to order a range by. */
export type RangeSort = Readonly<{
  order: "none" | "ascend" | "descend";
  target: "key" | "version" | "create" | "mod" | "value";
}>;

/** A range read. Filters left out are off. */
export type RangeQuery = Readonly<{
  range: KeyRange;
  /** Undefined: the newest. */
  revision?: Revision | undefined;
  /** Undefined: all. */
  limit?: number | undefined;
  /** Undefined: byte order of the keys. */
  sort?: RangeSort | undefined;
  keysOnly?: boolean | undefined;
  countOnly?: boolean | undefined;
  minMod?: Revision | undefined;
  maxMod?: Revision | undefined;
  minCreate?: Revision | undefined;
  maxCreate?: Revision | undefined;
}>;

/** The answer to a range read. */
export type RangeResult = Readonly<{
  /** Of the store when it was read, not the one asked for. */
  revision: Revision;
  /** Keys in the range at that revision, before filters and limit. */
  count: number;
  /** True when a limit cut something off. */
  more: boolean;
  /** Encoded mvccpb.KeyValue each, ready to be framed. May be views into one larger buffer. */
  records: readonly Uint8Array[];
}>;

/** One piece of a large range. */
export type RangeChunk = Readonly<{ records: readonly Uint8Array[]; done: boolean }>;

/** Reads a large range in bounded pieces, all at one revision, in byte order of the keys. Holds physical compaction off until closed. */
export interface RangeCursor {
  /** The revision that is read. */
  readonly revision: Revision;
  /** The store's revision when the cursor was opened. */
  readonly storeRevision: Revision;
  /** Keys in the range at `revision`. */
  readonly count: number;
  /** The next records: at most `maxRecords`, and no further one once `maxBytes` are reached. An empty chunk is the last one. */
  next(limits: { maxRecords: number; maxBytes: number }): RangeChunk;
  close(): void;
}

/** One change of one key. */
export interface Change {
  readonly kind: "put" | "delete";
  readonly key: Uint8Array;
  /** The key as a string of one character a byte: ordered and equal as the bytes are. */
  readonly keyLatin1: string;
  readonly revision: Revision;
  /** Place among the changes of one revision, from 0. */
  readonly sub: number;
  /** Encoded mvccpb.KeyValue; of a delete: key and mod_revision. */
  readonly record: Uint8Array;
  /** The key's record one revision earlier, read when asked for. Undefined when there was none or it has been compacted. */
  readonly previous: Uint8Array | undefined;
}

/** What a transaction did: the revision after it, and its changes in order (empty: nothing changed, same revision). */
export type Committed = Readonly<{ revision: Revision; changes: readonly Change[] }>;

/** Changes of whole revisions, ascending. */
export type HistoryBatch = Readonly<{
  changes: readonly Change[];
  /** First revision that was not looked at; the store's revision + 1 when all were. */
  next: Revision;
}>;

/** Bounds of one `history` read. At least one whole revision is read, whatever it weighs. */
export type HistoryLimits = Readonly<{
  /** Revisions with at least one change in `range`. */
  revisionsMax: number;
  bytesMax: number;
  /** Undefined: all keys. */
  range?: KeyRange | undefined;
}>;

/** What `put` replaced. `previous` is read when asked for, until the transaction ends. */
export interface PutResult {
  readonly previous: Uint8Array | undefined;
  readonly previousLease: LeaseId | undefined;
}

/** What `deleteRange` removed, in byte order of the keys. */
export type DeleteResult = Readonly<{
  deleted: number;
  previous: readonly Uint8Array[];
  leases: readonly Readonly<{ key: Uint8Array; lease: LeaseId }>[];
}>;

/** All changes of one log entry. Nothing is visible outside before `commit`. */
export interface WriteTransaction {
  /** The revision its changes have: the store's + 1, and one more after each `nextRevision`. */
  readonly revision: Revision;
  /** True when a key was changed since the beginning, or since the last `nextRevision`. */
  readonly hasChanges: boolean;
  get(key: Uint8Array): { readonly meta: KeyMeta; readonly record: Uint8Array } | undefined;
  /** As `get`, without reading the value. */
  getMeta(key: Uint8Array): KeyMeta | undefined;
  /** Sees the transaction's own writes when no revision is named. */
  range(query: RangeQuery): RangeResult;
  /** @throws MvccError "mvcc/key-not-found" for "keep" on a key that does not exist; nothing has changed then. */
  put(put: { key: Uint8Array; value: Uint8Array | "keep"; lease: LeaseId | undefined | "keep" }): PutResult;
  deleteRange(range: KeyRange, options: { wantPrevious: boolean }): DeleteResult;
  /** @throws MvccError "mvcc/compacted" at or below the last one, "mvcc/future-revision" above the current revision. */
  compact(revision: Revision): void;
  setBucket(bucket: string, key: string, value: Uint8Array | undefined): void;
  /** What follows belongs to the next revision, if there were changes. For entries that make several revisions (lease expiry). */
  nextRevision(): void;
  commit(): Committed;
  abort(): void;
}

/** The hash of the whole history, as etcd's HashKV. */
export type HashKvResult = Readonly<{
  hash: number;
  /** The compaction the hash is relative to; undefined: never compacted. */
  compactRevision: Revision | undefined;
  hashRevision: Revision;
  /** Of the store. */
  revision: Revision;
}>;

/** A consistent copy of the database in a temporary file. */
export interface Backup {
  readonly sizeBytes: number;
  /** The last entry whose effect is in the copy: not older than what was applied when the backup was asked for. */
  readonly applied: EntryId;
  /** A side table as the copy has it. */
  bucket(name: string): ReadonlyMap<string, Uint8Array>;
  /** Pieces of at most `bytes` of the file, from `fromByte` on. May be asked for several times, also at once. */
  chunks(bytes: number, fromByte?: number): AsyncIterable<Uint8Array>;
  /** Removes the copy. */
  close(): void;
}

/** Bytes of the database file, and those of them that are in use. */
export type StoreSize = Readonly<{ totalBytes: number; inUseBytes: number }>;

/** A key and the lease it hangs on. */
export type Attachment = Readonly<{ lease: LeaseId; key: Uint8Array }>;

/** The store: revisions of keys, side tables, and the place in the log they stand for. One writer at a time, all reads synchronous. */
export interface Mvcc {
  /** 1 when fresh. */
  readonly revision: Revision;
  /** Logical: reads below are refused. Undefined: never compacted. */
  readonly compactedRevision: Revision | undefined;
  /** The last entry applied, in memory. */
  readonly applied: EntryId;
  /** The last entry in the database file; may be lost with the power. */
  readonly flushed: EntryId;
  /** The last entry that survived a synced checkpoint: the log may drop entries up to it. */
  readonly durable: EntryId;
  /**
   * @param link the span of the request behind the entry, if it is sampled: the span of the flush that writes the changes links to it.
   * @throws AssertionError when another transaction is open or the entry is not later than `applied`.
   */
  begin(entry: EntryId, link?: SpanContext): WriteTransaction;
  /** An entry without effect on the store. */
  markApplied(entry: EntryId): void;
  /** @throws MvccError "mvcc/compacted", "mvcc/future-revision". */
  range(query: RangeQuery): RangeResult;
  /** Byte order only; `limit`, sort, filters and `keysOnly` are not looked at: see `recordsNeeded` and `arrangeRecords`. @throws as `range`. */
  openRange(query: RangeQuery): RangeCursor;
  /** @throws as `range`. */
  count(range: KeyRange, revision?: Revision): number;
  /** @throws MvccError "mvcc/compacted" when `from` is below the compacted revision. */
  history(from: Revision, limits: HistoryLimits): HistoryBatch;
  /** The key's record as of `revision`; undefined when it did not exist or that has been compacted. */
  recordAt(key: Uint8Array, revision: Revision): Uint8Array | undefined;
  /** @throws MvccError "mvcc/compacted", "mvcc/future-revision". */
  hashKv(revision: Revision | undefined): Promise<HashKvResult>;
  /** CRC-32C over the whole logical content, side tables included, the applied entry excluded. */
  hash(): Promise<number>;
  /** Waits until the physical work up to the present compaction revision is over. */
  whenCompacted(): Promise<void>;
  size(): StoreSize;
  keyCount(): number;
  headBytes(): number;
  /** True when the head has reached its limit: apply should wait for `onHeadDrained`. */
  isHeadFull(): boolean;
  /** Runs once, as soon as the head is at most half full. */
  onHeadDrained(run: () => void): void;
  /**
   * The keys that hang on a lease, as the database file has them: for a start, before the first transaction.
   * @throws AssertionError when something was applied since the file was opened.
   */
  attachments(): Iterable<Attachment>;
  /** A small side table, by latin1 key. */
  bucket(name: string): ReadonlyMap<string, Uint8Array>;
  /** Waits until all that is applied now is in the database file. */
  flush(): Promise<void>;
  /** Flushes, and waits until that is synced; `durable` says so. */
  checkpoint(): Promise<void>;
  backup(signal?: AbortSignal): Promise<Backup>;
  /**
   * A whole and synced database file, such as a backup that came from another member, takes the place of the present one; the file at `path` is gone
   * then. Everything comes from it: revision, compaction, applied entry, side tables. Until then reads are answered from the old file. What is in progress on
   * the old file (cursors, hashes, backups that are being made, those who wait for a flush) ends with "mvcc/replaced". It is durable when this resolves.
   *
   * A crash in the middle may leave the old file without its last changes and the new one where it was: do as `replaceDatabase` at the next start.
   * @throws MvccError "mvcc/cannot-open", "mvcc/foreign-file", "mvcc/newer-format", "mvcc/corrupt" about the file at `path`: nothing has changed then.
   * AssertionError when a transaction is open.
   */
  install(path: string): Promise<void>;
  /** Gives free pages back to the file system, in slices. */
  defragment(): Promise<void>;
  /** Flushes, syncs and closes. What needs the file afterwards is refused with "mvcc/closed". */
  close(): Promise<void>;
}
