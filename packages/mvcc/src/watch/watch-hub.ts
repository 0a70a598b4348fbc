import { assert, type Revision } from "@quorate/common";
import type { Change, Committed } from "../mvcc.js";
import type { EventList } from "./event-list.js";
import { gather, newGathering } from "./gathering.js";
import type { Watcher, WatchProgress, WatchRequest, WatchSink, WatchSource, WatchStats } from "./watch-types.js";
import { WatcherIndex } from "./watcher-index.js";
import { after, type Outlet, WatcherState } from "./watcher-state.js";

/** Bounds of the catching up. */
export type WatchHubOptions = Readonly<{
  /** Distinct revisions in one history read, so in one batch. Default 1000. */
  revisionsMax: number;
  /** Bytes of one history read. A single larger revision is read whole. Default 1 MiB. */
  bytesMax: number;
  /** Watchers that share one history read. Default 512. */
  watchersMax: number;
}>;

/** etcd's numbers, and a bound in bytes. */
export const defaultWatchHubOptions: WatchHubOptions = { revisionsMax: 1000, bytesMax: 1 << 20, watchersMax: 512 };

/**
 * Brings the changes of a store to those who watch it. Each watcher gets every matching change from its start revision on, in order,
 * once, whole revisions at a time. Those that are up to date get a revision right after its commit (`publish`); the others read
 * history in bounded slices (`advance`), outside of the commit path, many of them sharing one read.
 *
 * Synchronous and without timers: the owner calls `publish` after each commit, and `advance` while it says "more", each 100 ms or so,
 * and when a full sink has room again. A full sink costs a position per watcher, no data.
 */
