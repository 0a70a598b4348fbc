import Database, { type Statement } from "better-sqlite3";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Mvcc } from "../../src/index.js";
import { bytes, mustOpen, removeScratch } from "../support/open.js";
import { compactFully, everything, oneKey, put, remove, revision } from "../support/write.js";

afterEach(() => {
  vi.restoreAllMocks();
  removeScratch();
});

/** Counts the statements that run on all connections of this thread: those that write, and those that read. */
function countStatements(): { take(): { writes: number; reads: number } } {
  const db = new Database(":memory:");
  const prototype = Object.getPrototypeOf(db.prepare("SELECT 1")) as Statement;
  db.close();
  const run = vi.spyOn(prototype, "run");
  const reads = [vi.spyOn(prototype, "get"), vi.spyOn(prototype, "all")];
  return {
    take() {
      const counted = {
        writes: run.mock.calls.length,
        reads: reads.reduce((sum, spy) => sum + spy.mock.calls.length, 0),
      };
      for (const spy of [run, ...reads]) spy.mockClear();
      return counted;
    },
  };
}

const putAll = (mvcc: Mvcc, count: number, keyOf: (i: number) => string): void => {
  for (let i = 0; i < count; i++) put(mvcc, keyOf(i), "value");
};

/** Rows of `meta`, `fences` and what a job asks of its connection. */
const perFlush = 30;

describe("statements", () => {
  it("are two writes and one read for the put of a key", async () => {
    const mvcc = mustOpen();
    const statements = countStatements();
    putAll(mvcc, 500, (i) => `k${i}`);
    expect(statements.take()).toEqual({ writes: 0, reads: 500 });
    await mvcc.flush();
    const { writes } = statements.take();
    expect(writes).toBeGreaterThanOrEqual(1000);
    expect(writes).toBeLessThanOrEqual(1000 + perFlush);
    await mvcc.close();
  });

  it("are one write and no read for each further put of a key between two flushes, and a signpost for every eighth", async () => {
    const mvcc = mustOpen();
    put(mvcc, "hot", "value");
    const statements = countStatements();
    putAll(mvcc, 800, () => "hot");
    expect(statements.take()).toEqual({ writes: 0, reads: 0 });
    await mvcc.flush();
    const { writes } = statements.take();
    expect(writes).toBeGreaterThanOrEqual(801 + 100 + 1);
    expect(writes).toBeLessThanOrEqual(801 + 100 + 1 + perFlush);
    await mvcc.close();
  });

  it("do not grow with the number of keys for a list with a limit and its count", async () => {
    const mvcc = mustOpen();
    putAll(mvcc, 20_000, (i) => `k${String(i).padStart(6, "0")}`);
    await mvcc.flush();
    const statements = countStatements();
    const list = () => mvcc.range({ range: { kind: "span", start: bytes("k01"), end: bytes("l") }, limit: 100 });
    expect(list()).toMatchObject({ count: 10_000, more: true });
    expect(statements.take().reads).toBeLessThanOrEqual(3);
    expect(mvcc.count(everything)).toBe(20_000);
    expect(statements.take().reads).toBe(0);
    for (let i = 0; i < 40; i++) list();
    statements.take();
    list();
    expect(statements.take().reads).toBe(0);
    await mvcc.close();
  });

  it("follow at most eight versions for a read at an old revision", async () => {
    const mvcc = mustOpen();
    putAll(mvcc, 1000, () => "hot");
    await mvcc.flush();
    const statements = countStatements();
    for (const at of [2, 3, 500, 501, 998, 1000]) {
      expect(mvcc.range({ range: oneKey("hot"), revision: revision(at) }).count).toBe(1);
      expect(statements.take().reads).toBeLessThanOrEqual(2 + 9);
    }
    await mvcc.close();
  });

  it("of a compaction grow with what has changed since the last one, not with the keys", async () => {
    const mvcc = mustOpen({ compactionSleepMs: 0 });
    putAll(mvcc, 3000, (i) => `k${i}`);
    await compactFully(mvcc, mvcc.revision);
    putAll(mvcc, 10, (i) => `k${i}`);
    remove(mvcc, oneKey("k0"));
    await mvcc.flush();
    const statements = countStatements();
    await compactFully(mvcc, mvcc.revision);
    const { writes } = statements.take();
    expect(writes).toBeGreaterThanOrEqual(11);
    expect(writes).toBeLessThanOrEqual(12 + perFlush);
    await mvcc.close();
  });
});
