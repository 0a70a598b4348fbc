import type { EntryId, WatchHub } from "@quorate/mvcc";
import type { Snapshot } from "@quorate/raft";
import type { Applier } from "./applier.js";
import type { LogKeeper } from "./log-keeper.js";
import type { MemberState } from "./member-state.js";
import type { PeerSide } from "./peer-side.js";
import { reloadState } from "./reload-state.js";
import type { SnapshotMover } from "./snapshot-mover.js";
import type { Watch, WatchStreams } from "./watch-streams.js";

/** All that stands on the database. */
export type RestorerParts = Readonly<{
  state: MemberState;
  hub: WatchHub<Watch>;
  applier: Applier;
  watches: WatchStreams;
  peers: PeerSide;
  logKeeper: LogKeeper;
  snapshots: SnapshotMover;
  /** Everything up to this entry counts as applied now. */
  onRestored(applied: EntryId): void;
}>;

/** Puts a received snapshot in the place of what this member has. */
export class Restorer {
  readonly #parts: RestorerParts;

  constructor(parts: RestorerParts) {
    this.#parts = parts;
  }

  /**
   * The snapshot is on its way into the log. What is committed and not applied yet is covered by it. Who waits for one of these entries here learns at the end of its
   * time, as in etcd, that nothing is known of it.
   */
  begin({ index }: Snapshot): void {
    this.#parts.applier.restoring();
    this.#parts.logKeeper.restoring(index);
  }

  /** It is in the log: its database takes the place of this member's own. @param done runs when it has. */
  install(snapshot: Snapshot, done: () => void): void {
    this.#parts.snapshots.install(snapshot, () => {
      this.#installed(snapshot);
      done();
    });
  }

  #installed({ index, term }: Snapshot): void {
    const { state, hub, applier, watches, peers, logKeeper } = this.#parts;
    reloadState(state);
    applier.restored({ index, term });
    hub.restore(state.mvcc);
    watches.restored();
    peers.membersChanged();
    logKeeper.restored(index);
    this.#parts.onRestored({ index, term });
  }
}
