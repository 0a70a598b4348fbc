import Database from "better-sqlite3";
import { afterEach, describe, expect, it } from "vitest";
import { Fences, fenceKeysMax } from "../../src/body/fences.js";
import { type Mvcc, openMvcc } from "../../src/index.js";
import { keyLatin1Of } from "../../src/record.js";
import { buildPorts, bytes, mustOpen, nextEntry, removeScratch, scratchDirectory } from "../support/open.js";
import { everything, put, remove, revision } from "../support/write.js";

afterEach(removeScratch);

/** A small generator with a seed (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const keyOf = (n: number): string => `key/${String(n).padStart(6, "0")}`;
const spanOf = (from: string, to: string) => ({ kind: "span", start: bytes(from), end: bytes(to) }) as const;

/** Fences in the file: none too large, and each count is what a walk finds. */
function checkFile(path: string): number {
  const db = new Database(path, { readonly: true });
  const fences = db.prepare("SELECT first_key, count FROM fences ORDER BY first_key").raw().all() as [Buffer, number][];
  fences.forEach(([first, count], i) => {
    const next = fences[i + 1]?.[0];
    const where = next === undefined ? "key >= ?" : "key >= ? AND key < ?";
    const walked = db
      .prepare(`SELECT count(*) FROM latest WHERE ${where}`)
      .pluck()
      .get(...(next === undefined ? [first] : [first, next]));
    expect(count).toBe(walked);
    expect(count).toBeLessThanOrEqual(fenceKeysMax);
  });
  db.close();
  return fences.length;
}

function putMany(mvcc: Mvcc, keys: readonly string[]): void {
  const transaction = mvcc.begin(nextEntry(mvcc));
  for (const key of keys) transaction.put({ key: bytes(key), value: bytes("v"), lease: undefined });
  transaction.commit();
}

describe("Fences", () => {
  it("finds the stretch of a key and sums stretches", () => {
    const fences = new Fences([
      { key: "", count: 3 },
      { key: "b", count: 5 },
      { key: "d", count: 7 },
    ]);
    expect(["", "a", "b", "bb", "c\xff", "d", "z"].map((key) => fences.find(key))).toEqual([0, 0, 1, 1, 1, 2, 2]);
    expect([fences.sum(0, 3), fences.sum(1, 2), fences.sum(2, 2), fences.total]).toEqual([15, 5, 0, 15]);
    fences.apply({
      counts: Float64Array.of(1, 600),
      touched: Float64Array.of(1),
      splices: [
        {
          at: 1,
          remove: 1,
          insert: [
            { key: "b", count: 256 },
            { key: "c", count: 344 },
          ],
        },
      ],
    });
    expect([fences.length, fences.find("c"), fences.sum(0, 2), fences.total]).toEqual([4, 2, 259, 610]);
  });
});

describe("counting", () => {
  it("is exact while keys come and go at random, in head and body, now and earlier", async () => {
    const path = `${scratchDirectory()}/db`;
    let mvcc = mustOpen({ path });
    const next = random(7);
    const alive = new Set<string>();
    const past: { revision: number; keys: string[] }[] = [];
    for (let round = 0; round < 24; round++) {
      const shrinks = round % 10 > 6;
      const added = new Set(Array.from({ length: shrinks ? 1 : 200 }, () => keyOf(next(9000))));
      putMany(mvcc, [...added]);
      for (const key of added) alive.add(key);
      for (let i = 0; i < 3; i++) {
        const from = next(9000);
        const [start, end] = [keyOf(from), keyOf(from + (shrinks ? 2500 : 40))];
        remove(mvcc, spanOf(start, end));
        for (const key of alive) if (key >= start && key < end) alive.delete(key);
      }
      if (next(3) === 0) await mvcc.flush();
      if (round % 16 === 15) {
        await mvcc.close();
        mvcc = openMvcc({ path, storeThread: false }, buildPorts());
      }
      if (round % 8 === 3) past.push({ revision: mvcc.revision, keys: [...alive] });
      expect(mvcc.keyCount()).toBe(alive.size);
      for (let i = 0; i < 5; i++) {
        const [start, end] = [keyOf(next(9000)), keyOf(next(9000))];
        const expected = (keys: Iterable<string>): number =>
          [...keys].filter((key) => key >= start && key < end).length;
        expect(mvcc.count(spanOf(start, end))).toBe(expected(alive));
        const { records } = mvcc.range({ range: spanOf(start, end), limit: 700 });
        const sorted = [...alive].filter((key) => key >= start && key < end).sort();
        expect(records.map(keyLatin1Of)).toEqual(sorted.slice(0, 700));
        for (const { revision: at, keys } of past)
          expect(mvcc.count(spanOf(start, end), revision(at))).toBe(expected(keys));
      }
    }
    await mvcc.flush();
    checkFile(path);
    await mvcc.close();
  });

  it("cuts what one run fills, and joins what is emptied", async () => {
    const path = `${scratchDirectory()}/db`;
    const mvcc = mustOpen({ path });
    putMany(
      mvcc,
      Array.from({ length: 5000 }, (_, i) => keyOf(i)),
    );
    await mvcc.flush();
    expect(checkFile(path)).toBeGreaterThan(15);
    remove(mvcc, spanOf(keyOf(10), keyOf(4990)));
    put(mvcc, keyOf(20), "back");
    await mvcc.flush();
    expect(checkFile(path)).toBeLessThan(10);
    expect(mvcc.keyCount()).toBe(21);
    expect(mvcc.range({ range: everything, limit: 5 })).toMatchObject({ count: 21, more: true });
    await mvcc.close();
  });
});
