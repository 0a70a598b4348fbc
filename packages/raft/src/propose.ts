import { assert, type LogIndex, type MemberId } from "@quorate/common";
import { decodeConfChange, encodeConfChange, entryKindOf } from "./codec/conf-change-codec.js";
import { changeConfiguration, stepOfConfChange } from "./change-configuration.js";
import { type ConfChange, isJoint, isMember } from "./conf-change.js";
import { type Entry, type ProposedEntry, payloadBytes } from "./entry.js";
import type { Proposal } from "./raft-input.js";
import type { ConfChangeRefusal, ProposalDropReason, RaftFault } from "./raft-error.js";
import type { RaftState } from "./raft-state.js";
import { broadcastAppend } from "./replicate.js";
import type { Leader } from "./role.js";

const emptyData = new Uint8Array(0);

/** Bytes of the host. */
export function proposeData(
  raft: RaftState,
  input: Readonly<{ data: Uint8Array; proposalId?: number | undefined }>,
): RaftFault | undefined {
  const { data, proposalId } = input;
  return propose(raft, { entries: [{ kind: "normal", data, proposalId }], from: undefined });
}

/** A change of the configuration. */
export function proposeConfChange(
  raft: RaftState,
  input: Readonly<{ change: ConfChange; proposalId?: number | undefined }>,
): RaftFault | undefined {
  const { change, proposalId } = input;
  const entry = { kind: entryKindOf(change), data: encodeConfChange(change), proposalId };
  return propose(raft, { entries: [entry], from: undefined });
}

/** Bytes of the host, several at once. What the limit on the uncommitted size leaves no room for is refused one by one. */
export function proposeBatch(
  raft: RaftState,
  proposals: readonly Readonly<{ data: Uint8Array; proposalId?: number | undefined }>[],
): RaftFault | undefined {
  if (proposals.length === 0) return undefined;
  const entries: ProposedEntry[] = [];
  for (const { data, proposalId } of proposals) entries.push({ kind: "normal", data, proposalId });
  const { role } = raft;
  const fitting = role.kind === "leader" ? countFitting(raft, role, entries) : entries.length;
  if (fitting === entries.length) return propose(raft, { entries, from: undefined });
  if (fitting > 0) {
    const fault = propose(raft, { entries: entries.slice(0, fitting), from: undefined });
    if (fault !== undefined)
      return drop(raft, { entries: entries.slice(fitting), from: undefined }, faultReason(fault));
  }
  return drop(raft, { entries: entries.slice(fitting), from: undefined }, "uncommitted-limit");
}

function faultReason(fault: RaftFault): ProposalDropReason {
  return fault.code === "raft/proposal-dropped" ? fault.reason : "uncommitted-limit";
}

function countFitting(raft: RaftState, leader: Leader, entries: readonly ProposedEntry[]): number {
  const max = raft.settings.uncommittedBytesMax;
  let bytes = leader.uncommittedBytes;
  for (let i = 0; i < entries.length; i++) {
    const { length } = (entries[i] as ProposedEntry).data;
    if (bytes > 0 && length > 0 && bytes + length > max) return i;
    bytes += length;
  }
  return entries.length;
}

/**
 * Carries a proposal as far as this member can: a leader appends it, a follower passes it on.
 * @returns the fault, which the next Ready has too, when nothing of it is carried.
 */
export function propose(raft: RaftState, proposal: Proposal): RaftFault | undefined {
  const { role } = raft;
  switch (role.kind) {
    case "leader":
      return proposeAsLeader(raft, role, proposal);
    case "follower":
      return forward(raft, role.leader, proposal);
    default:
      return drop(raft, proposal, "electing");
  }
}

function forward(raft: RaftState, leader: MemberId | undefined, proposal: Proposal): RaftFault | undefined {
  if (leader === undefined) return drop(raft, proposal, "no-leader");
  if (!raft.settings.isForwardingOn) return drop(raft, proposal, "forwarding-disabled");
  const entries = proposal.entries.map(({ kind, data }) => ({ kind, data }));
  raft.outbox.send(proposal.from ?? raft.id, leader, { kind: "propose", entries });
  return undefined;
}

