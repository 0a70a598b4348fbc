import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { etcdWords, LeaseNames, printAnswers, type ScriptStep } from "../../src/clients/answers.js";
import { checkDifferences, compareAnswers } from "../../src/clients/compare.js";
import type { Json } from "../../src/json.js";

const steps: ScriptStep[] = [
  { title: "put", op: "put", key: "a" },
  { title: "get", op: "get", key: "a" },
];
const compare = (etcd: Json[], ours: Json[], differences: Parameters<typeof compareAnswers>[3] = []) =>
  compareAnswers("go", steps, { etcd, ours }, differences);

describe("compareAnswers", () => {
  it("counts equal answers, whatever the order of their fields", () => {
    expect(compare([{ a: 1, b: { c: 2, d: 3 } }, []], [{ b: { d: 3, c: 2 }, a: 1 }, []])).toEqual({
      passed: 2,
      skipped: [],
      failures: [],
    });
  });

  it("shows an answer that differs", () => {
    const { passed, failures } = compare([{ a: 1 }, { a: [1, 2] }], [{ a: 1 }, { a: [2, 1] }]);
    expect(passed).toBe(1);
    expect(failures).toEqual(['go: get:\n    wanted {"a":[1,2]}\n    is     {"a":[2,1]}']);
  });

  it("fails when answers are missing", () => {
    expect(compare([{}, {}], [{}]).failures).toEqual(["go: 1 answers from ours to 2 steps"]);
    expect(compare([], []).failures).toHaveLength(2);
  });

  it("counts what a client cannot ask for apart", () => {
    expect(compare([{ skipped: "no limit" }, {}], [{ skipped: "no limit" }, {}])).toEqual({
      passed: 1,
      skipped: ["go: put: no limit"],
      failures: [],
    });
  });

  it("wants etcd 3.7's answer where it is listed, from the clients it is listed for", () => {
    const difference = { title: "get", answer: { a: 37 }, reason: "3.7 counts otherwise" };
    expect(compare([{}, { a: 34 }], [{}, { a: 37 }], [difference]).passed).toBe(2);
    expect(compare([{}, { a: 34 }], [{}, { a: 34 }], [difference]).passed).toBe(1);
    expect(compare([{}, { a: 34 }], [{}, { a: 34 }], [{ ...difference, clients: ["python"] }]).passed).toBe(2);
  });
});

describe("script.json and differences.json", () => {
  const read = (name: string) => JSON.parse(readFileSync(new URL(`../../clients/${name}`, import.meta.url), "utf8"));

  it("have a title of its own for each step, and differences that name one", () => {
    const script = read("script.json") as ScriptStep[];
    expect(new Set(script.map(({ title }) => title)).size).toBe(script.length);
    expect(checkDifferences(script, read("differences.json"))).toEqual([]);
    expect(checkDifferences(script, [{ title: "nope", answer: 1, reason: "x" }])).toEqual([
      "nope: no step of the script is called that",
    ]);
  });
});

describe("etcdWords", () => {
  for (const text of [
    "etcdserver: requested lease not found",
    "5 NOT_FOUND: etcdserver: requested lease not found",
    '{"level":"warn","error":"rpc error: desc = etcdserver: requested lease not found"}',
    "failed to revoke lease (etcdserver: requested lease not found)\n",
  ]) {
    it(`finds them in ${text.trim()}`, () =>
      expect(etcdWords(text)).toEqual({ error: "etcdserver: requested lease not found" }));
  }
});

describe("printAnswers", () => {
  it("goes on after an error", async () => {
    const printed: Json[] = [];
    const run = async ({ op }: ScriptStep) => {
      if (op === "put") throw new Error("etcdserver: no");
      return { ok: true };
    };
    await printAnswers(steps, run, (answer) => printed.push(answer));
    expect(printed).toEqual([{ error: "etcdserver: no" }, { ok: true }]);
  });
});

describe("LeaseNames", () => {
  it("shows names instead of ids", () => {
    const names = new LeaseNames();
    names.add("long", "7587870152021180417");
    expect([
      names.nameOf("7587870152021180417"),
      names.nameOf("0"),
      names.nameOf("5"),
      names.idOf("long"),
      names.idOf(4711),
    ]).toEqual(["long", "", "(unknown)", "7587870152021180417", "4711"]);
    expect(() => names.idOf("short")).toThrow("no lease short");
  });
});
