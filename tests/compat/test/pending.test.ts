import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { checkExpectations, judgeCase, listCases, readDifferences } from "../src/index.js";

const pass = async () => {};
const fail = async () => {
  throw new Error("not equal");
};
const lists = { pending: { "api/a": "members come and go later" }, different: { "api/b": "chosen to be so" } };

describe("judgeCase", () => {
  it("lets a case pass that is not listed", async () => {
    expect(await judgeCase("api/x", lists, pass)).toBe("equal");
  });

  it("hands on the failure of a case that is not listed", async () => {
    await expect(judgeCase("api/x", lists, fail)).rejects.toThrow("not equal");
  });

  it("takes the failure of a listed case", async () => {
    expect(await judgeCase("api/a", lists, fail)).toBe("pending");
    expect(await judgeCase("api/b", lists, fail)).toBe("different");
  });

  it("wants a listed case that passes taken off the list", async () => {
    await expect(judgeCase("api/a", lists, pass)).rejects.toThrow(
      "api/a is equal now: remove it from the pending cases",
    );
    await expect(judgeCase("api/b", lists, pass)).rejects.toThrow(
      "api/b is equal now: remove it from the different cases",
    );
  });
});

describe("checkExpectations", () => {
  it("reports names of no case, empty reasons, and names on both lists", () => {
    const reason = "needs members that come and go";
    const bad = {
      pending: { "api/a": reason, "api/b": " ", "api/c": reason, "api/d": reason },
      different: { "api/d": reason },
    };
    expect(checkExpectations(bad, ["api/a", "api/b", "api/d"])).toEqual([
      "api/b: needs a reason",
      "api/c: there is no such case",
      "api/d: is on both lists",
      "api/d: is on both lists",
    ]);
  });
});

describe("readDifferences", () => {
  it("reads the lines that name a recorded case", () => {
    const text =
      "# x\n- `http/pprof-on`: other profiles\n- Lease checkpoints: on\n- `own/a`: ours\n  `api/b`: not at the start\n- `api/c/d`: chosen\n";
    expect(readDifferences(text)).toEqual({ "http/pprof-on": "other profiles", "api/c/d": "chosen" });
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
