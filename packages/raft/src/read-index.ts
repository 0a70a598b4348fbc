import type { LogIndex, MemberId } from "@quorate/common";
import type { RaftFault } from "./raft-error.js";
import type { RaftState } from "./raft-state.js";
import type { ReadRequest } from "./read-queue.js";
import { broadcastHeartbeat } from "./replicate.js";
import type { Leader } from "./role.js";

/** A read of this member's host: answered here, or asked of the leader. */
export function requestRead(raft: RaftState, context: Uint8Array): RaftFault | undefined {
  const { role } = raft;
  if (role.kind === "leader") return readAsLeader(raft, role, { from: raft.id, context });
  if (role.kind !== "follower") return raft.outbox.refuse({ code: "raft/read-dropped", reason: "electing", context });
  if (role.leader === undefined) {
    return raft.outbox.refuse({ code: "raft/read-dropped", reason: "no-leader", context });
  }
  raft.outbox.send(raft.id, role.leader, { kind: "read-index", context });
  return undefined;
}

/** A read that another member passed on. Whoever cannot help stays silent: the one who asked will ask again. */
export function receiveReadRequest(raft: RaftState, request: ReadRequest): void {
  const { role } = raft;
  if (role.kind === "leader") readAsLeader(raft, role, request);
  else if (role.kind === "follower" && role.leader !== undefined) {
    raft.outbox.send(request.from, role.leader, { kind: "read-index", context: request.context });
  }
}

/**
 * 1. Before the first commit of its term a leader does not know how far the cluster has committed, so the request waits; this holds
 * for a single voter too, whose stored commit index may lie behind what it acknowledged before a crash.
 * 2. Then the commit index of now is the answer, as soon as a quorum has confirmed that this leader still leads.
 * @see thesis, section 6.4.
 */
function readAsLeader(raft: RaftState, leader: Leader, request: ReadRequest): RaftFault | undefined {
  if (leader.reads.length >= raft.settings.readsMax) {
    if (request.from !== raft.id) return undefined;
    return raft.outbox.refuse({ code: "raft/read-dropped", reason: "too-many-reads", context: request.context });
  }
  if (hasCommittedInTerm(raft)) read(raft, leader, request);
  else leader.reads.wait(request);
  return undefined;
}

function hasCommittedInTerm(raft: RaftState): boolean {
  return raft.log.term(raft.log.committed) === raft.term;
}

function read(raft: RaftState, leader: Leader, request: ReadRequest): void {
  const { voters, votersOutgoing } = raft.confState;
  const isOnlyVoter = voters.length === 1 && voters[0] === raft.id && votersOutgoing.length === 0;
  if (isOnlyVoter || raft.settings.reads === "lease-based") {
    answerRead(raft, request, raft.log.committed);
    return;
  }
  leader.reads.add(request, raft.log.committed, raft.id);
  broadcastHeartbeat(raft, leader);
}

/** The commit index has moved in this term: the requests that waited for it go on as if they came now. */
export function releaseWaitingReads(raft: RaftState, leader: Leader): void {
  if (leader.reads.length === 0 || !hasCommittedInTerm(raft)) return;
  for (const request of leader.reads.takeWaiting()) read(raft, leader, request);
}

/** A member has confirmed that this leader leads, for all reads up to `number`. */
export function confirmReads(raft: RaftState, leader: Leader, from: MemberId, number: number): void {
  for (const { request, index } of leader.reads.acknowledge(from, number, raft.confState)) {
    answerRead(raft, request, index);
  }
}

function answerRead(raft: RaftState, request: ReadRequest, index: LogIndex): void {
  const { from, context } = request;
  if (from === raft.id) raft.outbox.readStates.push({ index, context });
  else raft.outbox.send(raft.id, from, { kind: "read-index-response", term: raft.term, index, context });
}
