import type { BucketChange } from "../head-layer.js";
import type { FenceEdits } from "./fences.js";

/** Numbers kept in table `meta`. 0 stands for "none yet" of the two compaction numbers (no compaction is at 0 with rows). */
export type BodyState = Readonly<{
  appliedIndex: number;
  appliedTerm: number;
  revision: number;
  /** Logical compaction + 1; 0: never. */
  compactedPlusOne: number;
  /** Finished compaction + 1; 0: never. */
  finishedPlusOne: number;
  lastSeq: number;
  /** Rows of the history. */
  historyRows: number;
}>;

/** What the body was found to hold when it was opened. */
export type BodyOpened = Readonly<{
  state: BodyState;
  fences: readonly Readonly<{ key: string; count: number }>[];
  buckets: readonly Readonly<{ bucket: string; key: string; value: Uint8Array }>[];
  size: BodySize;
}>;

/** Pages of the file and of its log, after a job. */
export type BodySize = Readonly<{
  pageBytes: number;
  pages: number;
  freePages: number;
  walBytes: number;
  historyRows: number;
}>;

/** Work for the store thread. One job runs at a time, in order. */
export type BodyJob =
  | {
      kind: "flush";
      /** Packed changes, in order. */
      runs: readonly Uint8Array<ArrayBuffer>[];
      firstSeq: number;
      bucketChanges: readonly BucketChange[];
      state: Omit<BodyState, "finishedPlusOne" | "historyRows">;
    }
  | { kind: "checkpoint" }
  | { kind: "compact"; from: number; to: number; afterSeq: number; rows: number }
  | { kind: "finish-compaction"; to: number }
  | { kind: "vacuum"; pages: number }
  | { kind: "hash"; request: HashRequest | undefined; rows: number };

/** One HashKV computation. Revisions that do not exist are undefined. */
export type HashRequest = Readonly<{
  upTo: number;
  compacted: number | undefined;
  finished: number | undefined;
  /** The hash taken by a compaction: deletions at `upTo` belong to the keep set (storage.md 1.4). */
  isCompaction: boolean;
}>;

/** What a job answers. */
export type BodyResult = Readonly<{
  size: BodySize;
  fenceEdits?: FenceEdits;
  /** Checkpoint: everything in the log file was written to the database file and synced. */
  isComplete?: boolean;
  /** Where a job in slices stands; undefined: it is over. */
  afterSeq?: number | undefined;
  hash?: number | undefined;
  /** Rows looked at and removed, for spans and metrics. */
  rows?: number;
  removed?: number;
  /** Milliseconds the store thread worked on it. */
  workMs: number;
}>;

/** The store thread, or what stands in for it. */
export interface Body {
  readonly opened: BodyOpened;
  /** Runs a job; `done` is called with its result, later or at once. Never called after a failure: that is fatal. */
  run(job: BodyJob, done: (result: BodyResult) => void): void;
  /** Ends the connection and the thread. No job may be running. */
  close(): Promise<void>;
}
