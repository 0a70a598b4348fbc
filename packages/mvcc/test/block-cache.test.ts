import type { Revision } from "@quorate/common";
import { describe, expect, it } from "vitest";
import { Block } from "../src/block.js";
import { BlockCache } from "../src/block-cache.js";
import { Fences } from "../src/body/fences.js";
import type { BodyReader } from "../src/body/reader.js";
import type { TextSpan } from "../src/key-range.js";
import { encodeRecord, keyLatin1Of } from "../src/record.js";
import { Slab } from "../src/slab.js";
import { bytes } from "./support/open.js";

const slab = new Slab();
const numbers = { createRevision: 2 as Revision, modRevision: 300 as Revision, version: 200, lease: undefined };
const recordOf = (key: string, value: string): Uint8Array => encodeRecord(slab, bytes(key), bytes(value), numbers);

/** Ten fences of 100 keys with values of 100 bytes: about 12 kB a fence. */
function build(bytesMax: number) {
  const fences = new Fences(Array.from({ length: 10 }, (_, i) => ({ key: i === 0 ? "" : `k${i}`, count: 100 })));
  const loads: string[] = [];
  const latestBytes = (span: TextSpan): Uint8Array => {
    loads.push(span.start);
    return Buffer.concat(
      Array.from({ length: 100 }, (_, i) =>
        recordOf(`${span.start || "k0"}/${String(i).padStart(2, "0")}`, "v".repeat(100)),
      ),
    );
  };
  return { cache: new BlockCache(fences, { latestBytes } as unknown as BodyReader, bytesMax), loads };
}

const edits = (touched: number[]) => ({
  counts: new Float64Array(0),
  splices: [],
  touched: Float64Array.from(touched),
});

describe("Block", () => {
  it("finds keys and cuts records, long and odd ones included", () => {
    const keys = ["\n", "\n\n", "a", `b${"long".repeat(50)}`, "c\xff", "\xff"];
    const values = ["", "\n\n\n", "x".repeat(300), "\n", "\x0a\x01a", "z"];
    const block = new Block(Buffer.concat(keys.map((key, i) => recordOf(key, values[i] as string))));
    expect(block.records(0, 99).map(keyLatin1Of)).toEqual(keys);
    keys.forEach((key, i) => {
      expect(block.lowerBound(key)).toBe(i);
      expect(Buffer.from(block.find(key) ?? []).equals(recordOf(key, values[i] as string))).toBe(true);
    });
    expect(["", "b", "d", "\xff\0"].map((key) => [block.lowerBound(key), block.find(key)])).toEqual([
      [0, undefined],
      [3, undefined],
      [5, undefined],
      [6, undefined],
    ]);
  });
});

describe("BlockCache", () => {
  it("loads a block when reads in part have cost as much, and keeps it", () => {
    const { cache, loads } = build(1e6);
    for (let i = 0; i < 99; i++) expect(cache.forPart(3, 1)).toBeUndefined();
    expect(cache.forPart(3, 1)?.length).toBe(100);
    expect(cache.forPart(3, 1)?.find("k3/42")).toBeDefined();
    expect(cache.forPart(4, 60)).toBeUndefined();
    expect(cache.forPart(4, 60)?.length).toBe(100);
    expect(loads).toEqual(["k3", "k4"]);
  });

  it("loads a fence that is read as a whole at once", () => {
    const { cache, loads } = build(1e6);
    expect(cache.forWhole(0)?.length).toBe(100);
    expect(cache.forPart(0, 1)?.length).toBe(100);
    expect(loads).toEqual([""]);
  });

  it("forgets what a flush has written into", () => {
    const { cache, loads } = build(1e6);
    for (const place of [1, 2, 3]) cache.forWhole(place);
    cache.apply(edits([2]));
    expect([cache.forPart(1, 1), cache.forPart(2, 1), cache.forPart(3, 1)].map((block) => block !== undefined)).toEqual(
      [true, false, true],
    );
    const splice = {
      at: 1,
      remove: 1,
      insert: [
        { key: "k1", count: 50 },
        { key: "k1/50", count: 50 },
      ],
    };
    cache.apply({ ...edits([1]), splices: [splice] });
    expect([0, 1, 2, 3, 4, 5].map((place) => cache.forPart(place, 1) !== undefined)).toEqual([
      false,
      false,
      false,
      false,
      true,
      false,
    ]);
    expect(loads).toEqual(["k1", "k2", "k3"]);
  });

  it("stays within its bytes and lets go what is read least", () => {
    const { cache, loads } = build(60_000);
    for (let i = 0; i < 500; i++) cache.forPart(7, 1);
    for (let round = 0; round < 3; round++) for (let place = 0; place < 7; place++) cache.forWhole(place);
    expect(cache.bytes).toBeLessThanOrEqual(60_000);
    expect(cache.bytes).toBeGreaterThan(30_000);
    expect(loads.filter((start) => start === "k7")).toHaveLength(1);
    expect(loads.length).toBeGreaterThan(10);
  });

  it("keeps nothing when it may not", () => {
    const { cache, loads } = build(0);
    expect(cache.forWhole(1)).toBeUndefined();
    expect(loads).toEqual([]);
  });
});
