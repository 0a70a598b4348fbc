import { assert, type LogIndex, type MemberId, type Term } from "@quorate/common";
import { becomeFollower } from "./become.js";
import { encodeConfChange } from "./codec/conf-change-codec.js";
import type { ConfChange } from "./conf-change.js";
import type { Entry } from "./entry.js";
import type { RaftStart } from "./raft-options.js";
import type { RaftState } from "./raft-state.js";
import { applyConfChange } from "./reconfigure.js";

/**
 * Founds a cluster on an empty store: every founder writes the same entries of term 1, so they agree without having talked. The
 * changes take effect at once, or nobody could campaign; the host sees and applies them again.
 */
export function bootstrap(
  raft: RaftState,
  peers: readonly Readonly<{ member: MemberId; context: Uint8Array }>[],
): void {
  assert(raft.log.lastIndex === 0, "a cluster is founded on an empty store");
  assert(peers.length > 0, "a cluster has a founder");
  const term = 1 as Term;
  becomeFollower(raft, term, undefined);
  const changes = peers.map(({ member, context }): ConfChange => {
    return { version: 1, change: { kind: "add-voter", member }, context };
  });
  const entries = changes.map((change, i): Entry => {
    return { index: (i + 1) as LogIndex, term, kind: "conf-change", data: encodeConfChange(change) };
  });
  raft.log.append(entries);
  raft.log.commitTo(entries.length as LogIndex);
  for (const change of changes) applyConfChange(raft, change);
}

/**
 * Takes up what storage holds.
 *
 * Two things are read with care, since a commit index is stored without waiting for it, and the hard state after the entries:
 * - what is compacted or applied was committed, even if the stored commit index says less;
 * - a last entry of a later term shows that the write of that term's hard state did not come through. Nothing was promised in that
 *   term then, so its vote is free.
 */
export function recover(raft: RaftState, start: Extract<RaftStart, { kind: "restart" }>): void {
  const { log } = raft;
  const { hardState, applied = 0 as LogIndex } = start;
  if (hardState !== undefined) {
    raft.term = hardState.term;
    raft.vote = hardState.vote;
    log.commitTo(hardState.commit);
  }
  const lastTerm = log.lastId.term;
  if (log.lastIndex >= log.firstIndex && lastTerm > raft.term) {
    raft.term = lastTerm;
    raft.vote = undefined;
  }
  log.commitTo(applied);
  if (applied > log.applied) log.confirmApplied(applied);
}
