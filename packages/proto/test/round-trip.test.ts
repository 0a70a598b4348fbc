import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codecOf, KeyValue, messages, PutRequest, Writer } from "../src/index.js";
import { messageArbitrary } from "./message-arbitrary.js";

describe("every message", () => {
  it.each([...messages.keys()])("%s survives encode and decode", (name) => {
    const codec = codecOf(name);
    const writer = new Writer({ chunkBytes: 64 });
    fc.assert(
      fc.property(messageArbitrary(name), (message) => {
        const bytes = codec.encode(message);
        expect(codec.decode(bytes)).toStrictEqual(message);
        // The three ways to encode agree, also when the chunk has to grow in the middle of nested messages.
        expect(codec.encodePooled(message)).toEqual(bytes);
        writer.raw(Uint8Array.of(1, 2, 3));
        codec.write(message, writer);
        expect(writer.take().subarray(3)).toEqual(bytes);
      }),
      { numRuns: 60, seed: 3 },
    );
  });

  it.each([...messages.keys()])("%s without anything is no bytes, and the other way round", (name) => {
    const codec = codecOf(name);
    expect(codec.encode({})).toHaveLength(0);
    expect(codec.decode(new Uint8Array())).toStrictEqual(codec.create());
    expect(codec.encode(codec.create() as object)).toHaveLength(0);
  });

  it.each([...messages.keys()])("%s has its properties in one order, however it was made", (name) => {
    const codec = codecOf(name);
    const keys = Object.keys(codec.create() as object);
    fc.assert(
      fc.property(messageArbitrary(name), (message) => {
        expect(Object.keys(codec.decode(codec.encode(message)) as object)).toEqual(keys);
        expect(Object.keys(codec.create(message) as object)).toEqual(keys);
      }),
      { numRuns: 5, seed: 4 },
    );
  });
});

describe("64-bit integers", () => {
  const edges = [
    0n,
    1n,
    127n,
    128n,
    1023n,
    1024n,
    2n ** 28n,
    2n ** 31n,
    2n ** 32n - 1n,
    2n ** 32n,
    2n ** 35n,
    2n ** 53n - 1n,
  ];
  const int64s = [...edges, 2n ** 53n + 1n, 2n ** 62n, 2n ** 63n - 1n].flatMap((value) => [value, -value]);

  it.each([...int64s, -(2n ** 63n)])("%s is exact as int64", (value) => {
    expect(KeyValue.decode(KeyValue.encode({ lease: value })).lease).toBe(value);
  });

  it.each([...edges, 2n ** 63n, 2n ** 64n - 1n])("%s is exact as uint64", (value) => {
    const codec = codecOf("etcdserverpb.ResponseHeader");
    expect(codec.decode(codec.encode({ clusterId: value }))).toMatchObject({ clusterId: value });
  });

  it("every power of two and its neighbours", () => {
    for (let bit = 0n; bit < 63n; bit++) {
      for (const value of [2n ** bit - 1n, 2n ** bit, 2n ** bit + 1n, -(2n ** bit)]) {
        expect(PutRequest.decode(PutRequest.encode({ lease: value })).lease).toBe(value);
      }
    }
  });
});
