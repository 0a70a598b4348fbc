import { isObject, type Json, show } from "../json.js";
import type { ScriptStep } from "./answers.js";

/** Where etcd 3.4 and 3.7 differ: the answer that 3.7 gives, to be given by ours. */
export type ClientDifference = {
  readonly title: string;
  /** Names of the clients it is for. Absent: all. */
  readonly clients?: readonly string[];
  readonly answer: Json;
  readonly reason: string;
};

/** What came of one client: counts, and a text for each answer that is not right. */
export type Comparison = {
  readonly passed: number;
  readonly skipped: readonly string[];
  readonly failures: readonly string[];
};

/** Holds the answers that a client got from us against those that it got from etcd, step by step. */
export function compareAnswers(
  client: string,
  steps: readonly ScriptStep[],
  answers: { readonly etcd: readonly Json[]; readonly ours: readonly Json[] },
  differences: readonly ClientDifference[],
): Comparison {
  const failures: string[] = [];
  const skipped: string[] = [];
  let passed = 0;
  for (const side of ["etcd", "ours"] as const) {
    const { length } = answers[side];
    if (length !== steps.length) failures.push(`${client}: ${length} answers from ${side} to ${steps.length} steps`);
  }
  steps.forEach((step, index) => {
    const theirs = answers.etcd[index];
    const ours = answers.ours[index];
    if (theirs === undefined || ours === undefined) return; // told above
    if (isObject(theirs) && theirs.skipped !== undefined) {
      skipped.push(`${client}: ${step.title}: ${theirs.skipped}`);
      return;
    }
    const difference = differences.find(
      (one) => one.title === step.title && (one.clients ?? [client]).includes(client),
    );
    const wanted = canonical(difference?.answer ?? theirs);
    if (canonical(ours) === wanted) passed++;
    else failures.push(`${client}: ${step.title}:\n    wanted ${wanted}\n    is     ${canonical(ours)}`);
  });
  return { passed, skipped, failures };
}

/** Text of a value with the fields of objects in order of their names: equal values have equal texts. */
function canonical(value: Json): string {
  const sort = (one: Json): Json => {
    if (Array.isArray(one)) return one.map(sort);
    if (!isObject(one)) return one;
    return Object.fromEntries(
      Object.keys(one)
        .sort()
        .map((name) => [name, sort(one[name] ?? null)]),
    );
  };
  return show(sort(value), Number.POSITIVE_INFINITY);
}

/** Differences that name no step of the script, or give no reason. */
export function checkDifferences(steps: readonly ScriptStep[], differences: readonly ClientDifference[]): string[] {
  const titles = new Set(steps.map(({ title }) => title));
  return differences.flatMap(({ title, reason }) => {
    if (!titles.has(title)) return [`${title}: no step of the script is called that`];
    return reason.trim().length < 10 ? [`${title}: needs a reason`] : [];
  });
}
