import type { LeaseId, Revision } from "@quorate/common";
import { afterEach, describe, expect, it } from "vitest";
import { type KeyRange, keyRangeFromWire, type Mvcc, type MvccError, type RangeQuery } from "../src/index.js";
import { parseRecord } from "../src/record.js";
import { buildPorts, bytes, mustOpen, nextEntry, realClock, removeScratch, text } from "./support/open.js";

afterEach(removeScratch);

const revision = (value: number): Revision => value as Revision;
const everything: KeyRange = { kind: "span", start: bytes("\0"), end: undefined };
const oneKey = (key: string): KeyRange => ({ kind: "key", key: bytes(key) });

function put(mvcc: Mvcc, key: string, value: string, lease?: bigint): Revision {
  const transaction = mvcc.begin(nextEntry(mvcc));
  transaction.put({ key: bytes(key), value: bytes(value), lease: lease as LeaseId | undefined });
  return transaction.commit().revision;
}

function remove(mvcc: Mvcc, range: KeyRange): number {
  const transaction = mvcc.begin(nextEntry(mvcc));
  const { deleted } = transaction.deleteRange(range, { wantPrevious: false });
  transaction.commit();
  return deleted;
}

/** `key=value create mod version lease` of each record. */
function show(records: readonly Uint8Array[]): string[] {
  return records.map((record) => {
    const parsed = parseRecord(record);
    const key = text(record.subarray(parsed.keyStart, parsed.keyEnd));
    const value = text(record.subarray(parsed.valueStart, parsed.valueEnd));
    const lease = parsed.lease === undefined ? "" : ` lease ${parsed.lease}`;
    return `${key}=${value} ${parsed.createRevision} ${parsed.modRevision} ${parsed.version}${lease}`;
  });
}

const read = (mvcc: Mvcc, query: Partial<RangeQuery> = {}): string[] =>
  show(mvcc.range({ range: everything, ...query }).records);

const faultOf = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return (error as MvccError).fault;
  }
  return undefined;
};

/** Every case runs with everything in the head, everything in the body, and with half and half. */
const placements = [
  { title: "in the head", settle: async () => {} },
  { title: "in the body", settle: (mvcc: Mvcc) => mvcc.flush() },
] as const;

