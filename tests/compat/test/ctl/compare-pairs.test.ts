import { describe, expect, it } from "vitest";
import { comparePairs } from "../../src/ctl/equality/compare-pairs.js";
import { steps, titleOf } from "../../src/ctl/equality/steps.js";

const same = { exit: "0", stdout: "a\n", stderr: "" };
const pair = (title: string, ours: Partial<typeof same> = {}) => ({ title, theirs: same, ours: { ...same, ...ours } });
const known = { titles: ["x"], parts: ["stdout" as const], reason: "3.4 says it otherwise" };

describe("comparePairs", () => {
  it("counts equal pairs and tells what is not equal", () => {
    const result = comparePairs([pair("x"), pair("y", { exit: "1" })], []);
    expect(result).toMatchObject({ passed: 1, failures: [expect.stringContaining("y: exit")] });
  });

  it("lets known parts differ and no others", () => {
    expect(comparePairs([pair("x", { stdout: "b\n" })], [known])).toMatchObject({ passed: 1, failures: [] });
    expect(comparePairs([pair("x", { stdout: "b\n", exit: "1" })], [known]).failures).toHaveLength(1);
  });

  it("demands that a known difference is one, names a step and gives a reason", () => {
    expect(comparePairs([pair("x")], [known]).failures).toEqual([
      "x: stdout is equal now: take it off the differences",
    ]);
    expect(comparePairs([pair("y")], [known]).failures).toEqual(["x: no step has that name"]);
    expect(comparePairs([pair("x", { stdout: "b\n" })], [{ ...known, reason: " " }]).failures).toEqual([
      "x: needs a reason",
    ]);
  });
});

describe("the steps", () => {
  it("have names of their own", () => {
    const titles = steps.map(titleOf);
    expect(titles.filter((title, index) => titles.indexOf(title) !== index)).toEqual([]);
  });
});
