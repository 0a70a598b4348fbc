import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** Case name ("api/auth/roles", "http/ws-watch") to the reason why it is not equal yet, or is not meant to be. */
export type Reasons = Readonly<Record<string, string>>;

/** The two lists of cases that are not expected to be equal. */
export type Expectations = {
  /** Not built yet. This list can only shrink. */
  readonly pending: Reasons;
  /** Chosen differences. */
  readonly different: Reasons;
};

/** How a case went: equal to the record, or listed and indeed not equal. Everything else is thrown. */
export type Verdict = "equal" | "pending" | "different";

/**
 * Runs a case and holds it against the lists: what is listed has to fail.
 * @throws what `run` throws when the case is not listed; Error when it is listed and passes
 */
export async function judgeCase(name: string, expectations: Expectations, run: () => Promise<void>): Promise<Verdict> {
  const verdict = expectations.pending[name] !== undefined ? "pending" : "different";
  const reason = expectations.pending[name] ?? expectations.different[name];
  if (reason === undefined) {
    await run();
    return "equal";
  }
  try {
    await run();
  } catch {
    return verdict; // the reason is in the list
  }
  throw new Error(`${name} is equal now: remove it from the ${verdict} cases (it said: ${reason})`);
}

/** The names of all cases in a folder of `testdata`, sorted. */
export function listCases(testdata: string, kind: "api" | "http" | "ctl" | "own"): string[] {
  return readdirSync(join(testdata, kind), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".json") && path !== "help.json") // the texts of --help are for people
    .map((path) => relative(testdata, join(testdata, kind, path)).slice(0, -".json".length))
    .sort();
}

/** The text of a case. */
export function readCase(testdata: string, name: string): string {
  return readFileSync(join(testdata, `${name}.json`), "utf8");
}

/** The chosen differences of `differences.md`: its lines "- `case`: reason" whose case is a recorded one. */
export function readDifferences(markdown: string): Reasons {
  const reasons: Record<string, string> = {};
  for (const [, name = "", reason = ""] of markdown.matchAll(/^- `((?:api|http|ctl)\/[^`]+)`: (.+)$/gm))
    reasons[name] = reason;
  return reasons;
}

/** Entries that cannot be right: names of no case, names on both lists, and reasons that say nothing. */
export function checkExpectations({ pending, different }: Expectations, names: readonly string[]): string[] {
  const known = new Set(names);
  return [...Object.entries(pending), ...Object.entries(different)].flatMap(([name, reason]) => {
    if (!known.has(name)) return [`${name}: there is no such case`];
    if (pending[name] !== undefined && different[name] !== undefined) return [`${name}: is on both lists`];
    return reason.trim().length < 10 ? [`${name}: needs a reason`] : [];
  });
}
