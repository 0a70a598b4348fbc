import type { Outcome, Pair } from "./run-both.js";

/** Where etcdctl 3.4 and 3.7 differ, and ours does as 3.7. */
export type KnownDifference = {
  /** Names of the steps. */
  readonly titles: readonly string[];
  /** What differs; all else has to be equal. */
  readonly parts: readonly (keyof Outcome)[];
  readonly reason: string;
};

/** What came of all pairs. A step that is known to differ and does so counts as passed. */
export type Comparison = {
  readonly passed: number;
  readonly failures: readonly string[];
  /** Reasons of known differences and how many steps had them. */
  readonly different: ReadonlyMap<string, number>;
};

const parts = ["exit", "stdout", "stderr"] as const satisfies readonly (keyof Outcome)[];

/** Holds the outcomes against each other and against the list of differences, which can only shrink. */
export function comparePairs(pairs: readonly Pair[], differences: readonly KnownDifference[]): Comparison {
  const failures: string[] = [];
  const different = new Map<string, number>();
  let passed = 0;
  for (const pair of pairs) {
    const known = differences.find(({ titles }) => titles.includes(pair.title));
    const found = parts.filter((part) => pair.theirs[part] !== pair.ours[part]);
    const unexpected = found.filter((part) => known?.parts.includes(part) !== true);
    const missing = (known?.parts ?? []).filter((part) => !found.includes(part));
    for (const part of unexpected)
      failures.push(`${pair.title}: ${part}\n${shown("theirs", pair.theirs[part])}${shown("ours  ", pair.ours[part])}`);
    for (const part of missing) failures.push(`${pair.title}: ${part} is equal now: take it off the differences`);
    if (unexpected.length > 0 || missing.length > 0) continue;
    passed += 1;
    if (known !== undefined) different.set(known.reason, (different.get(known.reason) ?? 0) + 1);
  }
  const titles = new Set(pairs.map(({ title }) => title));
  for (const known of differences) {
    for (const title of known.titles) if (!titles.has(title)) failures.push(`${title}: no step has that name`);
    if (known.reason.trim().length < 10) failures.push(`${known.titles.join(", ")}: needs a reason`);
  }
  return { passed, failures, different };
}

function shown(who: string, text: string): string {
  return text.replace(/^/gm, `    ${who} | `).concat("\n");
}
