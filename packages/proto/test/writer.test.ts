import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Event, PutRequest, RangeResponse, WatchResponse, Writer } from "../src/index.js";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const written = (run: (writer: Writer) => void): number[] => {
  const writer = new Writer({ chunkBytes: 1 });
  run(writer);
  return [...writer.finish()];
};

describe("varints", () => {
  it("take as few bytes as they can", () => {
    expect(written((writer) => writer.uint32(0))).toEqual([0]);
    expect(written((writer) => writer.uint32(300))).toEqual([0xac, 2]);
    expect(written((writer) => writer.uint32(2 ** 32 - 1))).toEqual([255, 255, 255, 255, 15]);
    expect(written((writer) => writer.int64(2n ** 63n))).toEqual([...Array(9).fill(128), 1]);
    expect(written((writer) => writer.int32(-1))).toEqual([...Array(9).fill(255), 1]);
  });

  it("of counters and of bigints are the same bytes", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(written((writer) => writer.counter(value))).toEqual(written((writer) => writer.int64(BigInt(value))));
      }),
      { seed: 1 },
    );
  });

  it("of a tag have the field number above the wire type", () => {
    expect(written((writer) => writer.tag(1, 2))).toEqual([10]);
    expect(written((writer) => writer.tag(20000, 2))).toEqual([0x82, 0xe2, 9]);
    expect(written((writer) => writer.tag(2 ** 29 - 1, 5))).toEqual([0xfd, 0xff, 0xff, 0xff, 15]);
  });
});

describe("begin and end", () => {
  it.each([0, 1, 127, 128, 16_383, 16_384, 2_097_152])(
    "give %d bytes the right length, whatever was guessed",
    (length) => {
      const content = new Uint8Array(length).fill(7);
      const expected = new Writer();
      expected.tag(1, 2);
      expected.bytes(content);
      for (let guess = 1; guess <= 5; guess++) {
        const writer = new Writer({ chunkBytes: 16 });
        const mark = writer.begin(1, guess);
        writer.raw(content);
        const size = writer.end(mark);
        expect(Buffer.compare(writer.finish(), expected.finish())).toBe(0);
        expect(size).toBe(expected.length - length - 1);
      }
    },
  );

  it("lie inside each other", () => {
    const writer = new Writer({ chunkBytes: 4 });
    const outer = writer.begin(2);
    const inner = writer.begin(1, 2);
    writer.raw(new Uint8Array(200));
    writer.end(inner);
    writer.bool(true);
    writer.end(outer);
    const bytes = writer.finish();
    expect([...bytes.subarray(0, 6)]).toEqual([18, 0xcc, 1, 10, 0xc8, 1]);
    expect(bytes.at(-1)).toBe(1);
  });

  it("frame what was encoded before without decoding it", () => {
    const events = [Event.create({ type: 1 }), Event.create({ type: 0 })].map((one) => Event.encode(one));
    const writer = new Writer();
    WatchResponse.write({ watchId: 4n }, writer);
    for (const one of events) {
      writer.tag(11, 2);
      writer.bytes(one);
    }
    expect(WatchResponse.decode(writer.finish())).toEqual(
      WatchResponse.create({ watchId: 4n, events: [Event.create({ type: 1 }), Event.create()] }),
    );
  });
});

describe("strings", () => {
  it.each(["", "x".repeat(32), "x".repeat(33), "ä".repeat(16), "ä".repeat(64), "€".repeat(43), "🔑".repeat(9000)])(
    "%# is its UTF-8 with the length in front",
    (value) => {
      expect(written((writer) => writer.string(value))).toEqual(written((writer) => writer.bytes(text(value))));
    },
  );

  it("make half of a surrogate pair U+FFFD", () => {
    expect(written((writer) => writer.string("a\ud800"))).toEqual([4, 97, 0xef, 0xbf, 0xbd]);
  });
});

describe("finish, take and reset", () => {
  it("finish copies and keeps, reset forgets", () => {
    const writer = new Writer();
    writer.raw(text("one"));
    const first = writer.finish();
    expect(first.buffer.byteLength).toBe(3);
    writer.raw(text("two"));
    expect(writer.finish()).toEqual(text("onetwo"));
    writer.reset();
    expect(writer.length).toBe(0);
    writer.raw(text("three"));
    expect(writer.finish()).toEqual(text("three"));
    expect(first).toEqual(text("one"));
  });

  it("take hands out views that later messages do not touch, also when the chunk is full", () => {
    const writer = new Writer({ chunkBytes: 100 });
    const taken = Array.from({ length: 50 }, (_, index) => {
      PutRequest.write({ key: text(`key ${index}`), value: new Uint8Array(index).fill(index) }, writer);
      return writer.take();
    });
    for (const [index, bytes] of taken.entries()) {
      expect(PutRequest.decode(bytes)).toMatchObject({
        key: text(`key ${index}`),
        value: new Uint8Array(index).fill(index),
      });
    }
    expect(new Set(taken.map((bytes) => bytes.buffer)).size).toBeLessThan(40);
  });

  it("a length may grow where the chunk ends, behind what was taken", () => {
    for (let before = 1; before < 320; before++) {
      const writer = new Writer({ chunkBytes: 512 });
      writer.raw(new Uint8Array(before).fill(1));
      const taken = writer.take();
      const mark = writer.begin(1, 1);
      writer.raw(new Uint8Array(200).fill(2));
      writer.end(mark);
      expect([...writer.finish()]).toEqual([10, 200, 1, ...Array(200).fill(2)]);
      expect(taken.every((byte) => byte === 1)).toBe(true);
    }
  });

  it("take and reset mix", () => {
    const writer = new Writer({ chunkBytes: 8 });
    writer.raw(text("kept"));
    const kept = writer.take();
    writer.raw(text("lost and longer than the chunk"));
    writer.reset();
    writer.raw(text("next"));
    expect(writer.take()).toEqual(text("next"));
    expect(kept).toEqual(text("kept"));
  });

  it("is not disturbed by a message that throws half way", () => {
    const broken = {
      get value(): Uint8Array {
        throw new Error("no value");
      },
      key: text("key"),
    };
    expect(() => PutRequest.encode(broken)).toThrow("no value");
    expect(() => PutRequest.encodePooled(broken)).toThrow("no value");
    expect([...PutRequest.encode({ lease: 1n })]).toEqual([24, 1]);
    expect([...PutRequest.encodePooled({ lease: 1n })]).toEqual([24, 1]);
  });

  it("is not disturbed by an encode within an encode", () => {
    const outer = {
      key: text("outer"),
      get value(): Uint8Array {
        return PutRequest.encodePooled({ key: PutRequest.encode({ key: text("inner") }) });
      },
    };
    const value = PutRequest.decode(PutRequest.encode(outer)).value;
    expect(PutRequest.decode(PutRequest.decode(value).key).key).toEqual(text("inner"));
    expect(PutRequest.encodePooled(outer)).toEqual(PutRequest.encode(outer));
  });

  it("a message of several megabytes is encoded, and its chunk is not kept", () => {
    const kvs = [
      {
        key: text("k"),
        value: new Uint8Array(3_000_000).fill(1),
        createRevision: 1n,
        modRevision: 1n,
        version: 1n,
        lease: 0n,
      },
    ];
    const bytes = RangeResponse.encode({ kvs });
    expect(RangeResponse.decode(bytes).kvs[0]?.value).toHaveLength(3_000_000);
    expect(Buffer.compare(RangeResponse.encodePooled({ kvs }), bytes)).toBe(0);
    expect(RangeResponse.encodePooled({ count: 1n }).buffer.byteLength).toBeLessThan(100_000);
  });
});
