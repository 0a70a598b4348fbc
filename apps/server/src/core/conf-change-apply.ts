import { assert, type LogIndex, type MemberId } from "@quorate/common";
import { MemberAddResponse, MemberListResponse } from "@quorate/proto";
import type { ConfChange, ConfState, RaftNode } from "@quorate/raft";
import { decodeMemberChanges, findMemberFault, type MemberChange } from "./member-change.js";
import { type ApplyContext, type MemberState, type Outcome, refuse } from "./member-state.js";
import { type Membership, type MembershipWriter, memberToWire } from "./membership.js";
import { MessageBuilder } from "./reply-writer.js";

const metaBucket = "meta";
const confStateKey = "confState";

/**
 * Applies a change of the members: to the consensus core, to the table of members, and to what a restart reads. A change that does not fit the members
 * as they are now does nothing, on every member alike; whoever asked for it learns why.
 */
export function applyConfChange(
  state: MemberState,
  raft: RaftNode,
  change: ConfChange,
  context: ApplyContext,
): Outcome {
  const { membership, mvcc } = state;
  const changes = decodeMemberChanges(change);
  for (const one of changes) {
    const fault = findMemberFault(membership, one);
    if (fault === undefined) continue;
    mvcc.markApplied({ index: context.index as LogIndex, term: context.term });
    return refuse(fault);
  }
  raft.step({ kind: "conf-change-applied", change });
  const txn = mvcc.begin({ index: context.index as LogIndex, term: context.term });
  for (const one of changes) applyToTable(membership, txn, one);
  txn.setBucket(metaBucket, confStateKey, Buffer.from(confStateToJson(raft.status().confState)));
  const committed = txn.commit();
  const header = state.headers.field(0, context.term);
  return { kind: "done", reply: encodeMembersReply(header, membership, changes[0]), committed };
}

function applyToTable(membership: Membership, writer: MembershipWriter, change: MemberChange): void {
  if (change.kind === "add") return membership.put(writer, change.record);
  if (change.kind === "remove") return membership.remove(writer, change.id);
  const known = membership.get("record" in change ? change.record.id : change.id);
  assert(known !== undefined, "a change that was let through concerns a member");
  if (change.kind === "promote") membership.put(writer, { ...known, isLearner: false });
  else membership.put(writer, { ...known, peerURLs: change.record.peerURLs });
}

/** What the caller of a change is told: the member that was added, and all members as they are now. */
export function encodeMembersReply(
  header: Uint8Array,
  membership: Membership,
  change: MemberChange | undefined,
): Uint8Array {
  const members = membership.list().map(memberToWire);
  const message = new MessageBuilder().raw(header);
  if (change?.kind !== "add") return message.raw(MemberListResponse.encode({ members })).take();
  return message.raw(MemberAddResponse.encode({ member: memberToWire(change.record), members })).take();
}

/** The configuration as of the applied index, or undefined when none was ever applied. */
export function loadConfState(store: { bucket(name: string): ReadonlyMap<string, Uint8Array> }): ConfState | undefined {
  const json = store.bucket(metaBucket).get(confStateKey);
  return json === undefined ? undefined : confStateFromJson(Buffer.from(json).toString());
}

/** JSON with the ids in hexadecimal, since JSON numbers cannot hold them. */
export function confStateToJson(confState: ConfState): string {
  return JSON.stringify(confState, (_key, value: unknown) => (typeof value === "bigint" ? value.toString(16) : value));
}

/** Reads what `confStateToJson` wrote. */
export function confStateFromJson(json: string): ConfState {
  const read = JSON.parse(json) as Record<keyof ConfState, readonly string[] & boolean>;
  const ids = (list: readonly string[]): MemberId[] => list.map((id) => BigInt(`0x${id}`) as MemberId);
  return {
    voters: ids(read.voters),
    votersOutgoing: ids(read.votersOutgoing),
    learners: ids(read.learners),
    learnersNext: ids(read.learnersNext),
    autoLeave: read.autoLeave,
  };
}
