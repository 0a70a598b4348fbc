import type { Revision } from "@quorate/common";
import type { Change } from "../mvcc.js";
import { EventList, WatchEvent } from "./event-list.js";
import type { WatcherIndex } from "./watcher-index.js";
import type { WatcherState } from "./watcher-state.js";

/** Watchers of a look-up table, and the lists that start in it. */
export type Gathering<Handle> = {
  readonly index: WatcherIndex<WatcherState<Handle>>;
  readonly plain: EventList;
  readonly withPrevious: EventList;
  /** Those that have a list, in the order in which they got it. */
  readonly touched: WatcherState<Handle>[];
};

/** Nothing gathered yet. `revision` is for the headers. */
export function newGathering<Handle>(index: WatcherIndex<WatcherState<Handle>>, revision: Revision): Gathering<Handle> {
  return {
    index,
    plain: EventList.root(revision, { withPrevious: false }),
    withPrevious: EventList.root(revision, { withPrevious: true }),
    touched: [],
  };
}

/** Adds a change to the lists of all that want it. */
export function gather<Handle>(gathering: Gathering<Handle>, change: Change, onEncode: () => void): void {
  const { revision } = change;
  const isPut = change.kind === "put";
  const event = new WatchEvent(change, onEncode);
  gathering.index.match(change.keyLatin1, (members) => {
    for (const watcher of members) {
      if (watcher.next > revision || (isPut ? watcher.noPut : watcher.noDelete)) continue;
      let { list } = watcher;
      if (list === undefined) {
        gathering.touched.push(watcher);
        list = watcher.previous ? gathering.withPrevious : gathering.plain;
      }
      watcher.list = list.with(event);
    }
  });
}
