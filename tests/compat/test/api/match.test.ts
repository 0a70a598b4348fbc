import { describe, expect, it } from "vitest";
import { fillIn, fillInText, matchAnswer, type Remembered } from "../../src/api/match.js";
import type { Json } from "../../src/json.js";

const match = (expected: Json, actual: Json, unordered: string[] = [], remembered: Remembered = new Map()) => {
  matchAnswer(expected, actual, remembered, unordered);
  return remembered;
};

describe("matchAnswer", () => {
  const equal: [string, Json, Json, string[]?][] = [
    ["equal objects", { a: 1, b: [true, "x"] }, { b: [true, "x"], a: 1 }],
    ["any value", { a: "$any" }, { a: { b: 1 } }],
    ["a value that may be absent, and is", { a: "$maybe" }, {}],
    ["a value that may be absent, and is not", { a: "$maybe" }, { a: 1 }],
    ["a number at both ends of a range", ["$between:3:5", "$between:3:5"], [3, 5]],
    ["a large number within a range", "$between:1:9223372036854775807", "9223372036854775806"],
    ["a name twice with one value", ["$lease", "$lease"], ["77", "77"]],
    ["two forms of the same bytes", { value: "rep:x:4" }, { value: "xxxx" }],
    ["a list in any order", { keys: ["b", "a"] }, { keys: ["a", "b"] }, ["keys"]],
    [
      "a list in any order with names that come later",
      { keys: [{ id: "$one" }], id: "$one" },
      { keys: [{ id: 4 }], id: 4 },
      ["keys"],
    ],
    ["a list deep inside in any order", { a: { keys: [1, 2] } }, { a: { keys: [2, 1] } }, ["a.keys"]],
  ];
  for (const [title, expected, actual, unordered] of equal) {
    it(`accepts ${title}`, () => expect(() => match(expected, actual, unordered)).not.toThrow());
  }

  const different: [string, Json, Json, string, string[]?][] = [
    ["another value", { a: { b: 1 } }, { a: { b: 2 } }, "a.b: wanted 1, is 2"],
    ["a missing field", { a: 1 }, {}, "a: wanted 1, is nothing"],
    ["an additional field", {}, { a: 0 }, "a: not wanted, but is 0"],
    ["a missing field of any value", { a: "$any" }, {}, "a: wanted"],
    ["a number as text", { a: 1 }, { a: "1" }, 'a: wanted 1, is "1"'],
    ["a number below its range", "$between:3:5", 2, "wanted"],
    ["a number above its range", "$between:3:5", 6, "wanted"],
    ["a text instead of a range", "$between:3:5", "x", "wanted"],
    ["a name with two values", ["$lease", "$lease"], [7, 8], "[1]: $lease is 7, but is 8"],
    ["another order", ["a", "b"], ["b", "a"], "[0]: wanted"],
    ["a longer list", ["a"], ["a", "b"], "wanted"],
    [
      "another multiset",
      { keys: ["a", "a", "b"] },
      { keys: ["a", "b", "b"] },
      "keys (in any order): nothing equals",
      ["keys"],
    ],
    ["an object instead of a list", [], {}, "wanted"],
  ];
  for (const [title, expected, actual, message, unordered] of different) {
    it(`refuses ${title}`, () => expect(() => match(expected, actual, unordered)).toThrow(message));
  }

  it("remembers names across answers", () => {
    const remembered = match({ ID: "$lease" }, { ID: 12 });
    expect(() => match({ ID: "$lease" }, { ID: 13 }, [], remembered)).toThrow("$lease is 12, but is 13");
  });
});

describe("fillIn", () => {
  const remembered: Remembered = new Map<string, Json>([
    ["lease", "7587870152021180417"],
    ["token", "abc.1"],
  ]);

  it("replaces names at any depth", () => {
    expect(fillIn({ a: [{ ID: "$lease" }], b: 1 }, remembered)).toEqual({ a: [{ ID: "7587870152021180417" }], b: 1 });
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how the cases write it
    expect(fillInText("Bearer ${token}", remembered)).toBe("Bearer abc.1");
  });

  it("refuses a name that nothing has told yet", () => {
    expect(() => fillIn("$other", remembered)).toThrow("$other has not been seen yet");
  });
});
