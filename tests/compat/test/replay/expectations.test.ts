import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { checkExpectations, listCases } from "../../src/index.js";
import { differencesPath, expectations, testdata } from "./expectations.js";

describe("differences.md", () => {
  it("has a line for each case of our own, and the other way round", () => {
    const named = [...readFileSync(differencesPath, "utf8").matchAll(/^- `(own\/[^`]+)`: /gm)].map(([, name]) => name);
    expect(named.sort()).toEqual(listCases(testdata, "own"));
  });
});

describe("pending.json and differences.md", () => {
  it("name recorded cases, each once and with a reason", () => {
    const names = [...listCases(testdata, "api"), ...listCases(testdata, "http"), ...listCases(testdata, "ctl")];
    expect(checkExpectations(expectations, names)).toEqual([]);
  });
});
