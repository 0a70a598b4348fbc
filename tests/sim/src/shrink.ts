import type { Plan, Step } from "./plan.js";
import type { RunResult } from "./run-plan.js";

/** Lives through a plan. */
export type Runner = (plan: Plan) => Promise<RunResult>;

/**
 * Makes a failing plan shorter: takes out runs of steps, halves first, single ones last, as long as what is left breaks the same rule.
 * @param options `triesMax` bounds the runs that are tried; `isOver` may end it sooner.
 * @returns the shortest failing run found.
 * @see Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002.
 */
export async function shrink(
  failed: RunResult,
  run: Runner,
  options: { triesMax: number; isOver?: () => boolean },
): Promise<RunResult> {
  let best = failed;
  let tries = 0;
  const attempt = async (steps: readonly Step[]): Promise<boolean> => {
    if (tries >= options.triesMax || options.isOver?.() === true) return false;
    tries += 1;
    const lastMs = steps.at(-1)?.atMs ?? 0;
    const faultsMs = Math.min(best.plan.faultsMs, lastMs + 5000);
    const result = await run({ ...best.plan, faultsMs, steps });
    if (result.failure?.rule !== failed.failure?.rule) return false;
    best = result;
    return true;
  };
  // What comes after the failure cannot matter much.
  const failedAtMs = failed.failure?.atMs ?? Number.POSITIVE_INFINITY;
  await attempt(best.plan.steps.filter(({ atMs }) => atMs < failedAtMs));
  for (let chunk = Math.ceil(best.plan.steps.length / 2); chunk >= 1; chunk = Math.floor(chunk / 2)) {
    for (let from = 0; from < best.plan.steps.length; ) {
      const { steps } = best.plan;
      const isShorter = await attempt([...steps.slice(0, from), ...steps.slice(from + chunk)]);
      if (!isShorter) from += chunk;
    }
  }
  return best;
}
