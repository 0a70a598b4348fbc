import type { MemberId } from "@quorate/common";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  changeConfiguration,
  type ConfigurationStep,
  isSameConfiguration,
  restoreConfiguration,
  stepOfConfChange,
} from "../src/change-configuration.js";
import { type ConfState, emptyConfState, isJoint, type MemberChange, votersOf } from "../src/conf-change.js";
import { buildConfState, id } from "./support/small-cluster.js";

const changes: fc.Arbitrary<readonly MemberChange[]> = fc.array(
  fc.record({
    kind: fc.constantFrom("add-voter", "add-learner", "remove", "update"),
    member: fc.integer({ min: 0, max: 6 }).map((number) => id(number)),
  }),
  { maxLength: 5 },
);
const steps: fc.Arbitrary<ConfigurationStep> = fc.oneof(
  fc.record({ kind: fc.constant("simple" as const), changes }),
  fc.record({ kind: fc.constant("enter-joint" as const), changes, autoLeave: fc.boolean() }),
  fc.constant({ kind: "leave-joint" as const }),
);

/** The configurations a history of steps goes through; refused ones change nothing. */
function walk(history: readonly ConfigurationStep[]): readonly ConfState[] {
  const reached: ConfState[] = [emptyConfState];
  for (const step of history) {
    const result = changeConfiguration(reached.at(-1) as ConfState, step);
    if (result.kind === "changed") reached.push(result.confState);
  }
  return reached;
}

function isSubsetOf(some: readonly MemberId[], all: readonly MemberId[]): boolean {
  return some.every((member) => all.includes(member));
}

describe("changeConfiguration", () => {
  it("keeps voters and learners apart, lists ascending, and leaves nothing joint behind", () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 20 }), (history) => {
        for (const confState of walk(history)) {
          const { voters, votersOutgoing, learners, learnersNext, autoLeave } = confState;
          expect(learners.filter((member) => votersOf(confState).includes(member))).toEqual([]);
          expect(isSubsetOf(learnersNext, votersOutgoing)).toBe(true);
          if (!isJoint(confState)) expect({ learnersNext, autoLeave }).toEqual({ learnersNext: [], autoLeave: false });
          for (const list of [voters, votersOutgoing, learners, learnersNext]) {
            expect(list).toEqual([...new Set(list)].sort((a, b) => (a < b ? -1 : 1)));
          }
        }
      }),
    );
  });

  it("changes one voter at most without a joint configuration, so that old and new majorities meet (thesis, section 4.1)", () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 20 }), changes, (history, more) => {
        const before = walk(history).at(-1) as ConfState;
        const result = changeConfiguration(before, { kind: "simple", changes: more });
        if (result.kind === "refused") return;
        const { voters } = result.confState;
        const left = before.voters.filter((member) => !voters.includes(member));
        const joined = voters.filter((member) => !before.voters.includes(member));
        expect(left.length + joined.length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("keeps the old voters as a half of a joint configuration until it is left (thesis, section 4.3)", () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 20 }), changes, (history, more) => {
        const before = walk(history).at(-1) as ConfState;
        const entered = changeConfiguration(before, { kind: "enter-joint", changes: more, autoLeave: true });
        if (entered.kind === "refused") return;
        expect(entered.confState.votersOutgoing).toEqual(before.voters);
        const left = changeConfiguration(entered.confState, { kind: "leave-joint" });
        expect(left).toMatchObject({ kind: "changed", confState: { voters: entered.confState.voters } });
      }),
    );
  });

  it("reports as renewed who was unknown, or removed and added again", () => {
    const before = buildConfState({ voters: [id(1), id(2)] });
    const remove = { kind: "remove", member: id(2) } as const;
    const add = { kind: "add-voter", member: id(2) } as const;
    const again = changeConfiguration(before, { kind: "simple", changes: [remove, add] });
    expect(again).toMatchObject({ kind: "changed", renewed: [id(2)] });
    const known = changeConfiguration(before, { kind: "simple", changes: [add] });
    expect(known).toMatchObject({ kind: "changed", renewed: [] });
  });
});

describe("restoreConfiguration", () => {
  it("reaches every configuration that changes can reach", () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 20 }), (history) => {
        for (const confState of walk(history)) {
          if (confState.voters.length === 0) continue;
          expect(isSameConfiguration(restoreConfiguration(confState), confState)).toBe(true);
        }
      }),
    );
  });

  it("stops at one that none can reach", () => {
    const both = buildConfState({ voters: [id(1)], learners: [id(1)] });
    expect(() => restoreConfiguration(both)).toThrow("broken invariant");
    const orphan = buildConfState({ voters: [id(1)], learnersNext: [id(2)] });
    expect(() => restoreConfiguration(orphan)).toThrow("broken invariant");
  });
});

describe("stepOfConfChange", () => {
  const context = new Uint8Array(0);
  const one: MemberChange = { kind: "add-voter", member: id(1) };

  it("uses a joint configuration when asked, or when more than one member changes", () => {
    expect(stepOfConfChange({ version: 1, change: one, context }).kind).toBe("simple");
    for (const [transition, count, kind] of [
      ["auto", 0, "leave-joint"],
      ["auto", 1, "simple"],
      ["auto", 2, "enter-joint"],
      ["implicit", 1, "enter-joint"],
      ["explicit", 1, "enter-joint"],
    ] as const) {
      const step = stepOfConfChange({ version: 2, transition, changes: Array(count).fill(one), context });
      expect(step.kind).toBe(kind);
      if (step.kind === "enter-joint") expect(step.autoLeave).toBe(transition !== "explicit");
    }
  });
});
