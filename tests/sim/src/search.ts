import { makePlan, type PlanOptions } from "./make-plan.js";
import type { RunCounts, RunResult } from "./run-plan.js";
import type { Runner } from "./shrink.js";

/** What a search has been through. */
export type SearchCounts = RunCounts & Readonly<{ seeds: number }>;

export type SearchResult = Readonly<{ counts: SearchCounts; failed: RunResult | undefined }>;

const none: SearchCounts = {
  seeds: 0,
  simulatedMs: 0,
  operations: 0,
  done: 0,
  revisions: 0,
  events: 0,
  elections: 0,
  crashes: 0,
  pauses: 0,
  partitions: 0,
  snapshots: 0,
  expirations: 0,
};

/**
 * Lives through one seed after the other until one fails.
 * @param isOver asked before each seed.
 */
export async function search(
  options: PlanOptions & { from: number; isOver: (counts: SearchCounts) => boolean },
  run: Runner,
): Promise<SearchResult> {
  let counts = none;
  for (let seed = options.from; !options.isOver(counts); seed++) {
    const result = await run(makePlan(seed, options));
    counts = add(counts, result.counts);
    if (result.failure !== undefined) return { counts, failed: result };
  }
  return { counts, failed: undefined };
}

function add(sum: SearchCounts, counts: RunCounts): SearchCounts {
  const total: Record<string, number> = { ...sum, seeds: sum.seeds + 1 };
  for (const [name, value] of Object.entries(counts)) total[name] = (total[name] ?? 0) + value;
  return total as SearchCounts;
}