/** Refuses each entry by itself, so that each waiter gets its answer. */
function drop(raft: RaftState, proposal: Proposal, reason: ProposalDropReason): RaftFault | undefined {
  let fault: RaftFault | undefined;
  for (const { proposalId } of proposal.entries) {
    fault = raft.outbox.refuse({ code: "raft/proposal-dropped", reason, proposalId, from: proposal.from });
  }
  return fault;
}

function proposeAsLeader(raft: RaftState, leader: Leader, proposal: Proposal): RaftFault | undefined {
  assert(proposal.entries.length > 0, "a proposal has at least one entry");
  if (!isMember(raft.confState, raft.id)) return drop(raft, proposal, "not-a-member");
  if (leader.transferee !== undefined) return drop(raft, proposal, "transferring");
  let refusal: RaftFault | undefined;
  let entries = proposal.entries;
  const pendingBefore = leader.pendingConfIndex;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as ProposedEntry;
    if (entry.kind === "normal") continue;
    const index = (raft.log.lastIndex + 1 + i) as LogIndex;
    const reason = refusalOfConfChange(raft, leader, entry);
    if (reason === undefined) {
      leader.pendingConfIndex = index;
      continue;
    }
    entries = entries.with(i, { kind: "normal", data: emptyData });
    const { proposalId } = entry;
    refusal = raft.outbox.refuse({ code: "raft/conf-change-refused", reason, proposalId, from: proposal.from });
    raft.outbox.events.push({ kind: "conf-change-refused", index, reason });
  }
  if (!appendOwnEntries(raft, leader, entries)) {
    leader.pendingConfIndex = pendingBefore;
    return drop(raft, proposal, "uncommitted-limit");
  }
  broadcastAppend(raft, leader);
  return refusal;
}

/**
 * Why a conf change must not enter the log. One change at a time, whatever it is, keeps two majorities from deciding apart. With
 * none pending the configuration will still be the one of now when the change is applied, so what could not be applied then is
 * refused now: once committed it would stop every member.
 * @see thesis, section 4.1.
 */
function refusalOfConfChange(raft: RaftState, leader: Leader, entry: ProposedEntry): ConfChangeRefusal | undefined {
  if (!raft.settings.isConfChangeValidationOn) return undefined;
  if (leader.pendingConfIndex > raft.log.applied) return "another change may be unapplied";
  const change = decodeConfChange(entry.kind, entry.data);
  const hasChanges = change.version === 1 || change.changes.length > 0;
  if (isJoint(raft.confState) && hasChanges) return "must leave the joint configuration first";
  if (!isJoint(raft.confState) && !hasChanges) return "not joint";
  const result = changeConfiguration(raft.confState, stepOfConfChange(change));
  return result.kind === "refused" ? result.reason : undefined;
}

/**
 * Gives entries their places at the end of a leader's log and promises itself to acknowledge them once they are stored.
 * @returns false when they are too much for the uncommitted size: then nothing has happened.
 */
export function appendOwnEntries(raft: RaftState, leader: Leader, proposed: readonly ProposedEntry[]): boolean {
  const bytes = payloadBytes(proposed);
  const { uncommittedBytes } = leader;
  // An empty log tail takes a proposal of any size, and empty payloads always pass, or a leader could not start or leave a joint
  // configuration.
  const isOver = uncommittedBytes > 0 && bytes > 0 && uncommittedBytes + bytes > raft.settings.uncommittedBytesMax;
  if (isOver) return false;
  leader.uncommittedBytes += bytes;
  const { term, log } = raft;
  let index: number = log.lastIndex;
  const entries: Entry[] = [];
  for (let i = 0; i < proposed.length; i++) {
    const { kind, data } = proposed[i] as ProposedEntry;
    index++;
    entries.push({ index: index as LogIndex, term, kind, data });
  }
  log.append(entries);
  raft.outbox.own.push({ kind: "append", term, index: index as LogIndex, after: raft.outbox.sendAfterPersist.length });
  return true;
}
