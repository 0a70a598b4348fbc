import type { LogIndex, MemberId, Term } from "@quorate/common";
import { type ConfState, isVoter, membersOf } from "./conf-change.js";
import type { InflightLimits } from "./inflights.js";
import { Outbox } from "./outbox.js";
import { Progress } from "./progress.js";
import { RaftLog } from "./raft-log.js";
import type { RaftPorts, RaftSettings } from "./raft-options.js";
import { ReadQueue } from "./read-queue.js";
import type { Leader, Role } from "./role.js";

/** All that a member is. The functions of this package change it in place; nobody else sees it. */
export type RaftState = {
  readonly id: MemberId;
  readonly settings: RaftSettings;
  readonly random: RaftPorts["random"];
  readonly log: RaftLog;
  readonly outbox: Outbox;
  readonly inflightLimits: InflightLimits;
  term: Term;
  vote: MemberId | undefined;
  role: Role;
  confState: ConfState;
  /** `membersOf(confState)`: everything that goes to all goes in this order. */
  members: readonly MemberId[];
  electionElapsedTicks: number;
  /** The randomised timeout. */
  electionTimeoutTicks: number;
};

/** A follower of nobody in term 0 with an empty vote. */
export function createState(settings: RaftSettings, ports: RaftPorts, confState: ConfState): RaftState {
  const log = new RaftLog(ports.log, settings);
  return {
    id: settings.id,
    settings,
    random: ports.random,
    log,
    outbox: new Outbox(),
    inflightLimits: { messagesMax: settings.inflightMessagesMax, bytesMax: settings.inflightBytesMax },
    term: 0 as Term,
    vote: undefined,
    role: { kind: "follower", leader: undefined },
    confState,
    members: membersOf(confState),
    electionElapsedTicks: 0,
    electionTimeoutTicks: settings.electionTicks,
  };
}

/** The leader as this member knows it. A leader knows itself. */
export function leaderOf(raft: RaftState): MemberId | undefined {
  switch (raft.role.kind) {
    case "leader":
      return raft.id;
    case "follower":
      return raft.role.leader;
    default:
      return undefined;
  }
}

/** May campaign: a voter whose received snapshot, if any, is stored. */
export function isPromotable(raft: RaftState): boolean {
  return isVoter(raft.confState, raft.id) && raft.log.unstable.snapshot === undefined;
}

/** The state of a new leader: nothing is known about the others' logs. */
export function createLeader(raft: RaftState): Leader {
  const progress = new Map<MemberId, Progress>();
  const lastIndex = raft.log.lastIndex;
  const next = (lastIndex + 1) as LogIndex;
  for (const member of raft.members) {
    const isSelf = member === raft.id;
    const match = isSelf ? lastIndex : (0 as LogIndex);
    progress.set(member, new Progress({ match, next, isActive: isSelf }, raft.inflightLimits));
  }
  progress.get(raft.id)?.becomeReplicate();
  return {
    kind: "leader",
    progress,
    matchOf: (voter) => progress.get(voter)?.match ?? (0 as LogIndex),
    reads: new ReadQueue(),
    heartbeatElapsedTicks: 0,
    transferee: undefined,
    pendingConfIndex: lastIndex,
    uncommittedBytes: 0,
  };
}

/**
 * Makes the leader's table fit a changed configuration. A member that is new, or was removed and added again, is asked from the
 * end of the log on and counts as active, so that it can get a snapshot as soon as it answers.
 */
export function updateProgress(raft: RaftState, leader: Leader, renewed: readonly MemberId[]): void {
  for (const member of [...leader.progress.keys()]) {
    if (!raft.members.includes(member)) leader.progress.delete(member);
  }
  const next = Math.max(raft.log.lastIndex, 1) as LogIndex;
  for (const member of renewed) {
    if (!raft.members.includes(member)) continue;
    leader.progress.set(member, new Progress({ match: 0 as LogIndex, next, isActive: true }, raft.inflightLimits));
  }
}
