import { assertNever, type LogIndex, type MemberId } from "@quorate/common";
import { acceptLeader, becomeFollower } from "./become.js";
import { isMember } from "./conf-change.js";
import { answerVoteRequest, countVote, startElection } from "./elect.js";
import { receiveAppend, receiveHeartbeat, receiveSnapshot } from "./follow.js";
import { receiveAppendResponse, receiveHeartbeatResponse } from "./lead.js";
import type { RaftMessage } from "./message.js";
import { propose } from "./propose.js";
import type { RaftFault } from "./raft-error.js";
import { leaderOf, type RaftState } from "./raft-state.js";
import { receiveReadRequest } from "./read-index.js";
import { receiveTransfer } from "./transfer.js";

type TermedMessage = Extract<RaftMessage, { term: unknown }>;
type LeaderMessage = Extract<RaftMessage, { kind: "append" | "heartbeat" | "snapshot" }>;

/**
 * A message of another member. Requests of members that are not in the configuration pass: a new member's is empty, and a demoted
 * one's may be old.
 */
export function receiveMessage(raft: RaftState, from: MemberId, message: RaftMessage): RaftFault | undefined {
  if (from === raft.id && !mayComeBack(message)) {
    return raft.outbox.refuse({ code: "raft/step-local", message: message.kind });
  }
  if (isResponse(message) && !isMember(raft.confState, from)) {
    return raft.outbox.refuse({ code: "raft/step-unknown-peer", from, message: message.kind });
  }
  return dispatch(raft, from, message);
}

/** What this member passed on to a leader that has passed it on to the next one: by now that may be this member. */
function mayComeBack(message: RaftMessage): boolean {
  return message.kind === "propose" || message.kind === "read-index";
}

function isResponse(message: RaftMessage): boolean {
  switch (message.kind) {
    case "append-response":
    case "vote-response":
    case "pre-vote-response":
    case "heartbeat-response":
    case "read-index-response":
      return true;
    default:
      return false;
  }
}

/** A message that may be acted upon once its term has been looked at. Also what this member promises itself. */
export function dispatch(raft: RaftState, from: MemberId, message: RaftMessage): RaftFault | undefined {
  switch (message.kind) {
    case "propose":
      return propose(raft, { entries: message.entries, from });
    case "read-index":
      receiveReadRequest(raft, { from, context: message.context });
      return undefined;
    default:
      if (isTermRight(raft, from, message)) receiveTermed(raft, from, message);
      return undefined;
  }
}

/** Brings the terms together. @returns false when the message ends here. @see Raft paper, section 5.1. */
function isTermRight(raft: RaftState, from: MemberId, message: TermedMessage): boolean {
  if (message.term === raft.term) return true;
  if (message.term < raft.term) {
    answerLowerTerm(raft, from, message);
    return false;
  }
  switch (message.kind) {
    case "vote":
      if (!message.isTransfer && ignoresCandidates(raft, from, message)) return false;
      becomeFollower(raft, message.term, undefined);
      return true;
    case "pre-vote":
      return !ignoresCandidates(raft, from, message);
    case "append":
    case "heartbeat":
    case "snapshot":
      becomeFollower(raft, message.term, from);
      return true;
    case "pre-vote-response":
      // It answers for a term that we would enter if we won. A refusal comes with the term of the one who refuses.
      if (!message.isGranted) becomeFollower(raft, message.term, undefined);
      return true;
    default:
      becomeFollower(raft, message.term, undefined);
      return true;
  }
}

/**
 * While a leader is known to be alive nobody is helped to depose it: a member that was cut off, or removed without learning of it,
 * would disturb the cluster with its high term.
 * @see thesis, sections 4.2.3 and 6.4.1.
 */
function ignoresCandidates(raft: RaftState, candidate: MemberId, message: TermedMessage): boolean {
  const isLeaseHeld =
    raft.settings.isCheckQuorumOn &&
    leaderOf(raft) !== undefined &&
    raft.electionElapsedTicks < raft.settings.electionTicks;
  if (!isLeaseHeld) return false;
  raft.outbox.events.push({ kind: "vote-ignored", term: raft.term, candidate, requestTerm: message.term });
  return true;
}

function answerLowerTerm(raft: RaftState, from: MemberId, message: TermedMessage): void {
  const { term, outbox, settings } = raft;
  switch (message.kind) {
    case "append":
    case "heartbeat":
      // With these options nobody raises the sender's term by asking for votes:
      // 1. We campaigned while cut off and are in a later term. 2. We are back, and the leader's lease keeps others from hearing us.
      // 3. We ignore the leader, whose term is lower. Only this answer gets us out: the leader steps down and all elect anew.
      if (!settings.isCheckQuorumOn && !settings.isPreVoteOn) return;
      outbox.sendOncePersisted(raft.id, from, {
        kind: "append-response",
        term,
        index: 0 as LogIndex,
        rejection: undefined,
      });
      return;
    case "pre-vote":
      outbox.sendOncePersisted(raft.id, from, { kind: "pre-vote-response", term, isGranted: false });
      return;
    default:
      return;
  }
}

function receiveTermed(raft: RaftState, from: MemberId, message: TermedMessage): void {
  switch (message.kind) {
    case "append":
    case "heartbeat":
    case "snapshot":
      receiveFromLeader(raft, from, message);
      return;
    case "vote":
    case "pre-vote":
      answerVoteRequest(raft, from, message);
      return;
    case "vote-response":
    case "pre-vote-response": {
      const isPreVote = message.kind === "pre-vote-response";
      countVote(raft, from, { isPreVote, isGranted: message.isGranted });
      return;
    }
    case "append-response":
      if (raft.role.kind === "leader") receiveAppendResponse(raft, raft.role, from, message);
      return;
    case "heartbeat-response":
      if (raft.role.kind === "leader") receiveHeartbeatResponse(raft, raft.role, from, message.read);
      return;
    case "timeout-now":
      if (raft.role.kind === "follower") startElection(raft, true);
      return;
    case "transfer":
      receiveTransfer(raft, message.transferee);
      return;
    case "read-index-response":
      if (raft.role.kind !== "follower") return;
      raft.outbox.readStates.push({ index: message.index, context: message.context });
      return;
    default:
      assertNever(message, "message");
  }
}

function receiveFromLeader(raft: RaftState, from: MemberId, message: LeaderMessage): void {
  if (raft.role.kind === "leader") return;
  const { role } = raft;
  if (role.kind !== "follower") {
    becomeFollower(raft, raft.term, from);
  } else {
    raft.electionElapsedTicks = 0;
    acceptLeader(raft, from);
  }
  switch (message.kind) {
    case "append":
      receiveAppend(raft, from, message);
      return;
    case "heartbeat":
      receiveHeartbeat(raft, from, message);
      return;
    case "snapshot":
      receiveSnapshot(raft, from, message.snapshot);
      return;
    default:
      assertNever(message, "message of a leader");
  }
}
