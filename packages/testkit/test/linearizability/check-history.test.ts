import { describe, expect, it } from "vitest";
import {
  checkHistory,
  type History,
  type HistoryRevision,
  type KeyRequest,
  type KeyResult,
  type Operation,
  SimulatedRandom,
} from "../../src/index.js";
import { randomHistory } from "./random-history.js";

const put = (key: string, value: string): KeyRequest & { kind: "put" } => ({ kind: "put", key, value, lease: 0n });
const made = (revision: number, ...events: HistoryRevision["events"]): HistoryRevision => ({ revision, events });
const keyState = (value: string, modRevision: number, version = 1) => ({
  key: "a",
  value,
  createRevision: 2,
  modRevision,
  version,
  lease: 0n,
});

/** An operation that was answered. */
function done(id: number, time: [number, number], request: KeyRequest, answer: [number, KeyResult]): Operation {
  const [beganAt, endedAt] = time;
  const [revision, result] = answer;
  return { id, beganAt, request, outcome: { kind: "done", endedAt, revision, result } };
}
const putDone = (id: number, time: [number, number], request: KeyRequest, revision: number): Operation =>
  done(id, time, request, [revision, { kind: "put" }]);
const readDone = (id: number, time: [number, number], value: string | undefined, revision: number): Operation => {
  const keys = value === undefined ? [] : [keyState(value, revision, revision - 1)];
  return done(id, time, { kind: "range", key: "a" }, [revision, { kind: "range", keys }]);
};
const rulesOf = (history: History): string[] => checkHistory(history).map(({ rule }) => rule);

const twoPuts = [made(2, put("a", "1")), made(3, put("a", "2"))];

