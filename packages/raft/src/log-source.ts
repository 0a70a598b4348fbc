import type { LogIndex, Term } from "@quorate/common";
import type { Snapshot } from "./conf-change.js";
import type { Entry } from "./entry.js";

/**
 * The entries that the driver has stored, read by the core without waiting. It holds what `persist` requests brought at the latest
 * when their `done` is stepped; sooner does no harm, since the core prefers what it holds itself.
 * What may go wrong: nothing. Entries that are not in memory any more are "compacted"; followers that need them get a snapshot.
 */
export interface RaftLogSource {
  /** The lowest index whose entry can be read; one above the last when there is none. */
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
  /** Known from `firstIndex - 1` to `lastIndex`; undefined outside. */
  term(index: LogIndex): Term | undefined;
  /**
   * Entries from `from` up to and without `end`, at most `maxBytes` by `entryBytes`, but at least one.
   * @throws RaftError "raft/compacted", "raft/unavailable".
   */
  entries(from: LogIndex, end: LogIndex, maxBytes: number): readonly Entry[];
  /** A snapshot to send to a follower that needs what is compacted. Undefined: not now, ask again later. */
  snapshot(): Snapshot | undefined;
}
