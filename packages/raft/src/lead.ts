import { assert, type LogIndex, type MemberId, type Term } from "@quorate/common";
import { becomeFollower } from "./become.js";
import { advanceCommit } from "./commit.js";
import { votersOf } from "./conf-change.js";
import type { AppendRejection } from "./message.js";
import type { Progress, ProgressState } from "./progress.js";
import { jointVote } from "./quorum.js";
import type { RaftState } from "./raft-state.js";
import { confirmReads } from "./read-index.js";
import { broadcastAppend, sendAppend, sendEntries } from "./replicate.js";
import type { Leader } from "./role.js";

/** An answer to an append. @see Raft paper, section 5.3. */
export function receiveAppendResponse(
  raft: RaftState,
  leader: Leader,
  from: MemberId,
  answer: Readonly<{ index: LogIndex; rejection: AppendRejection | undefined }>,
): void {
  const progress = leader.progress.get(from);
  if (progress === undefined) return;
  progress.isActive = true;
  if (answer.rejection === undefined) acceptAppend(raft, leader, { member: from, progress, index: answer.index });
  else retreat(raft, leader, { member: from, progress, rejected: answer.index, ...answer.rejection });
}

/** Looks for the place where the logs agree, skipping every index at which they cannot. */
function retreat(
  raft: RaftState,
  leader: Leader,
  answer: Readonly<{
    member: MemberId;
    progress: Progress;
    rejected: LogIndex;
    hint: LogIndex;
    hintTerm: Term | undefined;
  }>,
): void {
  const { member, progress, rejected, hintTerm } = answer;
  const before = progress.state;
  const hint = hintTerm === undefined ? answer.hint : raft.log.findConflict(answer.hint, hintTerm).index;
  if (!progress.retreat(rejected, hint)) return;
  raft.outbox.events.push({ kind: "append-rejected", term: raft.term, peer: member, rejected, hint });
  if (progress.state === "replicate") progress.becomeProbe();
  reportChange(raft, member, progress, before);
  sendAppend(raft, leader, member);
}

function acceptAppend(
  raft: RaftState,
  leader: Leader,
  answer: Readonly<{ member: MemberId; progress: Progress; index: LogIndex }>,
): void {
  const { member, progress, index } = answer;
  const before = progress.state;
  if (!progress.acknowledge(index) && !(index === progress.match && before === "probe")) return;
  if (before === "probe") progress.becomeReplicate();
  else if (before === "replicate") progress.inflights.freeUpTo(index);
  else if (progress.match + 1 >= raft.log.firstIndex) {
    // Whatever became of the snapshot, what the member has now connects to our log.
    progress.becomeProbe();
    progress.becomeReplicate();
  }
  reportChange(raft, member, progress, before);
  if (advanceCommit(raft, leader, member)) broadcastAppend(raft, leader);
  else if (member !== raft.id && progress.isCommitNews(raft.log.committed)) sendAppend(raft, leader, member);
  if (member === raft.id) return;
  // Several messages' worth may have become sendable, and only an answer like this one gets us here.
  while (sendEntries(raft, leader, member)) {}
  if (member === leader.transferee && progress.match === raft.log.lastIndex) sendTimeoutNow(raft, member);
}

/** Tells the one who is to take over to campaign now. */
export function sendTimeoutNow(raft: RaftState, to: MemberId): void {
  raft.outbox.send(raft.id, to, { kind: "timeout-now", term: raft.term });
}

function reportChange(raft: RaftState, peer: MemberId, progress: Progress, before: ProgressState): void {
  const { state } = progress;
  if (state !== before) raft.outbox.events.push({ kind: "peer-changed", term: raft.term, peer, state });
}

export function receiveHeartbeatResponse(
  raft: RaftState,
  leader: Leader,
  from: MemberId,
  read: number | undefined,
): void {
  const progress = leader.progress.get(from);
  if (progress === undefined) return;
  progress.isActive = true;
  // What was sent may have been lost; the window, if it is full, lets one empty append through, whose answer frees it.
  progress.resume();
  if (progress.match < raft.log.lastIndex || progress.state === "probe") sendAppend(raft, leader, from);
  if (read !== undefined) confirmReads(raft, leader, from, read);
}

/** The network believes that something for `peer` got lost: find out where it stands before more is streamed. */
export function noteUnreachable(raft: RaftState, peer: MemberId): void {
  const progress = raft.role.kind === "leader" ? raft.role.progress.get(peer) : undefined;
  if (progress?.state !== "replicate") return;
  progress.becomeProbe();
  reportChange(raft, peer, progress, "replicate");
}

/** What became of a snapshot. Nothing is sent before the next sign of life, which tells whether it has been applied. */
export function noteSnapshotStatus(raft: RaftState, peer: MemberId, isDelivered: boolean): void {
  const progress = raft.role.kind === "leader" ? raft.role.progress.get(peer) : undefined;
  if (progress?.state !== "snapshot") return;
  if (!isDelivered) progress.forgetSnapshot();
  progress.becomeProbe();
  progress.pause();
  reportChange(raft, peer, progress, "snapshot");
}

/** A leader that a quorum has not answered for an election timeout makes way. @see thesis, section 6.2. */
export function checkQuorum(raft: RaftState, leader: Leader): void {
  const voters = votersOf(raft.confState);
  const isHeard = (voter: MemberId): boolean => voter === raft.id || leader.progress.get(voter)?.isActive === true;
  const result = jointVote(raft.confState, isHeard);
  assert(voters.length > 0, "a leader has voters");
  for (const [member, progress] of leader.progress) if (member !== raft.id) progress.isActive = false;
  if (result === "won") return;
  raft.outbox.events.push({ kind: "quorum-lost", term: raft.term });
  becomeFollower(raft, raft.term, undefined);
}
