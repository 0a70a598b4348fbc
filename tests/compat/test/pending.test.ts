import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { checkPendingList, judgeCase, listCases } from "../src/index.js";

const pass = async () => {};
const fail = async () => {
  throw new Error("not equal");
};

describe("judgeCase", () => {
  it("lets a case pass that is not listed", async () => {
    expect(await judgeCase("api/a", {}, pass)).toBe("passed");
  });

  it("hands on the failure of a case that is not listed", async () => {
    await expect(judgeCase("api/a", {}, fail)).rejects.toThrow("not equal");
  });

  it("takes the failure of a listed case", async () => {
    expect(await judgeCase("api/a", { "api/a": "later" }, fail)).toBe("pending");
  });

  it("wants a listed case that passes taken off the list", async () => {
    await expect(judgeCase("api/a", { "api/a": "later" }, pass)).rejects.toThrow(
      "api/a passes: remove it from the list",
    );
  });
});

describe("checkPendingList", () => {
  it("reports names of no case and empty reasons", () => {
    const list = { "api/a": "needs members that come and go", "api/b": " ", "api/c": "needs members that come and go" };
    expect(checkPendingList(list, ["api/a", "api/b"])).toEqual([
      "api/b: needs a reason",
      "api/c: there is no such case",
    ]);
  });
});

describe("listCases", () => {
  it("finds every recorded case", () => {
    const testdata = fileURLToPath(new URL("../testdata", import.meta.url));
    expect(listCases(testdata, "api")).toHaveLength(156);
    expect(listCases(testdata, "http")).toHaveLength(89);
    expect(listCases(testdata, "http")).toContain("http/ws-watch");
    expect(listCases(testdata, "api")).toContain("api/random/seq_00");
  });
});
