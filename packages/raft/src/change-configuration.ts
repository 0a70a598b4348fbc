import { assert, assertNever, type MemberId } from "@quorate/common";
import {
  ascending,
  type ConfChange,
  type ConfState,
  emptyConfState,
  isJoint,
  isMember,
  type MemberChange,
} from "./conf-change.js";
import type { InvalidConfChange } from "./raft-error.js";

/** What a proposed change does to a configuration. */
export type ConfigurationStep =
  | Readonly<{ kind: "simple"; changes: readonly MemberChange[] }>
  | Readonly<{ kind: "enter-joint"; changes: readonly MemberChange[]; autoLeave: boolean }>
  | Readonly<{ kind: "leave-joint" }>;

/** `renewed`: members that were unknown before, or removed and added again: nothing is known about their logs. */
export type ConfigurationResult =
  | Readonly<{ kind: "changed"; confState: ConfState; renewed: readonly MemberId[] }>
  | Readonly<{ kind: "refused"; reason: InvalidConfChange }>;

/** A configuration while it is being changed. */
type Draft = {
  voters: Set<MemberId>;
  readonly outgoing: ReadonlySet<MemberId>;
  learners: Set<MemberId>;
  learnersNext: Set<MemberId>;
  members: Set<MemberId>;
  renewed: Set<MemberId>;
};

/** The step a proposed change stands for. A change of version 1 is one operation with transition "auto". */
export function stepOfConfChange(change: ConfChange): ConfigurationStep {
  if (change.version === 1) return { kind: "simple", changes: [change.change] };
  const { changes, transition } = change;
  if (transition === "auto" && changes.length === 0) return { kind: "leave-joint" };
  if (transition !== "auto" || changes.length > 1) {
    return { kind: "enter-joint", changes, autoLeave: transition !== "explicit" };
  }
  return { kind: "simple", changes };
}

/**
 * Computes the configuration after a step. The one given is not changed.
 * @see thesis, sections 4.1 (single changes) and 4.3 (joint consensus).
 */
export function changeConfiguration(confState: ConfState, step: ConfigurationStep): ConfigurationResult {
  switch (step.kind) {
    case "simple":
      return changeSimply(confState, step.changes);
    case "enter-joint":
      return enterJoint(confState, step);
    case "leave-joint":
      return leaveJoint(confState);
    default:
      return assertNever(step, "configuration step");
  }
}

function changeSimply(confState: ConfState, changes: readonly MemberChange[]): ConfigurationResult {
  if (isJoint(confState)) return refuse("can't apply simple config change in joint config");
  const draft = draftOf(confState, []);
  for (const change of changes) applyMemberChange(draft, change);
  if (draft.voters.size === 0) return refuse("removed all voters");
  if (countDifferences(new Set(confState.voters), draft.voters) > 1) {
    return refuse("more than one voter changed without entering joint config");
  }
  return finish(draft, false);
}

function enterJoint(
  confState: ConfState,
  step: Readonly<{ changes: readonly MemberChange[]; autoLeave: boolean }>,
): ConfigurationResult {
  if (isJoint(confState)) return refuse("config is already joint");
  if (confState.voters.length === 0) return refuse("can't make a zero-voter config joint");
  const draft = draftOf(confState, confState.voters);
  for (const change of step.changes) applyMemberChange(draft, change);
  if (draft.voters.size === 0) return refuse("removed all voters");
  return finish(draft, step.autoLeave);
}

function leaveJoint(confState: ConfState): ConfigurationResult {
  if (!isJoint(confState)) return refuse("can't leave a non-joint config");
  const after: ConfState = {
    voters: confState.voters,
    votersOutgoing: [],
    learners: ascending([...confState.learners, ...confState.learnersNext]),
    learnersNext: [],
    autoLeave: false,
  };
  assertConsistent(after);
  return { kind: "changed", confState: after, renewed: [] };
}

function refuse(reason: InvalidConfChange): ConfigurationResult {
  return { kind: "refused", reason };
}

function draftOf(confState: ConfState, outgoing: readonly MemberId[]): Draft {
  return {
    voters: new Set(confState.voters),
    outgoing: new Set(outgoing),
    learners: new Set(confState.learners),
    learnersNext: new Set(confState.learnersNext),
    members: new Set([...confState.voters, ...confState.votersOutgoing, ...confState.learners]),
    renewed: new Set(),
  };
}

function finish(draft: Draft, autoLeave: boolean): ConfigurationResult {
  const confState: ConfState = {
    voters: ascending(draft.voters),
    votersOutgoing: ascending(draft.outgoing),
    learners: ascending(draft.learners),
    learnersNext: ascending(draft.learnersNext),
    autoLeave,
  };
  assertConsistent(confState);
  return { kind: "changed", confState, renewed: ascending(draft.renewed) };
}

