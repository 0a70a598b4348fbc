import type { Revision } from "@quorate/common";
import type { KeyRange } from "../key-range.js";
import type { Mvcc } from "../mvcc.js";

/** What the hub reads of the store. */
export type WatchSource = Pick<Mvcc, "revision" | "compactedRevision" | "history">;

/** What to watch. */
export type WatchRequest<Handle> = Readonly<{
  /** The caller's own name for it (stream and watch id); given back with every delivery, not looked at. */
  handle: Handle;
  range: KeyRange;
  /** The first revision wanted, in the past or in the future. Undefined: what comes after the present revision. */
  startRevision: Revision | undefined;
  filters: Readonly<{ noPut: boolean; noDelete: boolean }>;
  /** True: events carry the key's record before the change, where there was one that is not compacted. */
  previous: boolean;
  sink: WatchSink<Handle>;
}>;

/** One watch. Ends with `WatchHub.remove`, also after it was compacted. */
export interface Watcher<Handle> {
  readonly handle: Handle;
  readonly sink: WatchSink<Handle>;
  /** The first revision asked for; the revision after the present one when none was. */
  readonly startRevision: Revision;
}

/**
 * The way to one consumer, usually one stream with many watchers. Calls come from inside `publish` and `advance`; a sink must not
 * throw, and may call `add` and `remove`, but not `publish` or `advance`.
 */
export interface WatchSink<Handle> {
  /** True while `deliver` would refuse. */
  readonly isFull: boolean;
  /**
   * Takes the next events of a watcher. False: no room, nothing was taken; the hub goes on from there once `isFull` is false, in
   * an `advance`. The batch is shared with other watchers and must not be changed.
   */
  deliver(watcher: Watcher<Handle>, batch: WatchBatch): boolean;
  /** The watcher needs revisions that are gone. It gets nothing any more, and counts as not synced until it is removed. */
  compacted(watcher: Watcher<Handle>, compactedRevision: Revision): void;
  /** Called once at the end of a `publish` or `advance` that delivered something here: the moment for one write of it all. */
  flush?(): void;
}

/** Events of whole revisions for one watcher, in order, encoded once for all watchers that get the same. */
export interface WatchBatch {
  /** For the response's header: of live events their own, of history the store's when it was read. */
  readonly revision: Revision;
  /** Revisions of the first and the last event. */
  readonly firstRevision: Revision;
  readonly lastRevision: Revision;
  /** Events in it; at least one. */
  readonly count: number;
  /** Bytes of all `parts`. */
  readonly byteLength: number;
  /** For each event one `events` field of etcdserverpb.WatchResponse: tag, length, mvccpb.Event. Made on first use. */
  readonly parts: readonly Uint8Array[];
  /** All `parts` in one piece, ready to follow the other fields of the response. Made on first use. */
  readonly bytes: Uint8Array;
}

/** What is left to do after an `advance`: go on at once, wait until a sink has room, or nothing. */
export type WatchProgress = "more" | "waiting" | "idle";

/** Numbers for metrics. */
export type WatchStats = Readonly<{
  /** All that were added and not removed. */
  watchers: number;
  /** Those that catch up or wait for room in their sink. */
  slowWatchers: number;
  /** Those whose revisions are gone, not removed yet. */
  compactedWatchers: number;
  /** Events that sinks had no room for and still have not taken, as far as they were looked at. */
  pendingEvents: number;
  /** Events delivered, each counted for every watcher that got it. */
  eventsTotal: number;
  /** Events encoded: at most two for an event of a revision that is read once, with and without the previous record. */
  encodedTotal: number;
}>;
