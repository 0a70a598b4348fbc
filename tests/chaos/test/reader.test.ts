import type { KeyState, MemberClient, Observation } from "@quorate/tests-crash";
import { describe, expect, it } from "vitest";
import { Reader } from "../src/index.js";

const state = (value: string, modRevision: number): KeyState => ({
  value,
  modRevision,
  createRevision: 2,
  version: 1,
  lease: "0",
});

/** a=1 at 2, a=2 at 3, a deleted at 4. */
const seen: Observation = {
  revision: 4,
  compactRevision: 0,
  history: [
    { revision: 2, changes: [{ key: "a", value: "1", lease: "0" }] },
    { revision: 3, changes: [{ key: "a", value: "2", lease: "0" }] },
    { revision: 4, changes: [{ key: "a", value: undefined, lease: "0" }] },
  ],
  keys: new Map(),
  leases: new Set(),
  atMs: 0,
};

/** A reader that has read once. */
async function buildReader(answer: { revision: number; state: KeyState | undefined }, told = 0): Promise<Reader> {
  const reader = new Reader();
  let reads = 0;
  const client = { get: () => Promise.resolve(answer) } as Pick<MemberClient, "get"> as MemberClient;
  await reader.run(client, { nextKey: () => "a", told: () => told, isOver: () => reads++ > 0 });
  return reader;
}

describe("Reader", () => {
  it("accepts what history has at the revision of the read", async () => {
    for (const answer of [
      { revision: 1, state: undefined },
      { revision: 2, state: state("1", 2) },
      { revision: 3, state: state("2", 3) },
      { revision: 4, state: undefined },
    ]) {
      const reader = await buildReader(answer, answer.revision);
      expect([reader.answered, reader.check(seen)]).toEqual([1, []]);
    }
  });

  it.each([
    ["an older value than its revision has", { revision: 3, state: state("1", 2) }, "at revision 3 was read as"],
    ["a value that was deleted", { revision: 4, state: state("2", 3) }, "at revision 4 was read as"],
    ["nothing where there was something", { revision: 2, state: undefined }, "at revision 2 was read as absent"],
    ["a value from another revision", { revision: 3, state: state("2", 2) }, "at revision 3 was read as"],
    ["a revision that never came to be", { revision: 9, state: undefined }, "which the store has not reached"],
  ])("finds %s", async (_name, answer, problem) => {
    const reader = await buildReader(answer);
    expect(reader.check(seen).join("\n")).toContain(problem);
  });

  it("finds a read that is older than what had been acknowledged before it", async () => {
    const reader = await buildReader({ revision: 2, state: state("1", 2) }, 3);
    expect(reader.check(seen)).toEqual(["stale: a was read at revision 2, after 3 was acknowledged"]);
  });
});
