import { assert, type LogIndex, type MemberId } from "@quorate/common";
import { isVoter, type Snapshot } from "./conf-change.js";
import type { Entry, EntryId } from "./entry.js";
import { installRestoredConfiguration } from "./install-configuration.js";
import type { RaftState } from "./raft-state.js";

/** Entries of the leader. Every append gets an answer, which goes out when the entries are stored. @see Raft paper, figure 2. */
export function receiveAppend(
  raft: RaftState,
  from: MemberId,
  append: Readonly<{ previous: EntryId; entries: readonly Entry[]; commit: LogIndex }>,
): void {
  const { log } = raft;
  const { previous, entries } = append;
  if (previous.index < log.committed) {
    acknowledge(raft, from, log.committed);
    return;
  }
  if (!log.has(previous)) {
    reject(raft, from, previous);
    return;
  }
  takeEntries(raft, entries);
  const last = (previous.index + entries.length) as LogIndex;
  commitTo(raft, Math.min(append.commit, last) as LogIndex);
  acknowledge(raft, from, last);
}

/** Adds what is missing. Entries that are there already stay: a late, shorter append must not cut what came after it. */
function takeEntries(raft: RaftState, entries: readonly Entry[]): void {
  const { log } = raft;
  const first = entries.findIndex((entry) => !log.has(entry));
  const from = entries[first]?.index;
  if (from === undefined) return;
  assert(from > log.committed, "a leader never contradicts committed entries");
  if (from <= log.lastIndex) raft.outbox.events.push({ kind: "entries-replaced", term: raft.term, from });
  log.append(first === 0 ? entries : entries.slice(first));
}

function acknowledge(raft: RaftState, to: MemberId, index: LogIndex): void {
  raft.outbox.sendOncePersisted(raft.id, to, { kind: "append-response", term: raft.term, index, rejection: undefined });
}

/** Says where the logs may agree, so that the leader needs one probe per term that differs. @see Raft paper, end of section 5.3. */
function reject(raft: RaftState, to: MemberId, previous: EntryId): void {
  const { log } = raft;
  const start = Math.min(previous.index, log.lastIndex) as LogIndex;
  const conflict = log.findConflict(start, previous.term);
  const rejection = { hint: conflict.index, hintTerm: conflict.term };
  const { index } = previous;
  raft.outbox.sendOncePersisted(raft.id, to, { kind: "append-response", term: raft.term, index, rejection });
}

function commitTo(raft: RaftState, index: LogIndex): void {
  if (!raft.log.commitTo(index)) return;
  raft.outbox.events.push({ kind: "commit-advanced", term: raft.term, commit: index, by: undefined });
}

/** A sign of life. It carries no more than we are known to have, so its commit index is ours too. */
export function receiveHeartbeat(
  raft: RaftState,
  from: MemberId,
  heartbeat: Readonly<{ commit: LogIndex; read: number | undefined }>,
): void {
  commitTo(raft, heartbeat.commit);
  raft.outbox.send(raft.id, from, { kind: "heartbeat-response", term: raft.term, read: heartbeat.read });
}

/** A copy of the state in place of entries that the leader has no more. @see Raft paper, section 7. */
export function receiveSnapshot(raft: RaftState, from: MemberId, snapshot: Snapshot): void {
  const { log, outbox, term } = raft;
  const { index, confState } = snapshot;
  const ignore = (reason: "old" | "not-for-us" | "already-in-log"): void => {
    outbox.events.push({ kind: "snapshot-ignored", term, index, reason });
  };
  if (index <= log.committed) ignore("old");
  else if (!isVoter(confState, raft.id) && !confState.learners.includes(raft.id)) ignore("not-for-us");
  else if (log.has(snapshot)) {
    ignore("already-in-log");
    commitTo(raft, index);
  } else {
    log.restore(snapshot);
    outbox.events.push({ kind: "snapshot-restored", term, index });
    installRestoredConfiguration(raft, confState);
  }
  acknowledge(raft, from, log.committed);
}