function applyMemberChange(draft: Draft, change: MemberChange): void {
  // 0 is nobody: older hosts used it to make a change do nothing.
  if (change.member === 0n) return;
  switch (change.kind) {
    case "add-voter":
      addVoter(draft, change.member);
      return;
    case "add-learner":
      addLearner(draft, change.member);
      return;
    case "remove":
      removeMember(draft, change.member);
      return;
    case "update":
      return;
    default:
      assertNever(change.kind, "member change");
      return;
  }
}

function addVoter(draft: Draft, member: MemberId): void {
  welcome(draft, member);
  draft.learners.delete(member);
  draft.learnersNext.delete(member);
  draft.voters.add(member);
}

/** A voter of the outgoing half still votes: it becomes a learner when that half goes, so that no id is both at once. */
function addLearner(draft: Draft, member: MemberId): void {
  welcome(draft, member);
  if (draft.learners.has(member)) return;
  draft.voters.delete(member);
  draft.learnersNext.delete(member);
  if (draft.outgoing.has(member)) draft.learnersNext.add(member);
  else draft.learners.add(member);
}

function removeMember(draft: Draft, member: MemberId): void {
  draft.voters.delete(member);
  draft.learners.delete(member);
  draft.learnersNext.delete(member);
  if (draft.outgoing.has(member)) return;
  draft.members.delete(member);
  draft.renewed.delete(member);
}

function welcome(draft: Draft, member: MemberId): void {
  if (draft.members.has(member)) return;
  draft.members.add(member);
  draft.renewed.add(member);
}

/**
 * Builds the configuration that a snapshot or a store describes by the same rules as changes of it, so that one that no sequence
 * of changes can reach is noticed.
 */
export function restoreConfiguration(confState: ConfState): ConfState {
  const add = (kind: MemberChange["kind"], members: readonly MemberId[]): MemberChange[] =>
    members.map((member) => ({ kind, member }));
  let restored = emptyConfState;
  const run = (step: ConfigurationStep): void => {
    const result = changeConfiguration(restored, step);
    assert(result.kind === "changed", "a stored configuration can be reached by changes");
    restored = result.confState;
  };
  if (isJoint(confState)) {
    for (const change of add("add-voter", confState.votersOutgoing)) run({ kind: "simple", changes: [change] });
    const changes = [
      ...add("remove", confState.votersOutgoing),
      ...add("add-voter", confState.voters),
      ...add("add-learner", confState.learners),
      ...add("add-learner", confState.learnersNext),
    ];
    run({ kind: "enter-joint", changes, autoLeave: confState.autoLeave });
  } else {
    for (const change of add("add-voter", confState.voters)) run({ kind: "simple", changes: [change] });
    for (const change of add("add-learner", confState.learners)) run({ kind: "simple", changes: [change] });
  }
  assert(isSameConfiguration(restored, confState), "a restored configuration equals the stored one");
  return restored;
}

/** Equal as sets. */
export function isSameConfiguration(a: ConfState, b: ConfState): boolean {
  const isSame = (left: readonly MemberId[], right: readonly MemberId[]): boolean =>
    countDifferences(new Set(left), new Set(right)) === 0;
  return (
    a.autoLeave === b.autoLeave &&
    isSame(a.voters, b.voters) &&
    isSame(a.votersOutgoing, b.votersOutgoing) &&
    isSame(a.learners, b.learners) &&
    isSame(a.learnersNext, b.learnersNext)
  );
}

/** How many ids are in one of the sets only. */
function countDifferences(a: ReadonlySet<MemberId>, b: ReadonlySet<MemberId>): number {
  let count = 0;
  for (const member of a) if (!b.has(member)) count++;
  for (const member of b) if (!a.has(member)) count++;
  return count;
}

function assertConsistent(confState: ConfState): void {
  for (const learner of confState.learners) {
    assert(
      !confState.voters.includes(learner) && !confState.votersOutgoing.includes(learner),
      "no member is a voter and a learner",
    );
  }
  for (const next of confState.learnersNext) {
    assert(confState.votersOutgoing.includes(next), "a learner to be is a voter of the outgoing half");
    assert(!confState.learners.includes(next), "a learner to be is not a learner yet");
  }
  assert(isJoint(confState) || !confState.autoLeave, "only a joint configuration is left by itself");
  for (const member of confState.voters) assert(isMember(confState, member), "voters are members");
}