export class WatchHub<Handle> {
  #source: WatchSource;
  readonly #options: WatchHubOptions;
  /** The last revision that was published: those who are synced have had all up to here. */
  #published: Revision;
  readonly #live = new WatcherIndex<WatcherState<Handle>>();
  /** Those that are behind, in turn. */
  readonly #behind = new Set<WatcherState<Handle>>();
  readonly #outlets = new Map<WatchSink<Handle>, Outlet<Handle>>();
  readonly #blockedOutlets = new Set<Outlet<Handle>>();
  readonly #touchedOutlets: Outlet<Handle>[] = [];
  #isBusy = false;
  #watchers = 0;
  #blocked = 0;
  #compacted = 0;
  #pendingEvents = 0;
  #eventsTotal = 0;
  #encodedTotal = 0;
  readonly #countEncoding = (): void => {
    this.#encodedTotal += 1;
  };

  /** @param source from now on, `publish` is to be called for every commit of it. */
  constructor(source: WatchSource, options: Partial<WatchHubOptions> = {}) {
    this.#source = source;
    this.#published = source.revision;
    this.#options = { ...defaultWatchHubOptions, ...options };
  }

  /** Begins a watch. Nothing is delivered before this returns, so that the caller can announce it first. */
  add(request: WatchRequest<Handle>): Watcher<Handle> {
    const { revision } = this.#source;
    const watcher = new WatcherState(request, this.#outletOf(request.sink), revision);
    this.#watchers += 1;
    watcher.outlet.watchers += 1;
    this.#placeByPosition(watcher, revision);
    return watcher;
  }

  /** Ends a watch. Nothing is delivered any more. Does nothing when it has ended. */
  remove(watcher: Watcher<Handle>): void {
    const state = watcher as WatcherState<Handle>;
    if (state.at === "removed") return;
    this.#leavePlace(state);
    this.#setPending(state, 0);
    state.at = "removed";
    this.#watchers -= 1;
    state.outlet.watchers -= 1;
    if (state.outlet.watchers === 0) this.#outlets.delete(state.sink);
  }

  /** True when it has had all events up to the present revision, and a start in the future has been reached. */
  isSynced(watcher: Watcher<Handle>): boolean {
    const state = watcher as WatcherState<Handle>;
    if (state.at !== "synced") return false;
    return !state.isStartGiven || state.startRevision <= this.#source.revision;
  }

  stats(): WatchStats {
    return {
      watchers: this.#watchers,
      slowWatchers: this.#behind.size + this.#blocked,
      compactedWatchers: this.#compacted,
      pendingEvents: this.#pendingEvents,
      eventsTotal: this.#eventsTotal,
      encodedTotal: this.#encodedTotal,
    };
  }

  /** Delivers what a transaction did to those that are up to date. To be called after each commit, in order, before anything else. */
  publish(committed: Committed): void {
    const { changes } = committed;
    if (changes.length === 0) return;
    this.#enter();
    for (let from = 0; from < changes.length; ) {
      const { revision } = changes[from] as Change;
      let to = from + 1;
      while (to < changes.length && changes[to]?.revision === revision) to += 1;
      assert(revision === this.#published + 1, "every revision is published once, in order");
      this.#published = revision;
      if (this.#live.size > 0) this.#publishRevision(changes, { from, to }, revision);
      from = to;
    }
    this.#exit();
  }

  /**
   * The store was replaced as a whole, by a snapshot from the leader. What happened between the last commit that was published and
   * the snapshot is read from its history; who needs revisions that it does not have is told so.
   */
  restore(source: WatchSource): void {
    this.#source = source;
    const synced = this.#live.members();
    for (const watcher of synced) {
      this.#live.remove(watcher);
      watcher.next = Math.max(watcher.next, after(this.#published)) as Revision;
      this.#placeByPosition(watcher, source.revision);
    }
    this.#published = source.revision;
  }

  /**
   * Lets those that are behind catch up, at most `slices` history reads long.
   * @returns "more": call it again at once or soon; "waiting": call it when a sink has room; "idle": all are up to date.
   */
  advance(slices = 1): WatchProgress {
    if (this.#isBusy) return "more";
    this.#enter();
    this.#unblock();
    for (let i = 0; i < slices && this.#behind.size > 0; i++) this.#advanceSlice();
    this.#exit();
    if (this.#behind.size > 0) return "more";
    return this.#blocked > 0 ? "waiting" : "idle";
  }

  #publishRevision(changes: readonly Change[], { from, to }: { from: number; to: number }, revision: Revision): void {
    const gathering = newGathering(this.#live, revision);
    for (let i = from; i < to; i++) gather(gathering, changes[i] as Change, this.#countEncoding);
    for (const watcher of gathering.touched) {
      const list = watcher.list as EventList;
      watcher.list = undefined;
      if (watcher.at !== "synced") continue; // A sink removed it meanwhile.
      if (!this.#deliver(watcher, list)) this.#block(watcher, list);
    }
  }

  /** One history read, from about where the first in the queue is, for all in the round whose position lies in what was read. */
  #advanceSlice(): void {
    const { revision } = this.#source;
    const round = this.#takeRound();
    const [first] = round;
    if (first === undefined) return;
    const { revisionsMax, bytesMax } = this.#options;
    // A little earlier, if that takes others along that are close behind the first.
    const nearby = round.map((watcher) => watcher.next).filter((position) => position > first.next - revisionsMax);
    const from = Math.min(...nearby) as Revision;
    const { changes, next } = this.#source.history(from, { revisionsMax, bytesMax });
    assert(next > from, "a history read gets on");
    const index = new WatcherIndex<WatcherState<Handle>>();
    const readers = round.filter((watcher) => watcher.next >= from && watcher.next < next);
    for (const reader of readers) index.add(reader);
    const gathering = newGathering(index, revision);
    for (const change of changes) gather(gathering, change, this.#countEncoding);
    for (const reader of readers) {
      index.remove(reader);
      const { list } = reader;
      reader.list = undefined;
      if (reader.at !== "behind") continue; // A sink removed it meanwhile.
      const isDone = list === undefined || this.#deliver(reader, list);
      if (isDone) this.#continueFrom(reader, next);
      else this.#block(reader, list);
    }
  }

  /** The first ones in the queue, without those whose revisions are gone: they are told so. */
  #takeRound(): WatcherState<Handle>[] {
    const { compactedRevision } = this.#source;
    const round: WatcherState<Handle>[] = [];
    for (const watcher of this.#behind) {
      if (round.length === this.#options.watchersMax) break;
      if (compactedRevision === undefined || watcher.next >= compactedRevision) {
        round.push(watcher);
        continue;
      }
      this.#leavePlace(watcher);
      this.#setPending(watcher, 0);
      watcher.at = "compacted";
      this.#compacted += 1;
      this.#touch(watcher.outlet);
      watcher.sink.compacted(watcher, compactedRevision);
    }
    return round.filter((watcher) => watcher.at === "behind");
  }

  #deliver(watcher: WatcherState<Handle>, list: EventList): boolean {
    if (!watcher.sink.deliver(watcher, list)) return false;
    this.#touch(watcher.outlet);
    this.#eventsTotal += list.count;
    this.#setPending(watcher, 0);
    watcher.next = after(list.lastRevision);
    return true;
  }

  #continueFrom(watcher: WatcherState<Handle>, next: Revision): void {
    if (watcher.at === "removed") return; // By its sink, after it took the events.
    watcher.next = next;
    this.#leavePlace(watcher); // To the end of the queue, so that one with much history does not hold up the others.
    this.#placeByPosition(watcher, this.#source.revision);
  }

  #block(watcher: WatcherState<Handle>, list: EventList): void {
    if (watcher.at === "removed") return; // By its sink, instead of taking the events.
    this.#leavePlace(watcher);
    this.#setPending(watcher, list.count);
    watcher.at = "blocked";
    watcher.next = list.firstRevision;
    this.#blocked += 1;
    watcher.outlet.blocked.add(watcher);
    this.#blockedOutlets.add(watcher.outlet);
  }

  /** Puts those back into the queue whose sinks have room again. */
  #unblock(): void {
    for (const outlet of this.#blockedOutlets) {
      if (outlet.sink.isFull) continue;
      for (const watcher of outlet.blocked) {
        this.#leavePlace(watcher);
        watcher.at = "behind";
        this.#behind.add(watcher);
      }
    }
  }

  #placeByPosition(watcher: WatcherState<Handle>, revision: Revision): void {
    if (watcher.next > revision) {
      watcher.at = "synced";
      this.#live.add(watcher);
    } else {
      watcher.at = "behind";
      this.#behind.add(watcher);
    }
  }

  #setPending(watcher: WatcherState<Handle>, events: number): void {
    this.#pendingEvents += events - watcher.pendingEvents;
    watcher.pendingEvents = events;
  }

  #leavePlace(watcher: WatcherState<Handle>): void {
    switch (watcher.at) {
      case "synced":
        this.#live.remove(watcher);
        break;
      case "behind":
        this.#behind.delete(watcher);
        break;
      case "blocked":
        this.#blocked -= 1;
        watcher.outlet.blocked.delete(watcher);
        if (watcher.outlet.blocked.size === 0) this.#blockedOutlets.delete(watcher.outlet);
        break;
      case "compacted":
        this.#compacted -= 1;
        break;
      case "removed":
    }
  }

  #outletOf(sink: WatchSink<Handle>): Outlet<Handle> {
    const known = this.#outlets.get(sink);
    if (known !== undefined) return known;
    const outlet: Outlet<Handle> = { sink, watchers: 0, blocked: new Set(), isTouched: false };
    this.#outlets.set(sink, outlet);
    return outlet;
  }

  #touch(outlet: Outlet<Handle>): void {
    if (outlet.isTouched) return;
    outlet.isTouched = true;
    this.#touchedOutlets.push(outlet);
  }

  #enter(): void {
    assert(!this.#isBusy, "a sink does not call publish");
    this.#isBusy = true;
  }

  #exit(): void {
    for (const outlet of this.#touchedOutlets) {
      outlet.isTouched = false;
      outlet.sink.flush?.();
    }
    this.#touchedOutlets.length = 0;
    this.#isBusy = false;
  }
}
