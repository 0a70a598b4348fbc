import type { MemberId } from "@quorate/common";
import type { ConfChange } from "@quorate/raft";
import type { Fault } from "../public-errors.js";
import { type MemberRecord, type Membership, memberFromJson, memberToJson } from "./membership.js";

/** A change of one member, with all that is needed to judge it: the same judgement on every member. */
export type MemberChange =
  | Readonly<{ kind: "add"; record: MemberRecord; learnersMax: number }>
  | Readonly<{ kind: "remove"; id: MemberId }>
  | Readonly<{ kind: "update"; record: MemberRecord }>
  | Readonly<{ kind: "promote"; id: MemberId }>;

const nothing = new Uint8Array(0);
/** Without a bound: the founders of a cluster, and what older entries hold. */
const unbounded = Number.MAX_SAFE_INTEGER;

/** The change in the form in which the log carries it. Removing needs no more than the id. */
export function encodeMemberChange(change: MemberChange): ConfChange {
  switch (change.kind) {
    case "add": {
      const { record, learnersMax } = change;
      const context = Buffer.from(JSON.stringify({ ...asJson(record), learnersMax }));
      return {
        version: 1,
        change: { kind: record.isLearner ? "add-learner" : "add-voter", member: record.id },
        context,
      };
    }
    case "remove":
      return { version: 1, change: { kind: "remove", member: change.id }, context: nothing };
    case "update": {
      const context = Buffer.from(memberToJson(change.record));
      return { version: 1, change: { kind: "update", member: change.record.id }, context };
    }
    case "promote": {
      const context = Buffer.from(JSON.stringify({ isPromote: true }));
      return { version: 1, change: { kind: "add-voter", member: change.id }, context };
    }
  }
}

/** Reads what the log carries. A joint change, which no member of this version proposes, gives one for each part. */
export function decodeMemberChanges(change: ConfChange): readonly MemberChange[] {
  const parts = change.version === 1 ? [change.change] : change.changes;
  const json = Buffer.from(change.context).toString();
  const read = json === "" ? {} : (JSON.parse(json) as { isPromote?: boolean; learnersMax?: number });
  return parts.flatMap(({ kind, member }): readonly MemberChange[] => {
    if (kind === "remove") return [{ kind: "remove", id: member }];
    if (read.isPromote === true) return [{ kind: "promote", id: member }];
    if (json === "") return [];
    const record = { ...memberFromJson(json), id: member };
    if (kind === "update") return [{ kind: "update", record }];
    const isLearner = kind === "add-learner";
    return [{ kind: "add", record: { ...record, isLearner }, learnersMax: read.learnersMax ?? unbounded }];
  });
}

function asJson(record: MemberRecord): object {
  return JSON.parse(memberToJson(record)) as object;
}

/**
 * Says why a change cannot be made, in the order in which etcd looks.
 * @returns undefined when it can.
 * @see etcd 3.7.1, RaftCluster.ValidateConfigurationChange.
 */
export function findMemberFault(membership: Membership, change: MemberChange): Fault | undefined {
  const id = "record" in change ? change.record.id : change.id;
  if (membership.isRemoved(id)) return { code: "server/member-removed" };
  const known = membership.get(id);
  switch (change.kind) {
    case "add":
      return findAddFault(membership, change, known);
    case "promote":
      if (known === undefined) return { code: "server/member-not-found" };
      return known.isLearner ? undefined : { code: "server/member-not-learner" };
    case "remove":
      return known === undefined ? { code: "server/member-not-found" } : undefined;
    case "update":
      if (known === undefined) return { code: "server/member-not-found" };
      return isUrlTaken(membership, change.record) ? { code: "server/peer-url-exists" } : undefined;
  }
}

function findAddFault(
  membership: Membership,
  { record, learnersMax }: Extract<MemberChange, { kind: "add" }>,
  known: MemberRecord | undefined,
): Fault | undefined {
  if (known !== undefined) return { code: "server/member-exists" };
  if (isUrlTaken(membership, record)) return { code: "server/peer-url-exists" };
  if (!record.isLearner) return undefined;
  const learners = membership.list().filter((member) => member.isLearner).length;
  return learners + 1 > learnersMax ? { code: "server/too-many-learners" } : undefined;
}

function isUrlTaken(membership: Membership, { id, peerURLs }: MemberRecord): boolean {
  return membership.list().some((other) => other.id !== id && other.peerURLs.some((url) => peerURLs.includes(url)));
}