describe("checkHistory", () => {
  it("accepts overlapping requests in the order of their revisions", () => {
    const operations = [
      putDone(1, [1, 8], put("a", "1"), 2),
      putDone(2, [2, 7], put("a", "2"), 3),
      readDone(3, [3, 6], "1", 2),
      readDone(4, [3, 9], "2", 3),
      readDone(5, [1, 2], undefined, 1),
    ];
    expect(checkHistory({ operations, revisions: twoPuts })).toEqual([]);
  });

  it("finds a read that came too late for what it shows", () => {
    const operations = [
      putDone(1, [1, 2], put("a", "1"), 2),
      putDone(2, [3, 4], put("a", "2"), 3),
      readDone(3, [5, 6], "1", 2),
    ];
    expect(rulesOf({ operations, revisions: twoPuts })).toEqual(["stale"]);
    const relaxed = operations.map((operation) =>
      operation.id === 3 ? { ...operation, isSerializable: true } : operation,
    );
    expect(rulesOf({ operations: relaxed, revisions: twoPuts })).toEqual([]);
  });

  it("finds a read that is older than what another read, or a watch, has shown", () => {
    const operations = [
      putDone(1, [1, 2], put("a", "1"), 2),
      putDone(2, [3, 20], put("a", "2"), 3),
      readDone(3, [5, 6], "2", 3),
      readDone(4, [7, 8], "1", 2),
    ];
    expect(rulesOf({ operations, revisions: twoPuts })).toEqual(["stale"]);
    const [first, second, , last] = operations as [Operation, Operation, Operation, Operation];
    const history = { operations: [first, second, last], revisions: twoPuts };
    expect(rulesOf(history)).toEqual([]);
    expect(rulesOf({ ...history, sightings: [{ revision: 3, at: 6 }] })).toEqual(["stale"]);
  });

  it("finds a write that was answered and is not there", () => {
    const operations = [putDone(1, [1, 2], put("a", "1"), 2), putDone(2, [3, 4], put("a", "2"), 3)];
    expect(rulesOf({ operations, revisions: twoPuts.slice(0, 1) })).toEqual(["lost-write"]);
    const other = [twoPuts[0] as HistoryRevision, made(3, put("a", "other"))];
    expect(rulesOf({ operations, revisions: other })).toEqual(["lost-write", "unexplained"]);
  });

  it("finds a write that overtook one that was over before it began", () => {
    const operations = [putDone(1, [1, 2], put("a", "2"), 3), putDone(2, [3, 4], put("a", "1"), 2)];
    expect(rulesOf({ operations, revisions: twoPuts })).toEqual(["early", "stale"]);
  });

  it("explains a revision by a request whose outcome is unknown, once, and not before it was made", () => {
    const unknown: Operation = { id: 1, beganAt: 5, request: put("a", "1"), outcome: { kind: "unknown" } };
    const once = [made(2, put("a", "1"))];
    expect(rulesOf({ operations: [unknown], revisions: once })).toEqual([]);
    expect(rulesOf({ operations: [unknown], revisions: [...once, made(3, put("a", "1"))] })).toEqual(["unexplained"]);
    expect(rulesOf({ operations: [unknown, readDone(2, [1, 4], "1", 2)], revisions: once })).toEqual(["early"]);
    const refused: Operation = { ...unknown, outcome: { kind: "refused" } };
    expect(rulesOf({ operations: [refused], revisions: once })).toEqual(["unexplained"]);
  });

  it("finds two requests that claim one revision, and a gap", () => {
    const operations = [putDone(1, [1, 9], put("a", "1"), 2), putDone(2, [1, 9], put("a", "1"), 2)];
    expect(rulesOf({ operations, revisions: [made(2, put("a", "1"))] })).toEqual(["made-twice"]);
    expect(rulesOf({ operations: [], revisions: [made(3)] })).toContain("gap");
  });

  it("takes the keys of a lease that go together for its end, and nothing less", () => {
    const lease = 7n;
    const puts = [
      { ...put("a", "1"), lease },
      { ...put("b", "2"), lease },
    ];
    const operations = puts.map((request, at) => putDone(at + 1, [at * 2, at * 2 + 1], request, at + 2));
    const revisions = puts.map((request, at) => made(at + 2, request));
    const ends = [{ kind: "delete", key: "a" } as const, { kind: "delete", key: "b" } as const];
    expect(rulesOf({ operations, revisions: [...revisions, made(4, ...ends)] })).toEqual([]);
    expect(rulesOf({ operations, revisions: [...revisions, made(4, ends[0] as (typeof ends)[0])] })).toEqual([
      "unexplained",
    ]);
  });

  it("checks what a transaction was answered", () => {
    const request: KeyRequest = {
      kind: "txn",
      guards: [{ key: "a", relation: "equal", target: { kind: "value", value: "1" } }],
      success: [put("a", "2"), { kind: "range", key: "a" }],
      failure: [{ kind: "range", key: "a" }],
    };
    const answer = (succeeded: boolean, keys: ReturnType<typeof keyState>[]): KeyResult => ({
      kind: "txn",
      succeeded,
      results: succeeded ? [{ kind: "put" }, { kind: "range", keys }] : [{ kind: "range", keys }],
    });
    const first = putDone(1, [1, 2], put("a", "1"), 2);
    const swapped = done(2, [3, 4], request, [3, answer(true, [keyState("2", 3, 2)])]);
    expect(rulesOf({ operations: [first, swapped], revisions: twoPuts })).toEqual([]);
    const wrong = done(2, [3, 4], request, [3, answer(true, [keyState("1", 2)])]);
    expect(rulesOf({ operations: [first, wrong], revisions: twoPuts })).toEqual(["wrong-answer"]);
    const failed = done(2, [3, 4], request, [2, answer(false, [keyState("1", 2)])]);
    expect(rulesOf({ operations: [first, failed], revisions: twoPuts.slice(0, 1) })).toEqual(["lost-write"]);
  });
});

