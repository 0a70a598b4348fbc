import { isVoter, type ConfChange } from "./conf-change.js";
import { becomeFollower } from "./become.js";
import { changeConfiguration, stepOfConfChange } from "./change-configuration.js";
import { advanceCommit } from "./commit.js";
import { installConfiguration } from "./install-configuration.js";
import { RaftError } from "./raft-error.js";
import { type RaftState, updateProgress } from "./raft-state.js";
import { broadcastAppend, sendEntries } from "./replicate.js";
import type { Leader } from "./role.js";
import { endTransfer } from "./transfer.js";

/**
 * A committed change takes effect here, at the moment the host applies it.
 * @throws RaftError "raft/invalid-conf-change": an entry like that must never have been committed, so the process has to stop.
 * @see thesis, sections 4.1 to 4.3.
 */
export function applyConfChange(raft: RaftState, change: ConfChange): void {
  const result = changeConfiguration(raft.confState, stepOfConfChange(change));
  if (result.kind === "refused") throw new RaftError({ code: "raft/invalid-conf-change", reason: result.reason });
  installConfiguration(raft, result.confState);
  if (raft.role.kind !== "leader") return;
  const leader = raft.role;
  updateProgress(raft, leader, result.renewed);
  const { voters, votersOutgoing } = raft.confState;
  if (!isVoter(raft.confState, raft.id)) {
    if (raft.settings.isStepDownOnRemovalOn) becomeFollower(raft, raft.term, undefined);
    return;
  }
  if (voters.length + votersOutgoing.length === 0) return;
  spreadConfiguration(raft, leader);
}

/** Fewer voters may mean a smaller quorum; new members get their first probe at once. */
function spreadConfiguration(raft: RaftState, leader: Leader): void {
  if (advanceCommit(raft, leader, undefined)) {
    broadcastAppend(raft, leader);
  } else {
    for (const member of raft.members) if (member !== raft.id) sendEntries(raft, leader, member);
  }
  const { transferee } = leader;
  if (transferee !== undefined && !isVoter(raft.confState, transferee)) endTransfer(raft, leader, "not-a-voter");
}
