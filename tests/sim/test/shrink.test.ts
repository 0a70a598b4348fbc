import { describe, expect, it } from "vitest";
import { makePlan, type Plan, type RunResult, shrink } from "../src/index.js";

/** A run that fails when a pause comes before a crash. */
async function run(plan: Plan): Promise<RunResult> {
  const kinds = plan.steps.map(({ action }) => action.kind);
  const first = kinds.indexOf("pause");
  const isFailing = first >= 0 && kinds.indexOf("crash", first) >= 0;
  const failure = isFailing ? { rule: "a pause before a crash", text: "", atMs: 20_000 } : undefined;
  return { plan, traceHash: "", counts: {} as RunResult["counts"], failure };
}

async function failing(): Promise<RunResult> {
  for (let seed = 1; ; seed++) {
    const result = await run(makePlan(seed));
    if (result.failure !== undefined) return result;
  }
}

describe("shrink", () => {
  it("leaves what is needed for the failure, in its order", async () => {
    const failed = await failing();
    expect(failed.plan.steps.length).toBeGreaterThan(20);
    const shortest = await shrink(failed, run, { triesMax: 2000 });
    expect(shortest.plan.steps.map(({ action }) => action.kind)).toEqual(["pause", "crash"]);
    expect(shortest.plan.setting).toEqual(failed.plan.setting);
  });

  it("keeps to its bound, and to the rule that was broken", async () => {
    const failed = await failing();
    let runs = 0;
    const counted = async (plan: Plan): Promise<RunResult> => {
      runs += 1;
      const result = await run(plan);
      return { ...result, failure: { rule: "another", text: "", atMs: 0 } };
    };
    expect(await shrink(failed, counted, { triesMax: 10 })).toBe(failed);
    expect(runs).toBe(10);
  });
});
