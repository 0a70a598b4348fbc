import { assert, type LogIndex, type MemberId } from "@quorate/common";
import { type Entry, payloadBytes } from "./entry.js";
import type { Progress } from "./progress.js";
import type { RaftState } from "./raft-state.js";
import type { Leader } from "./role.js";

const noEntries: readonly Entry[] = [];

/** Offers every other member what it may get now, also when that is only news of the commit index. */
export function broadcastAppend(raft: RaftState, leader: Leader): void {
  for (const member of raft.members) {
    if (member !== raft.id) sendAppend(raft, leader, member);
  }
}

/** An append, empty if need be. @returns false when the member may get nothing now. */
export function sendAppend(raft: RaftState, leader: Leader, to: MemberId): boolean {
  return sendAppendWhen(raft, leader, to, true);
}

/** An append with entries. @returns false when there are none or the member may get nothing now. */
export function sendEntries(raft: RaftState, leader: Leader, to: MemberId): boolean {
  return sendAppendWhen(raft, leader, to, false);
}

/** @see Raft paper, section 5.3; thesis, section 10.2.1 on pipelining and on sending before the own write is done. */
function sendAppendWhen(raft: RaftState, leader: Leader, to: MemberId, mayBeEmpty: boolean): boolean {
  const progress = leader.progress.get(to);
  assert(progress !== undefined, "appends go to members");
  if (progress.isPaused) return false;
  const { log } = raft;
  const index = (progress.next - 1) as LogIndex;
  const term = log.term(index);
  if (term === undefined) return sendSnapshot(raft, to, progress);
  let entries = noEntries;
  if (progress.state !== "replicate" || !progress.inflights.isFull) {
    // What follows a known entry can be read: the log is compacted from the front only.
    entries = log.entriesToSend(progress.next, raft.settings.messageBytesMax);
  }
  if (entries.length === 0 && !mayBeEmpty) return false;
  const commit = log.committed;
  raft.outbox.send(raft.id, to, { kind: "append", term: raft.term, previous: { index, term }, entries, commit });
  progress.noteSent({ entries: entries.length, bytes: payloadBytes(entries), commit });
  return true;
}

/** Only to a member that is known to be there: a snapshot is too much for somebody who may not listen. */
function sendSnapshot(raft: RaftState, to: MemberId, progress: Progress): boolean {
  if (!progress.isActive) return false;
  const snapshot = raft.log.snapshotToSend();
  if (snapshot === undefined) return false;
  assert(snapshot.index > 0, "a snapshot to send is not empty");
  progress.becomeSnapshot(snapshot.index);
  raft.outbox.send(raft.id, to, { kind: "snapshot", term: raft.term, snapshot });
  const { term, outbox } = raft;
  outbox.events.push({ kind: "snapshot-sent", term, peer: to, index: snapshot.index });
  return true;
}

/** Tells everybody that this leader lives. Carries the newest read that waits for a quorum. */
export function broadcastHeartbeat(raft: RaftState, leader: Leader): void {
  const read = leader.reads.toConfirm;
  for (const member of raft.members) {
    if (member === raft.id) continue;
    const progress = leader.progress.get(member);
    assert(progress !== undefined, "every member has a progress");
    // Never past what the member is known to have: it could not tell whether its own entries up to there are the leader's.
    const commit = Math.min(progress.match, raft.log.committed) as LogIndex;
    raft.outbox.send(raft.id, member, { kind: "heartbeat", term: raft.term, commit, read });
    progress.noteHeartbeat(commit);
  }
}
