import type { LogIndex, MemberId, Term } from "@quorate/common";
import type { ConfState } from "./conf-change.js";
import type { ProgressState } from "./progress.js";
import { leaderOf, type RaftState } from "./raft-state.js";
import type { RoleKind } from "./ready.js";

/** How a leader sees one member. */
export type MemberProgress = Readonly<{
  member: MemberId;
  state: ProgressState;
  match: LogIndex;
  next: LogIndex;
  isLearner: boolean;
  isPaused: boolean;
  /** Heard from since the last check of the quorum. */
  isActive: boolean;
  pendingSnapshot: LogIndex | undefined;
  /** Appends with entries that were sent and not confirmed. */
  inflight: number;
  isInflightFull: boolean;
}>;

/** A picture of a member. `progress` is empty except on a leader; its order is ascending. */
export type RaftStatus = Readonly<{
  id: MemberId;
  term: Term;
  vote: MemberId | undefined;
  commit: LogIndex;
  applied: LogIndex;
  firstIndex: LogIndex;
  lastIndex: LogIndex;
  role: RoleKind;
  leader: MemberId | undefined;
  transferee: MemberId | undefined;
  confState: ConfState;
  progress: readonly MemberProgress[];
}>;

/** Takes the picture. */
export function statusOf(raft: RaftState): RaftStatus {
  const { id, term, vote, log, role, confState } = raft;
  return {
    id,
    term,
    vote,
    commit: log.committed,
    applied: log.applied,
    firstIndex: log.firstIndex,
    lastIndex: log.lastIndex,
    role: role.kind,
    leader: leaderOf(raft),
    transferee: role.kind === "leader" ? role.transferee : undefined,
    confState,
    progress: raft.members.flatMap((member) => progressOf(raft, member)),
  };
}

function progressOf(raft: RaftState, member: MemberId): readonly MemberProgress[] {
  const progress = raft.role.kind === "leader" ? raft.role.progress.get(member) : undefined;
  if (progress === undefined) return [];
  const { state, match, next, isPaused, isActive, pendingSnapshot, inflights } = progress;
  return [
    {
      member,
      state,
      match,
      next,
      isLearner: raft.confState.learners.includes(member),
      isPaused,
      isActive,
      pendingSnapshot,
      inflight: inflights.count,
      isInflightFull: inflights.isFull,
    },
  ];
}
