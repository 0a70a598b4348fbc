import type { Revision } from "@quorate/common";
import type { EventList } from "./event-list.js";
import type { Watcher, WatchRequest, WatchSink } from "./watch-types.js";
import { type Indexed, type Interest, interestOf } from "./watcher-index.js";

/**
 * Where a watcher is:
 * - "synced": in the live index; it has all up to the present revision, or waits for a start in the future;
 * - "behind": in the queue of those that read history;
 * - "blocked": its sink had no room; it goes on from `next` once there is;
 * - "compacted": it was told so, and waits to be removed;
 * - "removed".
 */
export type Place = "synced" | "behind" | "blocked" | "compacted" | "removed";

/** A sink and those of its watchers that it had no room for. */
export type Outlet<Handle> = {
  readonly sink: WatchSink<Handle>;
  watchers: number;
  readonly blocked: Set<WatcherState<Handle>>;
  /** True while it waits for its `flush`. */
  isTouched: boolean;
};

/** A watcher as the hub knows it. */
export class WatcherState<Handle> implements Watcher<Handle>, Indexed {
  readonly handle: Handle;
  readonly outlet: Outlet<Handle>;
  readonly interest: Interest;
  readonly startRevision: Revision;
  readonly isStartGiven: boolean;
  readonly noPut: boolean;
  readonly noDelete: boolean;
  readonly previous: boolean;
  at: Place = "removed";
  place: number | undefined = undefined;
  /** Events of this revision and later ones have not been delivered. */
  next: Revision;
  /** What is about to be delivered, while a revision or a slice of history is looked through. */
  list: EventList | undefined = undefined;
  /** Events its sink refused. */
  pendingEvents = 0;

  constructor(request: WatchRequest<Handle>, outlet: Outlet<Handle>, present: Revision) {
    this.handle = request.handle;
    this.outlet = outlet;
    this.interest = interestOf(request.range);
    this.startRevision = request.startRevision ?? after(present);
    this.isStartGiven = request.startRevision !== undefined;
    this.noPut = request.filters.noPut;
    this.noDelete = request.filters.noDelete;
    this.previous = request.previous;
    this.next = this.startRevision;
  }

  get sink(): WatchSink<Handle> {
    return this.outlet.sink;
  }
}

/** The revision that follows. */
export function after(revision: Revision): Revision {
  return (revision + 1) as Revision;
}
