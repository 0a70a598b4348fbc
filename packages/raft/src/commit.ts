import type { LogIndex, MemberId } from "@quorate/common";
import { jointCommitted } from "./quorum.js";
import type { RaftState } from "./raft-state.js";
import { releaseWaitingReads } from "./read-index.js";
import type { Leader } from "./role.js";

/**
 * Moves a leader's commit index to what a quorum has, if the entry there is of its own term: an older one could still be
 * overwritten, however many have it.
 * @param by whose acknowledgement this follows.
 * @returns true when it moved; the caller tells the others.
 * @see Raft paper, section 5.4.2 and figure 8.
 */
export function advanceCommit(raft: RaftState, leader: Leader, by: MemberId | undefined): boolean {
  const index = jointCommitted(raft.confState, leader.matchOf) as LogIndex;
  if (index <= raft.log.committed || raft.log.term(index) !== raft.term) return false;
  raft.log.commitTo(index);
  raft.outbox.events.push({ kind: "commit-advanced", term: raft.term, commit: index, by });
  releaseWaitingReads(raft, leader);
  return true;
}