describe.each(placements)("a store with its data $title", ({ settle }) => {
  it("starts at revision 1 and adds one for each transaction that changes something", async () => {
    const mvcc = mustOpen();
    expect(mvcc.revision).toBe(1);
    expect(read(mvcc, { revision: revision(1) })).toEqual([]);
    expect(put(mvcc, "a", "1")).toBe(2);
    await settle(mvcc);
    expect(put(mvcc, "a", "1")).toBe(3);
    expect(remove(mvcc, oneKey("zzz"))).toBe(0);
    expect(mvcc.revision).toBe(3);
    await mvcc.close();
  });

  it("counts create revision, mod revision and version, and begins anew after a deletion", async () => {
    const mvcc = mustOpen();
    put(mvcc, "a", "1");
    put(mvcc, "a", "2", -5n);
    await settle(mvcc);
    put(mvcc, "b", "", 9223372036854775807n);
    await settle(mvcc);
    expect(read(mvcc)).toEqual(["a=2 2 3 2 lease -5", "b= 4 4 1 lease 9223372036854775807"]);
    expect(remove(mvcc, oneKey("a"))).toBe(1);
    await settle(mvcc);
    expect(read(mvcc)).toEqual(["b= 4 4 1 lease 9223372036854775807"]);
    put(mvcc, "a", "3");
    await settle(mvcc);
    expect(read(mvcc, { range: oneKey("a") })).toEqual(["a=3 6 6 1"]);
    expect(read(mvcc, { range: oneKey("a"), revision: revision(4) })).toEqual(["a=2 2 3 2 lease -5"]);
    expect(read(mvcc, { range: oneKey("a"), revision: revision(5) })).toEqual([]);
    expect(read(mvcc, { revision: revision(3) })).toEqual(["a=2 2 3 2 lease -5"]);
    expect(read(mvcc, { revision: revision(2) })).toEqual(["a=1 2 2 1"]);
    expect([1, 2, 3, 4, 5, 6].map((at) => mvcc.count(everything, revision(at)))).toEqual([0, 1, 1, 2, 1, 2]);
    await mvcc.close();
  });

  it("reads key ranges as etcd writes them", async () => {
    const mvcc = mustOpen();
    for (const key of ["a", "b", "b\xff", "c", "\xff", "\xff\xff"]) put(mvcc, key, "");
    await settle(mvcc);
    const keys = (key: string, end: string): (string | undefined)[] =>
      mvcc
        .range({ range: keyRangeFromWire(bytes(key), bytes(end)) })
        .records.map((record) => text(record.subarray(parseRecord(record).keyStart, parseRecord(record).keyEnd)));
    expect(keys("b", "")).toEqual(["b"]);
    expect(keys("b", "c")).toEqual(["b", "b\xff"]);
    expect(keys("b", "\0")).toEqual(["b", "b\xff", "c", "\xff", "\xff\xff"]);
    expect(keys("\0", "\0")).toHaveLength(6);
    expect(keys("\xff", "\0")).toEqual(["\xff", "\xff\xff"]);
    expect(keys("c", "b")).toEqual([]);
    expect(keys("c", "c")).toEqual([]);
    expect(mvcc.count(keyRangeFromWire(bytes("b"), bytes("c")))).toBe(2);
    expect(mvcc.keyCount()).toBe(6);
    await mvcc.close();
  });

  it("cuts to the limit and counts the whole range", async () => {
    const mvcc = mustOpen();
    for (let i = 0; i < 10; i++) put(mvcc, `k${i}`, String(9 - i));
    await settle(mvcc);
    remove(mvcc, oneKey("k0"));
    const result = mvcc.range({ range: everything, limit: 3 });
    expect({ count: result.count, more: result.more, records: show(result.records) }).toEqual({
      count: 9,
      more: true,
      records: ["k1=8 3 3 1", "k2=7 4 4 1", "k3=6 5 5 1"],
    });
    expect(mvcc.range({ range: everything, limit: 9 }).more).toBe(false);
    expect(mvcc.range({ range: everything, countOnly: true })).toMatchObject({ count: 9, records: [], more: false });
    await mvcc.close();
  });

  it("limits before it sorts when the order is none, after it otherwise", async () => {
    const mvcc = mustOpen();
    for (let i = 0; i < 5; i++) put(mvcc, `k${i}`, String(9 - i));
    await settle(mvcc);
    const values = (order: "none" | "ascend" | "descend"): string[] =>
      read(mvcc, { limit: 2, sort: { order, target: "value" } }).map((line) => line.slice(0, 4));
    expect(values("none")).toEqual(["k2=7", "k1=8"]);
    expect(values("ascend")).toEqual(["k4=5", "k3=6"]);
    expect(values("descend")).toEqual(["k0=9", "k1=8"]);
    expect(read(mvcc, { limit: 1, sort: { order: "descend", target: "key" } })).toEqual(["k4=5 6 6 1"]);
    await mvcc.close();
  });

  it("filters by revisions and leaves values and leases out of keys-only answers", async () => {
    const mvcc = mustOpen();
    for (let i = 0; i < 4; i++) put(mvcc, `k${i}`, String(i), 7n);
    put(mvcc, "k0", "x", 7n);
    await settle(mvcc);
    expect(read(mvcc, { minMod: revision(4) })).toEqual([
      "k0=x 2 6 2 lease 7",
      "k2=2 4 4 1 lease 7",
      "k3=3 5 5 1 lease 7",
    ]);
    expect(read(mvcc, { maxMod: revision(3) })).toEqual(["k1=1 3 3 1 lease 7"]);
    expect(read(mvcc, { minCreate: revision(5) })).toEqual(["k3=3 5 5 1 lease 7"]);
    expect(read(mvcc, { maxCreate: revision(2) })).toEqual(["k0=x 2 6 2 lease 7"]);
    expect(mvcc.range({ range: everything, maxCreate: revision(2) }).count).toBe(4);
    expect(read(mvcc, { keysOnly: true, limit: 2 })).toEqual(["k0= 2 6 2", "k1= 3 3 1"]);
    expect(read(mvcc, { keysOnly: true, range: oneKey("k1") })).toEqual(["k1= 3 3 1"]);
    expect(read(mvcc, { keysOnly: true, limit: 1, sort: { order: "descend", target: "value" } })).toEqual([
      "k0= 2 6 2 lease 7",
    ]);
    expect(read(mvcc, { keysOnly: true, revision: revision(2) })).toEqual(["k0= 2 2 1"]);
    await mvcc.close();
  });

  it("refuses revisions of the future", async () => {
    const mvcc = mustOpen();
    put(mvcc, "a", "1");
    await settle(mvcc);
    expect(faultOf(() => read(mvcc, { revision: revision(3) }))).toEqual({
      code: "mvcc/future-revision",
      requested: 3,
      current: 2,
    });
    await mvcc.close();
  });

  it("reads a range piece by piece at one revision while it changes", async () => {
    const mvcc = mustOpen();
    for (let i = 0; i < 10; i++) put(mvcc, `k${i}`, String(i));
    await settle(mvcc);
    const cursor = mvcc.openRange({ range: everything });
    const seen: string[] = [];
    for (let i = 0; ; i++) {
      const chunk = cursor.next({ maxRecords: 3, maxBytes: 1000 });
      seen.push(...show(chunk.records));
      if (chunk.done) break;
      put(mvcc, `k${i}`, "changed");
      remove(mvcc, oneKey(`k${9 - i}`));
      put(mvcc, `k${i}x`, "new");
      await settle(mvcc);
    }
    cursor.close();
    expect(cursor.count).toBe(10);
    expect(seen).toEqual(Array.from({ length: 10 }, (_, i) => `k${i}=${i} ${i + 2} ${i + 2} 1`));
    await mvcc.close();
  });

  it("gives changes of whole revisions from a revision on", async () => {
    const mvcc = mustOpen();
    put(mvcc, "a", "1");
    put(mvcc, "b", "1");
    await settle(mvcc);
    const transaction = mvcc.begin(nextEntry(mvcc));
    transaction.deleteRange(everything, { wantPrevious: false });
    transaction.put({ key: bytes("a"), value: bytes("2"), lease: undefined });
    transaction.commit();
    await settle(mvcc);
    put(mvcc, "c", "1");
    const lines = (from: number, limits: { revisionsMax?: number; bytesMax?: number; range?: KeyRange } = {}) => {
      const batch = mvcc.history(revision(from), { revisionsMax: 100, bytesMax: 1e6, ...limits });
      const changes = batch.changes.map(
        (change) => `${change.revision}/${change.sub} ${change.kind} ${text(change.key)}`,
      );
      return { changes, next: batch.next };
    };
    const all = ["2/0 put a", "3/0 put b", "4/0 delete a", "4/1 delete b", "4/2 put a", "5/0 put c"];
    expect(lines(1)).toEqual({ changes: all, next: 6 });
    expect(lines(4, { revisionsMax: 1 })).toEqual({ changes: all.slice(2, 5), next: 5 });
    expect(lines(2, { bytesMax: 1 })).toEqual({ changes: all.slice(0, 1), next: 3 });
    expect(lines(2, { range: oneKey("b") })).toEqual({ changes: [all[1], all[3]], next: 6 });
    expect(lines(6)).toEqual({ changes: [], next: 6 });
    const [, , deletion] = mvcc.history(revision(2), { revisionsMax: 9, bytesMax: 1e6 }).changes;
    expect(Buffer.from(deletion?.record ?? []).toString("hex")).toBe("0a01611804");
    expect(show([deletion?.previous as Uint8Array])).toEqual(["a=1 2 2 1"]);
    await mvcc.close();
  });
});

