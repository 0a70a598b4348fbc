import type { Clock, Disk, Logger, LogIndex, Meter, Random, SpanContext, Tracer } from "@quorate/common";

/** One entry of the replicated log; the log does not look into its bytes. */
export type WalEntry = Readonly<{ index: LogIndex; data: Uint8Array }>;

/** Says that a snapshot of everything up to `index` exists elsewhere; `data` is the caller's own (term, membership). */
export type WalSnapshot = Readonly<{ index: LogIndex; data: Uint8Array }>;

/** What is appended at once, and survives a crash at once or not at all. */
export type WalBatch = Readonly<{
  /**
   * Comes first: a snapshot from elsewhere in the place of the whole log. Nothing that was appended before counts any more, entries beyond its
   * index neither, and the first entry after it has the next index.
   */
  reset?: WalSnapshot | undefined;
  entries: readonly WalEntry[];
  /** Replaces the state recorded before. */
  state?: Uint8Array | undefined;
  /** False: written but not waited for, as the commit index alone may be. */
  mustSync: boolean;
  /** Spans of the requests inside; the batch's `wal.sync` span links to them. */
  links?: readonly SpanContext[] | undefined;
}>;

/** What a log held when it was opened. */
export type Recovered = Readonly<{
  isNew: boolean;
  /** As given when the log was made. */
  metadata: Uint8Array;
  /** The last state recorded. */
  state: Uint8Array | undefined;
  /** The last snapshot recorded. */
  snapshot: WalSnapshot | undefined;
  /** Entries after the snapshot's index, without a gap; a later one has replaced an earlier one of its index and all after it. */
  entries: readonly WalEntry[];
  /** Bytes of torn, never acknowledged batches that were cut off. */
  repairedBytes: number;
}>;

export type WalOptions = Readonly<{
  /** The log's own directory. */
  directory: string;
  /** A segment that has reached this size is followed by a new one. Default 64_000_000. */
  segmentBytesMax?: number | undefined;
  /** Segments that stay though they are released. Default 5. */
  segmentsKept?: number | undefined;
  /** Bytes that may wait for the disk before `append` throws. Default 256 MiB. */
  pendingBytesMax?: number | undefined;
  /** True: the log writes in a thread of its own, on the machine's disk. */
  thread?: boolean | undefined;
  /** Written into a new log, and carried from segment to segment. */
  metadata: Uint8Array;
  /**
   * What the snapshots cover is gone: give all entries there ever were, and no snapshot. Where the first of them are gone, too, it makes no difference.
   */
  isWhole?: boolean | undefined;
  /** Never wait for the disk: a crash of the machine may lose acknowledged entries. */
  unsafeNoSync?: boolean | undefined;
}>;

export type WalPorts = Readonly<{
  /** Needed unless the log has its own thread. */
  disk?: Disk | undefined;
  clock: Clock;
  logger: Logger;
  tracer?: Tracer | undefined;
  meter: Meter;
  /** Where salts of segments come from; the system's own source when absent. */
  random?: Random | undefined;
  /** A write or a sync failed, or the thread died: nothing more is acknowledged, and the process has to end. */
  fatal: (error: Error) => void;
}>;

export type WalStats = Readonly<{
  /** Segments on disk. */
  segments: number;
  /** Bytes used in the last segment. */
  segmentBytes: number;
  /** Calls whose `done` has not run. */
  pendingAppends: number;
  /** Batches written since the log was opened. */
  batches: number;
  /** Syncs of batches since the log was opened. */
  syncs: number;
  /** Entries and bytes written since the log was opened. */
  entries: number;
  bytes: number;
}>;

/**
 * A write-ahead log. One owner appends; `done` runs in the order of the calls, never before the call has returned. After `fatal` calls do
 * nothing: nothing more is acknowledged.
 */
export interface Wal {
  /**
   * Appends entries and a state. `done` runs when they survive a crash (at once written when `mustSync` is false); an empty batch waits
   * for those before it. The bytes are copied before the call returns.
   * @throws WalError "wal/gap", "wal/too-much-pending", "wal/closed"; nothing was appended then.
   */
  append(batch: WalBatch, done: () => void): void;
  /** Records that a snapshot exists; synced. @throws WalError as `append`. */
  saveSnapshot(snapshot: WalSnapshot, done: () => void): void;
  /**
   * Entries up to `upTo` will not be asked for again: segments wholly below may go, but for the `segmentsKept` newest, and for those that no
   * recorded snapshot covers.
   */
  release(upTo: LogIndex): void;
  /** Waits for everything appended, syncs it and lets go of the files. */
  close(): Promise<void>;
  stats(): WalStats;
}