/** What makes a good history bad: each gives undefined where it finds nothing to spoil. */
const spoilers: Readonly<Record<string, (history: History, random: SimulatedRandom) => History | undefined>> = {
  "a read with another value": (history, random) =>
    spoilAnswer(history, random, (result) => {
      if (result.kind !== "range" || result.keys.length === 0) return undefined;
      return { ...result, keys: result.keys.map((key, at) => (at === 0 ? { ...key, value: "other" } : key)) };
    }),
  "a read without one of its keys": (history, random) =>
    spoilAnswer(history, random, (result) =>
      result.kind === "range" && result.keys.length > 0 ? { ...result, keys: result.keys.slice(1) } : undefined,
    ),
  "a wrong count of deletions": (history, random) =>
    spoilAnswer(history, random, (result) =>
      result.kind === "delete" && result.deleted > 0 ? { ...result, deleted: result.deleted + 1 } : undefined,
    ),
  "a put that came twice": ({ operations, revisions }, random) => {
    const last = revisions.at(-1);
    const puts = revisions.filter(({ events }) => events.length === 1 && events[0]?.kind === "put");
    if (last === undefined || puts.length === 0) return undefined;
    const again = { ...random.pick(puts), revision: last.revision + 1 };
    return { operations, revisions: [...revisions, again] };
  },
  "the last answered put missing": ({ operations, revisions }) => {
    const last = revisions.at(-1);
    const isAnswered = operations.some(
      ({ outcome }) => outcome.kind === "done" && outcome.revision === last?.revision && outcome.result.kind === "put",
    );
    return isAnswered ? { operations, revisions: revisions.slice(0, -1) } : undefined;
  },
  "a read answered from before a write that was over": ({ operations, revisions }) => {
    const lastEnd = Math.max(...operations.map(({ outcome }) => (outcome.kind === "done" ? outcome.endedAt : 0)));
    const highest = Math.max(...operations.map(({ outcome }) => (outcome.kind === "done" ? outcome.revision : 0)));
    if (highest < 2) return undefined;
    const stale = done(10_000, [lastEnd + 1, lastEnd + 2], { kind: "range", key: "z" }, [
      highest - 1,
      { kind: "range", keys: [] },
    ]);
    return { operations: [...operations, stale], revisions };
  },
  "a write before it was asked for": ({ operations, revisions }, random) => {
    const puts = operations.filter(({ outcome }) => outcome.kind === "done" && outcome.result.kind === "put");
    if (puts.length === 0) return undefined;
    const { id, outcome } = random.pick(puts) as Operation & { outcome: { revision: number; endedAt: number } };
    return {
      operations,
      revisions,
      sightings: [{ revision: outcome.revision, at: (operations.find((o) => o.id === id) as Operation).beganAt }],
    };
  },
};

function spoilAnswer(
  { operations, revisions }: History,
  random: SimulatedRandom,
  spoil: (result: KeyResult) => KeyResult | undefined,
): History | undefined {
  const spoiled = operations.flatMap((operation) => {
    if (operation.outcome.kind !== "done") return [];
    const result = spoil(operation.outcome.result);
    return result === undefined ? [] : [{ ...operation, outcome: { ...operation.outcome, result } }];
  });
  if (spoiled.length === 0) return undefined;
  const chosen = random.pick(spoiled);
  return { operations: operations.map((operation) => (operation.id === chosen.id ? chosen : operation)), revisions };
}

describe("checkHistory, on random histories", () => {
  it("accepts what a correct store does", () => {
    for (let seed = 1; seed <= 300; seed++) {
      expect([seed, checkHistory(randomHistory(new SimulatedRandom(seed)))]).toEqual([seed, []]);
    }
  });

  for (const [name, spoil] of Object.entries(spoilers)) {
    it(`refuses ${name}`, () => {
      let spoiled = 0;
      for (let seed = 1; seed <= 100; seed++) {
        const random = new SimulatedRandom(seed);
        const history = spoil(randomHistory(random), random);
        if (history === undefined) continue;
        spoiled += 1;
        expect([seed, checkHistory(history).length > 0]).toEqual([seed, true]);
      }
      expect(spoiled).toBeGreaterThan(20);
    });
  }
});
