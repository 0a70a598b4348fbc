import { describe, expect, it } from "vitest";
import { between, bytes, everything, from, prefix, prefixed, text } from "../src/index.js";
import { prefixEnd, wireRange } from "../src/span.js";

const hex = (value: Uint8Array) => Buffer.from(value).toString("hex");

describe("prefixEnd", () => {
  for (const [start, end] of [
    ["61", "62"],
    ["61ff", "62"],
    ["ff", "00"],
    ["ffff", "00"],
    ["", "00"],
    ["6100", "6101"],
  ] as const) {
    it(`of ${start === "" ? "nothing" : start} is ${end}`, () => {
      const key = Buffer.from(start, "hex");
      expect(hex(prefixEnd(key))).toBe(end);
      expect(hex(key)).toBe(start);
    });
  }
});

describe("wireRange", () => {
  it("of a single key has no end", () => {
    expect(wireRange("a", text)).toEqual({ key: text.encode("a"), rangeEnd: new Uint8Array(0) });
  });

  it("of the empty prefix is every key", () => {
    const range = wireRange(prefix(""), text);
    expect([hex(range.key), hex(range.rangeEnd)]).toEqual(["00", "00"]);
  });

  it("of the empty prefix in a prefixed codec stays below that prefix", () => {
    const range = wireRange(prefix(""), prefixed("a/", text));
    expect([hex(range.key), hex(range.rangeEnd)]).toEqual(["612f", "6130"]);
  });

  it("leaves the prefix of a codec for everything", () => {
    const range = wireRange(everything, prefixed("a/", text));
    expect([hex(range.key), hex(range.rangeEnd)]).toEqual(["00", "00"]);
  });

  it("of two keys ends before the second, and from a key on never", () => {
    expect(wireRange(between("a", "c"), text)).toEqual({ key: text.encode("a"), rangeEnd: text.encode("c") });
    expect(hex(wireRange(from(new Uint8Array([1])), bytes).rangeEnd)).toBe("00");
  });
});
