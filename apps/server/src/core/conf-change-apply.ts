import type { LogIndex, MemberId } from "@quorate/common";
import type { ConfChange, ConfState, RaftNode } from "@quorate/raft";
import type { ApplyContext, MemberState } from "./member-state.js";
import { memberFromJson } from "./membership.js";

const metaBucket = "meta";
const confStateKey = "confState";

/** Applies a change of the members: to the consensus core, to the table of members, and to what a restart reads. */
export function applyConfChange(state: MemberState, raft: RaftNode, change: ConfChange, context: ApplyContext): void {
  raft.step({ kind: "conf-change-applied", change });
  const txn = state.mvcc.begin({ index: context.index as LogIndex, term: context.term });
  const changes = change.version === 1 ? [change.change] : change.changes;
  for (const { kind, member } of changes) {
    if (kind === "remove") state.membership.remove(txn, member);
    else if (change.context.length > 0) {
      const record = memberFromJson(Buffer.from(change.context).toString());
      state.membership.put(txn, { ...record, isLearner: kind === "add-learner" });
    }
  }
  txn.setBucket(metaBucket, confStateKey, Buffer.from(confStateToJson(raft.status().confState)));
  txn.commit();
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
