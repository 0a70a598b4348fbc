import type { MemberId } from "@quorate/common";
import { sendTimeoutNow } from "./lead.js";
import type { RaftFault } from "./raft-error.js";
import type { RaftState } from "./raft-state.js";
import { sendAppend } from "./replicate.js";
import type { Leader } from "./role.js";

/** Hands leadership over, or asks the leader to. @see thesis, section 3.10. */
export function requestTransfer(raft: RaftState, to: MemberId): RaftFault | undefined {
  const { role } = raft;
  if (role.kind === "leader") {
    startTransfer(raft, role, to);
    return undefined;
  }
  const leader = role.kind === "follower" ? role.leader : undefined;
  if (leader === undefined) return raft.outbox.refuse({ code: "raft/not-leader", leader: undefined });
  raft.outbox.send(raft.id, leader, { kind: "transfer", term: raft.term, transferee: to });
  return undefined;
}

/** A transfer that another member asks for; a follower passes it on. */
export function receiveTransfer(raft: RaftState, transferee: MemberId): void {
  const { role } = raft;
  if (role.kind === "leader") startTransfer(raft, role, transferee);
  else if (role.kind === "follower" && role.leader !== undefined) {
    raft.outbox.send(raft.id, role.leader, { kind: "transfer", term: raft.term, transferee });
  }
}

/** Until it ends no proposals are taken, so that the target can catch up; it gets one election timeout for it. */
function startTransfer(raft: RaftState, leader: Leader, to: MemberId): void {
  const progress = leader.progress.get(to);
  if (progress === undefined || raft.confState.learners.includes(to) || leader.transferee === to) return;
  if (leader.transferee !== undefined) endTransfer(raft, leader, "replaced");
  if (to === raft.id) return;
  raft.electionElapsedTicks = 0;
  leader.transferee = to;
  raft.outbox.events.push({ kind: "transfer-started", term: raft.term, to });
  if (progress.match === raft.log.lastIndex) sendTimeoutNow(raft, to);
  else sendAppend(raft, leader, to);
}

/** Goes on leading. */
export function endTransfer(raft: RaftState, leader: Leader, reason: "timed-out" | "replaced" | "not-a-voter"): void {
  const to = leader.transferee;
  if (to === undefined) return;
  leader.transferee = undefined;
  raft.outbox.events.push({ kind: "transfer-ended", term: raft.term, to, reason });
}
