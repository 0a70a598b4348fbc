import { describe, expect, it } from "vitest";
import { matchBody, matchValue, substitute, type Variables } from "../../src/http/pattern.js";
import type { Json } from "../../src/json.js";

describe("matchValue", () => {
  const equal: [string, Json, Json][] = [
    ["anything", "{{any}}", { a: [1] }],
    ["a number", "{{num}}", 5],
    ["digits", "{{num}}", "5"],
    ["digits in a text", "took {{num}} ms", "took 15 ms"],
    ["any text", "a{{text}}z", "a\nz"],
    ["a text with signs of regular expressions", "a.b*(c) {{num}}", "a.b*(c) 1"],
    ["hex and base64", "{{hex}} {{b64}}", "0aff YQ=="],
    ["a list in any order", ["{{unordered}}", { a: 1 }, { a: 2 }], [{ a: 2 }, { a: 1 }]],
  ];
  for (const [title, expected, actual] of equal) {
    it(`accepts ${title}`, () => expect(() => matchValue(expected, actual, new Map())).not.toThrow());
  }

  const different: [string, Json, Json | undefined][] = [
    ["a number as text", 1, "1"],
    ["nothing instead of anything", "{{any}}", undefined],
    ["letters as digits", "{{num}}", "x"],
    ["an empty text", "{{ne}}", ""],
    ["a text with more around it", "a{{num}}", "a1b"],
    ["a dot that is another sign", "a.b{{num}}", "axb1"],
    ["a list of another length in any order", ["{{unordered}}", 1], [1, 1]],
    ["another list in any order", ["{{unordered}}", 1, 2], [1, 1]],
    ["an additional field", {}, { a: 1 }],
  ];
  for (const [title, expected, actual] of different) {
    it(`refuses ${title}`, () => expect(() => matchValue(expected, actual, new Map())).toThrow());
  }

  it("remembers names, also inside texts, and holds later values against them", () => {
    const variables: Variables = new Map();
    matchValue(
      { id: "{{member}}", text: "member {{hexadecimal}} is there" },
      { id: "12", text: "member c0 is there" },
      variables,
    );
    expect([variables.get("member"), variables.get("hexadecimal")]).toEqual(["12", "c0"]);
    expect(() => matchValue("{{member}}", "13", variables)).toThrow('{{member}} is "12", but is "13"');
    expect(() => matchValue("id {{member}}!", "id 13!", variables)).toThrow();
    expect(substitute("/members/{{member}}", variables)).toBe("/members/12");
    expect(() => substitute("{{other}}", variables)).toThrow("{{other}} has not been seen yet");
  });
});

describe("matchBody", () => {
  it("compares a string as text and anything else as JSON, digit by digit", () => {
    matchBody('{"a": 1}', '{"a": 1}', new Map());
    matchBody({ a: 9007199254740993n }, '{"a": 9007199254740993}', new Map());
    expect(() => matchBody({ a: 9007199254740993n }, '{"a": 9007199254740992}', new Map())).toThrow();
    expect(() => matchBody('{"a": 1}', '{"a":1}', new Map())).toThrow();
  });
});
