import { assert, type MemberId, type Term } from "@quorate/common";
import { appendOwnEntries } from "./propose.js";
import { createLeader, leaderOf, type RaftState } from "./raft-state.js";
import type { Role } from "./role.js";

/** Starts over in a term: a new term has no vote yet, and a new timeout keeps members from campaigning in step. */
function reset(raft: RaftState, term: Term): void {
  if (raft.term !== term) {
    raft.term = term;
    raft.vote = undefined;
  }
  raft.electionElapsedTicks = 0;
  drawElectionTimeout(raft);
}

/** @see Raft paper, section 5.2: randomised timeouts make split votes rare. */
export function drawElectionTimeout(raft: RaftState): void {
  const { electionTicks } = raft.settings;
  raft.electionTimeoutTicks = raft.random.integer(electionTicks, 2 * electionTicks - 1);
}

/** Changes the role and reports a change of the leader that comes with it. */
function enter(raft: RaftState, role: Role): void {
  const before = leaderOf(raft);
  if (raft.role.kind === "leader" && raft.role.transferee !== undefined) {
    const to = raft.role.transferee;
    raft.outbox.events.push({ kind: "transfer-ended", term: raft.term, to, reason: "lost-leadership" });
  }
  raft.role = role;
  const leader = leaderOf(raft);
  if (leader !== before) raft.outbox.events.push({ kind: "leader-changed", term: raft.term, leader });
}

/** Follows `leader` in `term`. The vote survives when the term does. */
export function becomeFollower(raft: RaftState, term: Term, leader: MemberId | undefined): void {
  reset(raft, term);
  enter(raft, { kind: "follower", leader });
  raft.outbox.events.push({ kind: "became-follower", term, leader });
}

/** A follower has heard from the leader of its term. */
export function acceptLeader(raft: RaftState, leader: MemberId): void {
  if (raft.role.kind === "follower" && raft.role.leader !== leader) enter(raft, { kind: "follower", leader });
}

/** A follower forgets its leader, if it has one, and may vote for another at once. Term, vote and timers stay. */
export function forgetLeader(raft: RaftState): void {
  // With lease-based reads the leader relies on us not to vote while its lease lasts.
  if (raft.role.kind !== "follower" || raft.role.leader === undefined || raft.settings.reads === "lease-based") return;
  raft.outbox.events.push({ kind: "leader-forgotten", term: raft.term, leader: raft.role.leader });
  enter(raft, { kind: "follower", leader: undefined });
}

/** Term, vote and timers stay: a pre-candidate has promised nothing and disturbs nobody. @see thesis, section 9.6. */
export function becomePreCandidate(raft: RaftState): void {
  assert(raft.role.kind !== "leader", "a leader does not campaign");
  enter(raft, { kind: "pre-candidate", votes: new Map() });
  raft.outbox.events.push({ kind: "became-pre-candidate", term: raft.term });
}

export function becomeCandidate(raft: RaftState, isTransfer: boolean): void {
  assert(raft.role.kind !== "leader", "a leader does not campaign");
  reset(raft, (raft.term + 1) as Term);
  raft.vote = raft.id;
  enter(raft, { kind: "candidate", votes: new Map() });
  raft.outbox.events.push({ kind: "became-candidate", term: raft.term, isTransfer });
}

/**
 * Leads the term it has won. The empty entry it begins with is what commits the entries of older terms.
 * @see Raft paper, sections 5.4.2 and 8.
 */
export function becomeLeader(raft: RaftState): void {
  assert(raft.role.kind === "candidate", "only a candidate becomes leader");
  reset(raft, raft.term);
  const leader = createLeader(raft);
  enter(raft, leader);
  raft.outbox.events.push({ kind: "became-leader", term: raft.term });
  const isTaken = appendOwnEntries(raft, leader, [{ kind: "normal", data: new Uint8Array(0) }]);
  assert(isTaken, "an empty entry is never refused");
}
