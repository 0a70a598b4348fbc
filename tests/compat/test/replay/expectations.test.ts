import { describe, expect, it } from "vitest";
import { checkExpectations, listCases } from "../../src/index.js";
import { expectations, testdata } from "./expectations.js";

describe("pending.json and differences.md", () => {
  it("name recorded cases, each once and with a reason", () => {
    const names = [...listCases(testdata, "api"), ...listCases(testdata, "http")];
    expect(checkExpectations(expectations, names)).toEqual([]);
  });
});