describe("history", () => {
  it("stops after a bounded number of changes of other keys", async () => {
    const mvcc = mustOpen();
    for (let i = 0; i < 12_000; i++) put(mvcc, `other${i % 50}`, "");
    put(mvcc, "mine", "");
    await mvcc.flush();
    const limits = { revisionsMax: 10, bytesMax: 1000, range: oneKey("mine") };
    const first = mvcc.history(revision(2), limits);
    expect([first.changes.length, first.next]).toEqual([0, 10_002]);
    const second = mvcc.history(first.next, limits);
    expect([second.changes.length, second.next]).toEqual([1, 12_003]);
    await mvcc.close();
  });
});

describe("a transaction", () => {
  it("sees its own writes and shows nothing outside before the commit", async () => {
    const mvcc = mustOpen();
    put(mvcc, "a", "1");
    const transaction = mvcc.begin(nextEntry(mvcc));
    transaction.put({ key: bytes("a"), value: bytes("2"), lease: undefined });
    transaction.put({ key: bytes("b"), value: bytes("1"), lease: undefined });
    expect(show(transaction.range({ range: everything }).records)).toEqual(["a=2 2 3 2", "b=1 3 3 1"]);
    expect(transaction.range({ range: everything, revision: revision(2) }).count).toBe(1);
    expect(read(mvcc)).toEqual(["a=1 2 2 1"]);
    expect(mvcc.range({ range: everything, limit: 1 })).toMatchObject({ count: 1, more: false, revision: 2 });
    expect(mvcc.history(revision(3), { revisionsMax: 10, bytesMax: 100 }).changes).toEqual([]);
    transaction.commit();
    expect(read(mvcc)).toEqual(["a=2 2 3 2", "b=1 3 3 1"]);
    await mvcc.close();
  });

  it("leaves nothing behind when it is aborted", async () => {
    const mvcc = mustOpen();
    put(mvcc, "a", "1");
    const bytesBefore = mvcc.headBytes();
    const entry = nextEntry(mvcc);
    const transaction = mvcc.begin(entry);
    transaction.put({ key: bytes("a"), value: bytes("2"), lease: undefined });
    transaction.put({ key: bytes("new"), value: bytes("2"), lease: undefined });
    transaction.deleteRange(everything, { wantPrevious: false });
    transaction.setBucket("leases", "x", bytes("y"));
    transaction.abort();
    expect(mvcc.headBytes()).toBe(bytesBefore);
    expect(mvcc.bucket("leases").size).toBe(0);
    expect(mvcc.applied.index).toBe(entry.index - 1);
    expect(read(mvcc)).toEqual(["a=1 2 2 1"]);
    expect(mvcc.keyCount()).toBe(1);
    put(mvcc, "new", "3");
    await mvcc.flush();
    expect(read(mvcc)).toEqual(["a=1 2 2 1", "new=3 3 3 1"]);
    await mvcc.close();
  });

  it("creates a key anew when it is put after a deletion", async () => {
    const mvcc = mustOpen();
    put(mvcc, "b", "1");
    const transaction = mvcc.begin(nextEntry(mvcc));
    expect(transaction.deleteRange(keyRangeFromWire(bytes("a"), bytes("\0")), { wantPrevious: true }).deleted).toBe(1);
    expect(faultOf(() => transaction.put({ key: bytes("b"), value: "keep", lease: undefined }))).toEqual({
      code: "mvcc/key-not-found",
    });
    expect(transaction.put({ key: bytes("b"), value: bytes("2"), lease: undefined }).previous).toBeUndefined();
    const { changes, revision: at } = transaction.commit();
    expect(changes.map((change) => [change.kind, change.revision, change.sub])).toEqual([
      ["delete", 3, 0],
      ["put", 3, 1],
    ]);
    expect(at).toBe(3);
    await mvcc.flush();
    expect(read(mvcc)).toEqual(["b=2 3 3 1"]);
    expect(read(mvcc, { revision: revision(2) })).toEqual(["b=1 2 2 1"]);
    await mvcc.close();
  });

  it("keeps value and lease on request and reports what it replaced", async () => {
    const mvcc = mustOpen();
    put(mvcc, "a", "1", 3n);
    await mvcc.flush();
    const transaction = mvcc.begin(nextEntry(mvcc));
    const first = transaction.put({ key: bytes("a"), value: "keep", lease: undefined });
    expect(first.previousLease).toBe(3n);
    expect(show([first.previous as Uint8Array])).toEqual(["a=1 2 2 1 lease 3"]);
    const gone = transaction.deleteRange(oneKey("a"), { wantPrevious: true });
    expect(show(gone.previous)).toEqual(["a=1 2 3 2"]);
    transaction.abort();
    const second = mvcc.begin(nextEntry(mvcc));
    second.put({ key: bytes("a"), value: bytes("2"), lease: "keep" });
    second.commit();
    expect(read(mvcc)).toEqual(["a=2 2 3 2 lease 3"]);
    await mvcc.close();
  });

  it("makes several revisions on request", async () => {
    const mvcc = mustOpen();
    for (const key of ["a", "b", "c"]) put(mvcc, key, "");
    const transaction = mvcc.begin(nextEntry(mvcc));
    transaction.deleteRange(oneKey("a"), { wantPrevious: false });
    transaction.nextRevision();
    transaction.nextRevision();
    transaction.deleteRange(oneKey("b"), { wantPrevious: false });
    transaction.nextRevision();
    const { revision: at, changes } = transaction.commit();
    expect(at).toBe(6);
    expect(changes.map((change) => change.revision)).toEqual([5, 6]);
    await mvcc.close();
  });
});

describe("a store behind its thread", () => {
  it("flushes, syncs, and finds everything again", async () => {
    const ports = buildPorts({ clock: realClock });
    const mvcc = mustOpen({ storeThread: true }, ports);
    for (let i = 0; i < 2000; i++) put(mvcc, `k${i % 700}`, String(i));
    await mvcc.flush();
    expect(mvcc.flushed).toEqual(mvcc.applied);
    expect(mvcc.headBytes()).toBe(0);
    await mvcc.checkpoint();
    expect(mvcc.durable).toEqual(mvcc.applied);
    expect(mvcc.keyCount()).toBe(700);
    expect(read(mvcc, { range: oneKey("k5") })).toEqual(["k5=1405 7 1407 3"]);
    await mvcc.close();
  });
});
