import { describe, expect, it } from "vitest";
import {
  formatDuration,
  parseBool,
  parseDuration,
  parseInt64,
  parseUint64,
  quoteBytes,
  quoteText,
} from "../../src/frame/go-values.js";

describe("parseInt64", () => {
  const good: [string, 10 | 16 | "any", bigint][] = [
    ["9223372036854775807", 10, 2n ** 63n - 1n],
    ["-9223372036854775808", 10, -(2n ** 63n)],
    ["+7", 10, 7n],
    ["694d81417acd4754", 16, 0x694d81417acd4754n],
    ["-1", 16, -1n],
    ["0x10", "any", 16n],
    ["010", "any", 8n],
    ["0b11", "any", 3n],
    ["1_000", "any", 1000n],
  ];
  for (const [text, base, value] of good) {
    it(`reads ${text} (${base})`, () => expect(parseInt64(text, base)).toBe(value));
  }

  const bad: [string, 10 | 16 | "any", string][] = [
    ["", 10, 'strconv.ParseInt: parsing "": invalid syntax'],
    ["-", 10, 'strconv.ParseInt: parsing "-": invalid syntax'],
    ["1_000", 10, 'strconv.ParseInt: parsing "1_000": invalid syntax'],
    ["0x10", 16, 'strconv.ParseInt: parsing "0x10": invalid syntax'],
    ["1e3", "any", 'strconv.ParseInt: parsing "1e3": invalid syntax'],
    ["9223372036854775808", 10, 'strconv.ParseInt: parsing "9223372036854775808": value out of range'],
    ["1__0", "any", 'strconv.ParseInt: parsing "1__0": invalid syntax'],
  ];
  for (const [text, base, message] of bad) {
    it(`refuses "${text}" (${base})`, () => expect(() => parseInt64(text, base)).toThrow(message));
  }
});

describe("parseUint64", () => {
  it("reads all of 64 bits, and no sign", () => {
    expect(parseUint64("ffffffffffffffff", 16)).toBe(2n ** 64n - 1n);
    expect(() => parseUint64("-1", 16)).toThrow('strconv.ParseUint: parsing "-1": invalid syntax');
  });
});

describe("parseBool", () => {
  it("knows Go's words only", () => {
    expect(["1", "t", "True"].map(parseBool)).toEqual([true, true, true]);
    expect(["0", "F", "false"].map(parseBool)).toEqual([false, false, false]);
    expect(() => parseBool("yes")).toThrow('strconv.ParseBool: parsing "yes": invalid syntax');
  });
});

describe("durations", () => {
  const durations: [string, number, string][] = [
    ["0", 0, "0s"],
    ["5s", 5_000, "5s"],
    ["1m30s", 90_000, "1m30s"],
    ["1.5h", 5_400_000, "1h30m0s"],
    ["300ms", 300, "300ms"],
    ["-1s", -1_000, "-1s"],
    ["1.5ms", 1.5, "1.5ms"],
    ["20us", 0.02, "20µs"],
    ["7ns", 7e-6, "7ns"],
    [".5s", 500, "500ms"],
  ];
  for (const [text, ms, shown] of durations) {
    it(`reads ${text} and writes ${shown}`, () => {
      expect(parseDuration(text)).toBeCloseTo(ms, 9);
      expect(formatDuration(ms)).toBe(shown);
    });
  }

  const bad: [string, string][] = [
    ["x", 'time: invalid duration "x"'],
    ["", 'time: invalid duration ""'],
    ["5", 'time: missing unit in duration "5"'],
    ["5d", 'time: unknown unit "d" in duration "5d"'],
    ["5s5", 'time: missing unit in duration "5s5"'],
  ];
  for (const [text, message] of bad) it(`refuses "${text}"`, () => expect(() => parseDuration(text)).toThrow(message));
});

describe("quotes", () => {
  it("escape what cannot be printed", () => {
    expect(quoteText('a"b\\c\n\t\u0000é\u200b日\u{1f600}\u{e0001}')).toBe(
      '"a\\"b\\\\c\\n\\t\\x00é\\u200b日\u{1f600}\\U000e0001"',
    );
  });

  it("show bytes that are not UTF-8 one by one", () => {
    expect(quoteBytes(Uint8Array.of(0x61, 0xff, 0xc3, 0xa9, 0xc3))).toBe('"a\\xffé\\xc3"');
  });
});
