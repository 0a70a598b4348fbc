import { afterEach, describe, expect, it } from "vitest";
import type { Mvcc } from "../src/index.js";
import { mustOpen, removeScratch } from "./support/open.js";
import { compactFully, oneKey, put, remove, revision } from "./support/write.js";

afterEach(removeScratch);

/** (hash, compact revision, hashed revision); -1: never compacted. */
async function hash(mvcc: Mvcc, at = 0): Promise<[number, number, number]> {
  const result = await mvcc.hashKv(revision(at));
  return [result.hash, result.compactRevision ?? -1, result.hashRevision];
}

const open = (): Mvcc => mustOpen({ compactionSleepMs: 0, compactionBatchLimit: 10 });

/** storage.md 1.5: the keys of the long vectors. */
function keyOf(counter: number): string {
  if (counter % 142 === 30) return "zenek";
  if (counter % 71 === 30) return "xavery";
  return ["alice", "bob", "celine", "dominik", "eve", "frederica", "gorge"][counter % 7] as string;
}

function putCounters(mvcc: Mvcc, from: number, to: number): void {
  for (let i = from; i <= to; i++) put(mvcc, keyOf(i), String(i));
}

describe("hashKv", () => {
  it("equals etcd's on the small vector, stored hashes of compactions included", async () => {
    const mvcc = open();
    expect(await hash(mvcc)).toEqual([1084519789, -1, 1]);
    put(mvcc, "foo", "bar");
    expect(await hash(mvcc)).toEqual([3305255506, -1, 2]);
    put(mvcc, "foo", "baz");
    put(mvcc, "a", "1");
    remove(mvcc, oneKey("foo"));
    expect(await hash(mvcc)).toEqual([4155522675, -1, 5]);
    expect((await hash(mvcc, 3))[0]).toBe(2020292994);
    expect((await hash(mvcc, 4))[0]).toBe(3093655596);
    await compactFully(mvcc, 4);
    expect(await hash(mvcc)).toEqual([958482003, 4, 5]);
    expect(await hash(mvcc, 4)).toEqual([3093655596, -1, 4]);
    put(mvcc, "foo", "new");
    expect(await hash(mvcc)).toEqual([1996417222, 4, 6]);
    await compactFully(mvcc, 5);
    expect(await hash(mvcc)).toEqual([714250887, 5, 6]);
    expect(await hash(mvcc, 5)).toEqual([958482003, 4, 5]);
    await mvcc.close();
  });

  it("does not depend on how far physical compaction is", async () => {
    const mvcc = mustOpen({ compactionSleepMs: 1000, compactionBatchLimit: 1 });
    for (const value of ["1", "2", "3"]) for (const key of ["a", "b", "c"]) put(mvcc, key, value);
    remove(mvcc, oneKey("c"));
    const transaction = mvcc.begin({ index: (mvcc.applied.index + 1) as never, term: 1 as never });
    transaction.compact(revision(9));
    transaction.commit();
    const early = await hash(mvcc);
    expect(early[1]).toBe(9);
    await mvcc.close();
    const other = open();
    for (const value of ["1", "2", "3"]) for (const key of ["a", "b", "c"]) put(other, key, value);
    remove(other, oneKey("c"));
    await compactFully(other, 9);
    expect(await hash(other)).toEqual(early);
    await other.close();
  });

  it("equals etcd's on the long vector, with a compaction to the end of each round", async () => {
    const expected: [number, number, number][] = [
      [1913897190, -1, 73],
      [224860069, 73, 145],
      [1565167519, 145, 217],
      [1566261620, 217, 289],
      [2037173024, 289, 361],
      [691659396, 361, 433],
      [2713730748, 433, 505],
      [3919322507, 505, 577],
      [769967540, 577, 649],
      [2909194793, 649, 721],
      [1576921157, 721, 793],
      [4067701532, 793, 865],
      [2226384237, 865, 937],
      [2923408134, 937, 1009],
      [2680329256, 1009, 1081],
      [1546717673, 1081, 1153],
      [2713657846, 1153, 1225],
      [1046575299, 1225, 1297],
    ];
    const mvcc = open();
    const found: [number, number, number][] = [];
    let counter = 0;
    for (let round = 0; round < 18; round++) {
      putCounters(mvcc, counter, counter + 71);
      found.push(await hash(mvcc));
      await compactFully(mvcc, mvcc.revision);
      counter += 71;
    }
    expect(found).toEqual(expected);
    putCounters(mvcc, 1278, 2488);
    expect(await hash(mvcc)).toEqual([2017735779, 1297, 2508]);
    await mvcc.close();
  });

  it("equals etcd's on the long vector, with compactions in the middle", async () => {
    const mvcc = open();
    const found: [number, number, number][] = [];
    for (let counter = 0; counter < 1278; counter += 71) {
      putCounters(mvcc, counter, counter + 71);
      found.push(await hash(mvcc, counter + 35));
      await compactFully(mvcc, counter + 35);
    }
    putCounters(mvcc, 1278, 2488);
    found.push(await hash(mvcc, 1883));
    expect(found.slice(0, 5)).toEqual([
      [4082599214, -1, 35],
      [2279933401, 35, 106],
      [3284231217, 106, 177],
      [126286495, 177, 248],
      [900108730, 248, 319],
    ]);
    expect(found.slice(-2)).toEqual([
      [1122462288, 1171, 1242],
      [724436716, 1242, 1883],
    ]);
    await mvcc.close();
  });

  it("remembers the hashes of the last ten compactions", async () => {
    const mvcc = open();
    for (let i = 2; i <= 13; i++) {
      put(mvcc, "a", String(i));
      await compactFully(mvcc, i);
    }
    put(mvcc, "a", "end");
    expect((await hash(mvcc, 13))[1]).toBe(12);
    await expect(hash(mvcc, 3)).rejects.toMatchObject({ fault: { code: "mvcc/compacted" } });
    expect((await hash(mvcc, 4))[1]).toBe(3);
    await mvcc.close();
  });

  it("refuses revisions of the future and takes negative ones as empty", async () => {
    const mvcc = open();
    await expect(hash(mvcc, 2)).rejects.toMatchObject({ fault: { code: "mvcc/future-revision" } });
    expect(await hash(mvcc, -7)).toEqual([1084519789, -1, -7]);
    await mvcc.close();
  });
});

describe("hash", () => {
  it("covers keys and side tables but not the applied entry", async () => {
    const mvcc = open();
    const empty = await mvcc.hash();
    put(mvcc, "a", "1");
    const one = await mvcc.hash();
    mvcc.markApplied({ index: (mvcc.applied.index + 5) as never, term: 2 as never });
    expect(await mvcc.hash()).toBe(one);
    const transaction = mvcc.begin({ index: (mvcc.applied.index + 1) as never, term: 2 as never });
    transaction.setBucket("alarms", "x", new Uint8Array(1));
    transaction.commit();
    const withBucket = await mvcc.hash();
    expect(new Set([empty, one, withBucket]).size).toBe(3);
    await mvcc.close();
  });
});
