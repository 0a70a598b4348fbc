import { startElection } from "./elect.js";
import { checkQuorum } from "./lead.js";
import { isPromotable, type RaftState } from "./raft-state.js";
import { broadcastHeartbeat } from "./replicate.js";
import type { Leader } from "./role.js";
import { endTransfer } from "./transfer.js";

/** One unit of time has passed. */
export function tick(raft: RaftState): void {
  raft.electionElapsedTicks++;
  if (raft.role.kind === "leader") {
    tickLeader(raft, raft.role);
    return;
  }
  if (raft.electionElapsedTicks < raft.electionTimeoutTicks || !isPromotable(raft)) return;
  raft.electionElapsedTicks = 0;
  startElection(raft, false);
}

function tickLeader(raft: RaftState, leader: Leader): void {
  leader.heartbeatElapsedTicks++;
  if (raft.electionElapsedTicks >= raft.settings.electionTicks) {
    raft.electionElapsedTicks = 0;
    if (raft.settings.isCheckQuorumOn) checkQuorum(raft, leader);
    if (raft.role.kind !== "leader") return;
    endTransfer(raft, leader, "timed-out");
  }
  if (leader.heartbeatElapsedTicks < raft.settings.heartbeatTicks) return;
  leader.heartbeatElapsedTicks = 0;
  broadcastHeartbeat(raft, leader);
}
