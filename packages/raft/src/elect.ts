import type { LogIndex, MemberId, Term } from "@quorate/common";
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from "./become.js";
import { isMember, votersOf } from "./conf-change.js";
import type { EntryId } from "./entry.js";
import { jointVote } from "./quorum.js";
import { isPromotable, leaderOf, type RaftState } from "./raft-state.js";
import { broadcastAppend } from "./replicate.js";

/** Starts an election if this member may. A transfer never asks first: its leader wants to go. */
export function startElection(raft: RaftState, isTransfer: boolean): void {
  if (raft.role.kind === "leader") return;
  const { term, outbox } = raft;
  if (!isPromotable(raft)) {
    outbox.events.push({ kind: "campaign-skipped", term, reason: "not-promotable" });
  } else if (hasUnappliedConfChange(raft)) {
    outbox.events.push({ kind: "campaign-skipped", term, reason: "unapplied-conf-change" });
  } else if (raft.settings.isPreVoteOn && !isTransfer) {
    campaign(raft, "pre-vote");
  } else {
    campaign(raft, isTransfer ? "transfer" : "vote");
  }
}

const scanBytes = 1_048_576;

/** A member that has not applied a committed change would count the quorum of a configuration that is gone. */
function hasUnappliedConfChange(raft: RaftState): boolean {
  const { log } = raft;
  const end = log.committed + 1;
  let from: number = log.applied + 1;
  while (from < end) {
    const entries = log.slice(from as LogIndex, end as LogIndex, scanBytes);
    if (entries.some((entry) => entry.kind !== "normal")) return true;
    from += entries.length;
  }
  return false;
}

function campaign(raft: RaftState, kind: "pre-vote" | "vote" | "transfer"): void {
  if (kind === "pre-vote") becomePreCandidate(raft);
  else becomeCandidate(raft, kind === "transfer");
  const term = (kind === "pre-vote" ? raft.term + 1 : raft.term) as Term;
  const last = raft.log.lastId;
  const { outbox } = raft;
  for (const voter of votersOf(raft.confState)) {
    if (voter === raft.id) {
      // The own vote counts when it is stored, like everybody's.
      const after = outbox.sendAfterPersist.length;
      outbox.own.push({ kind: kind === "pre-vote" ? "pre-vote" : "vote", term, after });
    } else if (kind === "pre-vote") {
      outbox.send(raft.id, voter, { kind: "pre-vote", term, last });
    } else {
      outbox.send(raft.id, voter, { kind: "vote", term, last, isTransfer: kind === "transfer" });
    }
  }
}

/**
 * Answers a request of this term, or for a pre-vote of a later one. Learners answer too: the one who asks may know a newer
 * configuration in which they vote.
 * @see Raft paper, sections 5.2 and 5.4.1; thesis, section 9.6.
 */
export function answerVoteRequest(
  raft: RaftState,
  candidate: MemberId,
  request: Readonly<{ kind: "vote" | "pre-vote"; term: Term; last: EntryId }>,
): void {
  const isPreVote = request.kind === "pre-vote";
  const isFree =
    raft.vote === candidate ||
    (raft.vote === undefined && leaderOf(raft) === undefined) ||
    (isPreVote && request.term > raft.term);
  const isGranted = isFree && raft.log.isUpToDate(request.last);
  if (isGranted && !isPreVote) {
    raft.vote = candidate;
    raft.electionElapsedTicks = 0;
  }
  const kind = isPreVote ? "pre-vote-response" : "vote-response";
  const term = isGranted ? request.term : raft.term;
  raft.outbox.sendOncePersisted(raft.id, candidate, { kind, term, isGranted });
  raft.outbox.events.push({ kind: "vote-answered", term: raft.term, candidate, isGranted, isPreVote });
}

/** A vote for or against this member, its own included. Only the first one of each counts. */
export function countVote(
  raft: RaftState,
  from: MemberId,
  vote: Readonly<{ isPreVote: boolean; isGranted: boolean }>,
): void {
  const { role } = raft;
  if (role.kind !== (vote.isPreVote ? "pre-candidate" : "candidate")) return;
  const { votes } = role;
  if (!votes.has(from)) votes.set(from, vote.isGranted);
  raft.outbox.events.push({ kind: "vote-counted", term: raft.term, from, ...vote });
  const result = jointVote(raft.confState, (voter) => votes.get(voter));
  if (result === "lost") becomeFollower(raft, raft.term, undefined);
  if (result !== "won") return;
  if (role.kind === "pre-candidate") campaign(raft, "vote");
  else takeOffice(raft);
}

function takeOffice(raft: RaftState): void {
  // A candidate that was removed while votes were on their way has won an election of others.
  if (!isMember(raft.confState, raft.id)) {
    becomeFollower(raft, raft.term, undefined);
    return;
  }
  becomeLeader(raft);
  if (raft.role.kind === "leader") broadcastAppend(raft, raft.role);
}
