import Database from "better-sqlite3";
import { Code } from "@quorate/transport";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FakeUnary } from "../support/fake-call.js";
import type { Harness } from "../support/harness.js";
import { harnesses } from "../support/harnesses.js";

// What a request costs is told here in counts: of statements, rows, operations of the disk and bytes. They do not depend on the machine, so a
// statement more for each put fails a test, where a benchmark would only be a little slower. Whoever changes them says why in the commit.

const mustStart = harnesses();
const puts = 1000;
const perTurn = 100;
const turns = puts / perTurn;

type Method = "run" | "get" | "all" | "iterate";
type Counted = Record<Method, (this: { source: string }, ...values: unknown[]) => unknown>;
const methods: readonly Method[] = ["run", "get", "all", "iterate"];
const statements = Object.getPrototypeOf(new Database(":memory:").prepare("SELECT 1")) as Counted;
const originals = Object.fromEntries(methods.map((name) => [name, statements[name]])) as Counted;
const connections = Database.prototype as { exec: (this: unknown, source: string) => unknown };
const originalExec = connections.exec;

/** Statements that ran since the last look, and rows that they changed. */
const ran = new Map<string, number>();
let changedRows = 0;

beforeEach(() => {
  for (const name of methods) {
    statements[name] = function (...values) {
      ran.set(this.source, (ran.get(this.source) ?? 0) + 1);
      const result = originals[name].apply(this, values);
      if (name === "run") changedRows += (result as { changes: number }).changes;
      return result;
    };
  }
  connections.exec = function (source) {
    ran.set(source, (ran.get(source) ?? 0) + 1);
    return originalExec.call(this, source);
  };
});

afterEach(() => {
  for (const name of methods) statements[name] = originals[name];
  connections.exec = originalExec;
});

type Costs = Readonly<{
  /** Statements that ran for requests, and how often. */
  often: Record<string, number>;
  /** How many others ran: for transactions, for the flush, for what is noted with it. */
  others: number;
  rows: number;
  disk: Record<string, number>;
  writtenBytes: number;
}>;

/** What all of this cost, until the member rests again and everything is in its file. */
async function costsOf(harness: Harness, run: () => Promise<void>): Promise<Costs> {
  await harness.advance(2000);
  const disk: Record<string, number> = {};
  harness.disk.failWhen(({ kind }) => {
    disk[kind] = (disk[kind] ?? 0) + 1;
    return undefined;
  });
  ran.clear();
  changedRows = 0;
  const bytesBefore = harness.disk.writtenBytes;
  await run();
  await harness.advance(100);
  const isOften = ([, times]: readonly [string, number]): boolean => times >= perTurn;
  const others = [...ran].filter((one) => !isOften(one)).reduce((sum, [, times]) => sum + times, 0);
  const writtenBytes = harness.disk.writtenBytes - bytesBefore;
  return { often: Object.fromEntries([...ran].filter(isOften)), others, rows: changedRows, disk, writtenBytes };
}

const keyOf = (i: number): string => `key-${String(i).padStart(4, "0")}`;
const value = "v".repeat(256);

/** A thousand requests, a hundred in a turn. */
async function inTurns(harness: Harness, begin: (i: number) => FakeUnary): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    const calls = Array.from({ length: perTurn }, (_, i) => begin(turn * perTurn + i));
    await harness.settle();
    for (const call of calls) expect(call.status?.code).toBe(Code.OK);
  }
}

const putEach = (harness: Harness) => () => inTurns(harness, (i) => harness.begin("KV/Put", { key: keyOf(i), value }));

const lookUp = "SELECT seq, mod, created, version, lease IS NOT NULL FROM latest WHERE key = ?";
const insertRecord = "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?)";
const insertPlace = "INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?, ?, ?)";
const insertSignpost = "INSERT INTO versions VALUES (?, ?, ?)";
const readRecord = "SELECT record FROM history WHERE seq = (SELECT seq FROM latest WHERE key = ?)";

/** Statements that do not grow with the requests. */
const othersMax = 50;
/** A key, a value of 256 bytes, their lengths, the entry's numbers, and the frame of the log around it. */
const bytesOfPut = 310;
const started = () => mustStart({ options: { segmentBytesMax: 4_194_304 } });

/** What the log may do for ten turns: a write and a sync each, and a write of the commit index that nobody waits for. */
function expectOneSyncPerTurn(costs: Costs): void {
  expect(costs.disk).toEqual({ write: 2 * turns, sync: turns });
  expect(costs.writtenBytes).toBeLessThanOrEqual(puts * bytesOfPut + turns * 500);
}

describe("a thousand puts", () => {
  it.each(["of new keys", "of keys that are there"])("%s take a look, a record and a place each", async (which) => {
    const harness = await started();
    if (which !== "of new keys") await putEach(harness)();
    const costs = await costsOf(harness, putEach(harness));
    expect(costs.often).toEqual({ [lookUp]: puts + 1, [insertRecord]: puts, [insertPlace]: puts });
    expect(costs.others).toBeLessThanOrEqual(othersMax);
    expect(costs.rows).toBeLessThanOrEqual(2 * puts + othersMax);
    expectOneSyncPerTurn(costs);
  });

  it("of one key take a record each, a signpost every eighth time, and one place", async () => {
    const harness = await started();
    await harness.must("KV/Put", { key: keyOf(5), value });
    const costs = await costsOf(harness, () =>
      inTurns(harness, () => harness.begin("KV/Put", { key: keyOf(5), value })),
    );
    expect(costs.often).toEqual({ [insertRecord]: puts, [insertSignpost]: puts / 8 });
    expect(costs.others).toBeLessThanOrEqual(othersMax);
    expect(costs.rows).toBeLessThanOrEqual(puts + puts / 8 + othersMax);
    expectOneSyncPerTurn(costs);
  });
});

describe("a thousand reads", () => {
  it("of as many keys take a statement each, and nothing of the log's disk", async () => {
    const harness = await started();
    await putEach(harness)();
    const costs = await costsOf(harness, () =>
      inTurns(harness, (i) => harness.begin("KV/Range", { key: keyOf((i * 7) % puts) })),
    );
    // Some are in memory by then: what is read often is kept there.
    expect(Object.keys(costs.often)).toEqual([readRecord]);
    expect(costs.often[readRecord]).toBeLessThanOrEqual(puts);
    expect(costs.others).toBeLessThanOrEqual(othersMax);
    expect([costs.rows, costs.disk, costs.writtenBytes]).toEqual([0, {}, 0]);
  });

  it("of the same hundred keys take statements for the first of them only", async () => {
    const harness = await started();
    await putEach(harness)();
    const list = { key: "key", rangeEnd: "kez", limit: 100n };
    const costs = await costsOf(harness, () => inTurns(harness, () => harness.begin("KV/Range", list)));
    expect(costs.often).toEqual({});
    expect(costs.others).toBeLessThanOrEqual(othersMax);
    expect([costs.rows, costs.disk, costs.writtenBytes]).toEqual([0, {}, 0]);
  });
});
