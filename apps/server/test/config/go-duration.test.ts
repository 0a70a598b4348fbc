import { describe, expect, it } from "vitest";
import { formatGoDuration, parseGoDuration } from "../../src/config/go-duration.js";

const hour = 3_600_000;

describe("parseGoDuration", () => {
  const good = {
    "300ms": 300,
    "1.5h": 1.5 * hour,
    "2h45m": 2.75 * hour,
    "-1s": -1000,
    "0": 0,
    "1us": 0.001,
    "5µs": 0.005,
    "+.5s": 500,
  };
  for (const [text, ms] of Object.entries(good)) {
    it(`reads ${text}`, () => {
      const parsed = parseGoDuration(text);
      expect(parsed.kind === "duration" ? parsed.ms : undefined).toBe(ms);
    });
  }

  const bad = {
    "": 'time: invalid duration ""',
    x: 'time: invalid duration "x"',
    "5": 'time: missing unit in duration "5"',
    "1.": 'time: missing unit in duration "1."',
    "5d": 'time: unknown unit "d" in duration "5d"',
    "9999999h": 'time: invalid duration "9999999h"',
  };
  for (const [text, reason] of Object.entries(bad)) {
    it(`refuses ${JSON.stringify(text)}`, () => expect(parseGoDuration(text)).toEqual({ kind: "invalid", reason }));
  }
});

describe("formatGoDuration", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0s"],
    [0.0000015, "2ns"],
    [0.0015, "1.5µs"],
    [1.5, "1.5ms"],
    [1500, "1.5s"],
    [60_000, "1m0s"],
    [2 * hour, "2h0m0s"],
    [-1000, "-1s"],
  ];
  for (const [ms, text] of cases) it(`writes ${ms} ms as ${text}`, () => expect(formatGoDuration(ms)).toBe(text));
});
