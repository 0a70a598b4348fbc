import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HistoryRun } from "../model/run-history.js";
import { histories, type Operation } from "../model/operations.js";
import { Harness } from "../support/harness.js";

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const runs = Number(process.env.RUNS ?? 60);

const shrinks = process.env.SHRINK !== undefined;

/** @returns the number of steps. */
async function runHistory(history: readonly Operation[], harnessSeed: number): Promise<number> {
  const harness = await Harness.started({ seed: harnessSeed, options: { snapshotCount: 9, catchUpEntries: 5 } });
  try {
    const run = new HistoryRun(harness);
    await run.begin();
    for (const [at, operation] of history.entries()) {
      await run.step(operation).catch((cause: unknown) => {
        throw new Error(`step ${at + 1}: ${String(cause)}`, { cause });
      });
    }
  } finally {
    await harness.dispose();
  }
  return history.length;
}

/** How to run it again, and the smallest history found. Set SHRINK to look for a smaller one. */
function reportOf({ seed: failed, counterexamplePath, counterexample, errorInstance }: Details): string {
  const [history = []] = counterexample ?? [];
  const lines = history.map((operation) => fc.stringify(operation).replaceAll("__proto__:null,", ""));
  const shown = lines.map((line) => (line.length > 600 ? `${line.slice(0, 600)}...` : line));
  return [`SEED=${failed} path ${counterexamplePath}`, ...shown, String(errorInstance)].join("\n");
}

type Details = Readonly<{
  seed: number;
  counterexamplePath: string | null;
  counterexample: [Operation[], number] | null;
  errorInstance: unknown | null;
}>;

describe("a member under random histories", () => {
  it(`answers as the model does (seed ${seed})`, { timeout: 300_000 }, async () => {
    let steps = 0;
    const property = fc.asyncProperty(histories, fc.nat(), async (history, harnessSeed) => {
      steps += await runHistory(history, harnessSeed);
    });
    const details = await fc.check(property, { seed, numRuns: runs, endOnFailure: !shrinks });
    if (details.failed) throw new Error(reportOf(details), { cause: details.errorInstance });
    expect(steps).toBeGreaterThan(runs * 15);
  });
});
