import { describe, expect, it } from "vitest";
import { AssertionError, assert, CodedError, compareBytes, describeFault, equalBytes } from "../src/index.js";

describe("compareBytes", () => {
  const cases: [string, string, number][] = [
    ["", "", 0],
    ["a", "b", -1],
    ["a", "aa", -1],
    ["\u00ff", "a", 1],
  ];
  for (const [a, b, sign] of cases) {
    it(`orders ${JSON.stringify(a)} and ${JSON.stringify(b)} as ${sign}`, () => {
      expect(Math.sign(compareBytes(Buffer.from(a, "latin1"), Buffer.from(b, "latin1")))).toBe(sign);
      expect(equalBytes(Buffer.from(a, "latin1"), Buffer.from(b, "latin1"))).toBe(sign === 0);
    });
  }
});

describe("assert", () => {
  it("names the invariant that does not hold", () => {
    expect(() => assert(false, "commit never goes back")).toThrow(AssertionError);
    expect(() => assert(false, "commit never goes back")).toThrow("broken invariant: commit never goes back");
  });
});

describe("CodedError", () => {
  it("carries its fault, and says code and fields but no bytes", () => {
    const fault = { code: "test/fault", revision: 7, key: new Uint8Array(3), absent: undefined };
    const error = new CodedError(fault);
    expect(error.fault).toBe(fault);
    expect(error.message).toBe("test/fault revision=7 key=<3 bytes>");
    expect(describeFault({ code: "x" })).toBe("x");
  });
});
