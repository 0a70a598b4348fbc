import { statSync } from "node:fs";
import { silentLogger } from "@quorate/common";
import Database from "better-sqlite3";
import { afterEach, describe, expect, it } from "vitest";
import { type Mvcc, openMvcc } from "../src/index.js";
import {
  buildPorts,
  bytes,
  ManualClock,
  mustOpen,
  nextEntry,
  removeScratch,
  scratchDirectory,
  text,
} from "./support/open.js";
import { compact, compactFully, everything, oneKey, put, remove, revision } from "./support/write.js";

afterEach(removeScratch);

const valueAt = (mvcc: Mvcc, key: string, at: number): string | undefined => {
  const [record] = mvcc.range({ range: oneKey(key), revision: revision(at) }).records;
  return record === undefined ? undefined : text(record.subarray(-1));
};

/** Rows of a table in the file. */
function rows(path: string, table: string): number {
  const db = new Database(path, { readonly: true });
  const count = db.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number;
  db.close();
  return count;
}

const refusal = (run: () => unknown): string | undefined => {
  try {
    run();
  } catch (error) {
    return (error as { fault: { code: string } }).fault.code;
  }
  return undefined;
};

describe("compaction", () => {
  it("refuses reads below at once and keeps what is visible at its revision", async () => {
    const mvcc = mustOpen({ compactionSleepMs: 0 });
    put(mvcc, "a", "1");
    put(mvcc, "a", "2");
    put(mvcc, "b", "1");
    compact(mvcc, 3);
    expect(refusal(() => valueAt(mvcc, "a", 2))).toBe("mvcc/compacted");
    await mvcc.whenCompacted();
    expect(valueAt(mvcc, "a", 3)).toBe("2");
    expect(valueAt(mvcc, "b", 3)).toBeUndefined();
    expect(mvcc.compactedRevision).toBe(3);
    expect(refusal(() => compact(mvcc, 3))).toBe("mvcc/compacted");
    expect(refusal(() => compact(mvcc, 5))).toBe("mvcc/future-revision");
    expect(refusal(() => mvcc.history(revision(2), { revisionsMax: 1, bytesMax: 1 }))).toBe("mvcc/compacted");
    await mvcc.close();
  });

  it("says when it is over, in the words of etcd", async () => {
    const lines: unknown[] = [];
    const logger = { ...silentLogger, info: (message: string, fields?: object) => void lines.push([message, fields]) };
    const mvcc = mustOpen({ compactionSleepMs: 0 }, buildPorts({ logger }));
    put(mvcc, "foo", "bar");
    await compactFully(mvcc, 2);
    const { totalBytes, inUseBytes } = mvcc.size();
    const sizes = { "current-db-size-bytes": totalBytes, "current-db-size-in-use-bytes": inUseBytes };
    const fields = { "compact-revision": 2, took: "0.000ms", hash: 3305255506, ...sizes };
    expect(lines).toEqual([["finished scheduled compaction", fields]]);
    await mvcc.close();
  });

  it("takes revision 0 once", async () => {
    const mvcc = mustOpen();
    compact(mvcc, 0);
    expect(refusal(() => compact(mvcc, 0))).toBe("mvcc/compacted");
    await mvcc.whenCompacted();
    await mvcc.close();
  });

  it("removes superseded rows, deletions and their signposts, but keeps a deletion at its own revision", async () => {
    const path = `${scratchDirectory()}/db`;
    const mvcc = mustOpen({ path, compactionSleepMs: 0, compactionBatchLimit: 3 });
    for (let i = 0; i < 20; i++) put(mvcc, "hot", String(i % 10));
    put(mvcc, "gone", "1");
    remove(mvcc, oneKey("gone"));
    put(mvcc, "late", "1");
    remove(mvcc, oneKey("late"));
    await mvcc.flush();
    expect([rows(path, "history"), rows(path, "versions")]).toEqual([24, 4]);
    await compactFully(mvcc, 25);
    const { changes } = mvcc.history(revision(25), { revisionsMax: 9, bytesMax: 999 });
    expect(changes.map((change) => `${change.kind} ${text(change.key)}`)).toEqual(["delete late"]);
    expect([rows(path, "history"), rows(path, "versions")]).toEqual([2, 0]);
    put(mvcc, "new", "1");
    await compactFully(mvcc, 26);
    expect(rows(path, "history")).toBe(2);
    expect(mvcc.keyCount()).toBe(2);
    await mvcc.close();
  });

  it("goes on after a restart in its middle", async () => {
    const path = `${scratchDirectory()}/db`;
    const clock = new ManualClock();
    const slow = mustOpen({ path, compactionSleepMs: 1000, compactionBatchLimit: 5 }, buildPorts({ clock }));
    for (let i = 0; i < 40; i++) put(slow, `k${i % 4}`, String(i % 10));
    compact(slow, 35);
    await slow.flush();
    await slow.close();
    expect(rows(path, "history")).toBeGreaterThan(20);
    const mvcc = openMvcc({ path, storeThread: false, compactionSleepMs: 0 }, buildPorts());
    expect(mvcc.compactedRevision).toBe(35);
    await mvcc.whenCompacted();
    expect(rows(path, "history")).toBe(10);
    expect(["k0", "k1", "k2", "k3"].map((key) => valueAt(mvcc, key, 35))).toEqual(["2", "3", "0", "1"]);
    await mvcc.close();
  });

  it("waits for a cursor that still reads an earlier revision", async () => {
    const path = `${scratchDirectory()}/db`;
    const mvcc = mustOpen({ path, compactionSleepMs: 0 });
    for (let i = 0; i < 10; i++) put(mvcc, `k${i}`, "1");
    const cursor = mvcc.openRange({ range: everything });
    for (let i = 0; i < 10; i++) put(mvcc, `k${i}`, "2");
    cursor.next({ maxRecords: 2, maxBytes: 1000 });
    compact(mvcc, 21);
    await mvcc.flush();
    expect(rows(path, "history")).toBe(20);
    const rest = cursor.next({ maxRecords: 100, maxBytes: 10000 });
    expect(rest.records.map((record) => text(record.subarray(-1)))).toEqual(Array(8).fill("1"));
    cursor.close();
    await mvcc.whenCompacted();
    expect(rows(path, "history")).toBe(10);
    await mvcc.close();
  });

  it("has SQLite's log written back as it goes, without a flush", async () => {
    const path = `${scratchDirectory()}/db`;
    const mvcc = mustOpen({
      path,
      compactionSleepMs: 0,
      compactionBatchLimit: 50,
      checkpointBytes: 200_000,
      flushBytes: 20_000,
    });
    for (let round = 0; round < 2; round++) for (let i = 0; i < 3000; i++) put(mvcc, `k${i}`, "v".repeat(500));
    await mvcc.checkpoint();
    await compactFully(mvcc, mvcc.revision);
    // Five times what may wait would be much; all that the compaction has written is 6 MB.
    expect(statSync(`${path}-wal`).size).toBeLessThan(1_000_000);
    await mvcc.close();
  });

  it("gives the space back, in slices, and defragment gives back the rest", async () => {
    const mvcc = mustOpen({ compactionSleepMs: 0 });
    const value = "x".repeat(1000);
    for (let i = 0; i < 8000; i++) put(mvcc, `k${i % 100}`, value);
    await mvcc.flush();
    const before = mvcc.size();
    await compactFully(mvcc, mvcc.revision);
    const after = mvcc.size();
    expect(after.inUseBytes).toBeLessThan(before.inUseBytes / 5);
    expect(after.totalBytes).toBeLessThan(before.totalBytes / 2);
    await mvcc.defragment();
    expect(mvcc.size().totalBytes).toBe(mvcc.size().inUseBytes);
    expect(mvcc.keyCount()).toBe(100);
    await mvcc.close();
  });
});

describe("recordAt", () => {
  it("finds any kept version of a key with a long past", async () => {
    const mvcc = mustOpen({ flushBytes: 1 });
    for (let i = 0; i < 60; i++) put(mvcc, "a", String(i % 10));
    remove(mvcc, oneKey("a"));
    for (let i = 0; i < 30; i++) put(mvcc, "a", String(i % 10));
    const found = Array.from({ length: 91 }, (_, i) => mvcc.recordAt(bytes("a"), revision(i + 2)));
    const expected = [...Array(60).keys(), undefined, ...Array(30).keys()].map((i) =>
      i === undefined ? undefined : String(i % 10),
    );
    expect(found.map((record) => text(record?.subarray(-1)))).toEqual(expected);
    expect(mvcc.recordAt(bytes("a"), revision(1))).toBeUndefined();
    const transaction = mvcc.begin(nextEntry(mvcc));
    transaction.abort();
    await mvcc.close();
  });
});
