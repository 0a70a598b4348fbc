import { assertNever, type LogIndex } from "@quorate/common";
import { encodeConfChange } from "./codec/conf-change-codec.js";
import { countVote } from "./elect.js";
import { receiveAppendResponse } from "./lead.js";
import { propose } from "./propose.js";
import type { OwnPromise, Persisted } from "./raft-input.js";
import type { RaftState } from "./raft-state.js";

/** A write is durable: what this member promised itself counts now, and the log knows what is stored. */
export function receivePersisted(raft: RaftState, persisted: Persisted): void {
  const { own } = persisted;
  for (let i = 0; i < own.length; i++) {
    const promise = own[i] as OwnPromise;
    // An acknowledgement covers all before it in its term.
    const next = own[i + 1];
    if (promise.kind === "append" && next?.kind === "append" && next.term === promise.term) continue;
    keepOwnPromise(raft, promise);
  }
  // A term that has ended since says nothing about entries: they may be others with the same place by now. A snapshot is
  // committed, so nothing can have taken its place.
  if (persisted.upTo !== undefined && persisted.issuedInTerm === raft.term) raft.log.unstable.confirm(persisted.upTo);
  if (persisted.snapshot !== undefined) {
    raft.log.unstable.confirmSnapshot(persisted.snapshot);
    noteApplied(raft, persisted.snapshot);
  }
}

function keepOwnPromise(raft: RaftState, promise: OwnPromise): void {
  switch (promise.kind) {
    case "append":
      if (promise.term !== raft.term || raft.role.kind !== "leader") return;
      receiveAppendResponse(raft, raft.role, raft.id, { index: promise.index, rejection: undefined });
      return;
    case "vote":
      if (promise.term === raft.term) countVote(raft, raft.id, { isPreVote: false, isGranted: true });
      return;
    case "pre-vote":
      if (promise.term >= raft.term) countVote(raft, raft.id, { isPreVote: true, isGranted: true });
      return;
    default:
      assertNever(promise, "promise");
  }
}

/** The host has applied everything up to `index`. */
export function noteApplied(raft: RaftState, index: LogIndex): void {
  const { log, role } = raft;
  const applied = Math.max(index, log.applied) as LogIndex;
  const payload = log.confirmApplied(applied);
  if (role.kind !== "leader") return;
  role.uncommittedBytes = Math.max(0, role.uncommittedBytes - payload);
  if (!raft.confState.autoLeave || applied < role.pendingConfIndex) return;
  // During a transfer this is refused, and tried again when more has been applied.
  if (role.transferee !== undefined) return;
  const data = encodeConfChange({ version: 2, transition: "auto", changes: [], context: new Uint8Array(0) });
  raft.outbox.events.push({ kind: "auto-leave-proposed", term: raft.term, index: log.lastIndex });
  propose(raft, { entries: [{ kind: "conf-change-v2", data }], from: undefined });
}
