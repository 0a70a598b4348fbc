import type { LogIndex, MemberId } from "@quorate/common";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jointCommitted, jointVote, majorityCommitted, majorityVote, type VoteResult } from "../src/quorum.js";

const voterLists = fc.uniqueArray(
  fc.integer({ min: 1, max: 9 }).map((number) => BigInt(number) as MemberId),
  { maxLength: 7 },
);

/** All subsets of a list. */
function subsets<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  const all: Item[][] = [[]];
  for (const item of items) all.push(...all.map((set) => [...set, item]));
  return all;
}

function isMajority(some: readonly MemberId[], voters: readonly MemberId[]): boolean {
  return 2 * some.length > voters.length;
}

/** By the definition: some majority has all reached it. */
function committedByDefinition(voters: readonly MemberId[], reached: ReadonlyMap<MemberId, number>): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  const majorities = subsets(voters).filter((some) => isMajority(some, voters));
  return Math.max(...majorities.map((some) => Math.min(...some.map((voter) => reached.get(voter) ?? 0))));
}

/** By the definition: won when some majority has said yes, lost when none can any more. */
function voteByDefinition(voters: readonly MemberId[], votes: ReadonlyMap<MemberId, boolean>): VoteResult {
  if (voters.length === 0) return "won";
  const majorities = subsets(voters).filter((some) => isMajority(some, voters));
  if (majorities.some((some) => some.every((voter) => votes.get(voter) === true))) return "won";
  return majorities.some((some) => some.every((voter) => votes.get(voter) !== false)) ? "pending" : "lost";
}

const reachedMaps = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 30 })))
  .map((pairs) => new Map(pairs.map(([number, index]) => [BigInt(number) as MemberId, index])));
const voteMaps = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.boolean()))
  .map((pairs) => new Map(pairs.map(([number, vote]) => [BigInt(number) as MemberId, vote])));
const lookup =
  (reached: ReadonlyMap<MemberId, number>) =>
  (voter: MemberId): LogIndex =>
    (reached.get(voter) ?? 0) as LogIndex;

describe("majorityCommitted", () => {
  it("is what some majority has reached", () => {
    fc.assert(
      fc.property(voterLists, reachedMaps, (voters, reached) => {
        expect(majorityCommitted(voters, lookup(reached))).toBe(committedByDefinition(voters, reached));
      }),
    );
  });

  it("does not change when an index that is below it already goes down", () => {
    fc.assert(
      fc.property(voterLists, reachedMaps, (voters, reached) => {
        const committed = majorityCommitted(voters, lookup(reached));
        for (const [voter, index] of reached) {
          if (index >= committed) continue;
          expect(majorityCommitted(voters, lookup(new Map([...reached, [voter, 0]])))).toBe(committed);
        }
      }),
    );
  });
});

describe("jointCommitted", () => {
  it("is what both halves have reached, in whatever order they come (thesis, section 4.3)", () => {
    fc.assert(
      fc.property(voterLists, voterLists, reachedMaps, (voters, votersOutgoing, reached) => {
        const expected = Math.min(
          committedByDefinition(voters, reached),
          committedByDefinition(votersOutgoing, reached),
        );
        expect(jointCommitted({ voters, votersOutgoing }, lookup(reached))).toBe(expected);
        expect(jointCommitted({ voters: votersOutgoing, votersOutgoing: voters }, lookup(reached))).toBe(expected);
      }),
    );
  });

  it("equals one majority when the other half is empty or the same", () => {
    fc.assert(
      fc.property(voterLists, reachedMaps, (voters, reached) => {
        const one = majorityCommitted(voters, lookup(reached));
        expect(jointCommitted({ voters, votersOutgoing: [] }, lookup(reached))).toBe(one);
        expect(jointCommitted({ voters, votersOutgoing: voters }, lookup(reached))).toBe(one);
      }),
    );
  });
});

describe("majorityVote", () => {
  it("is won when a majority has agreed, and lost when none can any more", () => {
    fc.assert(
      fc.property(voterLists, voteMaps, (voters, votes) => {
        expect(majorityVote(voters, (voter) => votes.get(voter))).toBe(voteByDefinition(voters, votes));
      }),
    );
  });
});

describe("jointVote", () => {
  it("needs both halves", () => {
    fc.assert(
      fc.property(voterLists, voterLists, voteMaps, (voters, votersOutgoing, votes) => {
        const results = [voteByDefinition(voters, votes), voteByDefinition(votersOutgoing, votes)];
        const expected = results.includes("lost") ? "lost" : results.includes("pending") ? "pending" : "won";
        expect(jointVote({ voters, votersOutgoing }, (voter) => votes.get(voter))).toBe(expected);
      }),
    );
  });
});
