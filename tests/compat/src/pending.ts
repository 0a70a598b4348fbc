import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** Case name ("api/auth/roles", "http/ws-watch") to the reason why it cannot pass yet. */
export type PendingList = Readonly<Record<string, string>>;

/** How a case went: equal to the record, or not and listed as pending. Everything else is thrown. */
export type Verdict = "passed" | "pending";

/**
 * Runs a case and holds it against the list, which can only shrink: what is listed has to fail.
 * @throws what `run` throws when the case is not listed; Error when it is listed and passes
 */
export async function judgeCase(name: string, pending: PendingList, run: () => Promise<void>): Promise<Verdict> {
  const reason = pending[name];
  if (reason === undefined) {
    await run();
    return "passed";
  }
  try {
    await run();
  } catch {
    return "pending"; // the reason is in the list
  }
  throw new Error(`${name} passes: remove it from the list of pending cases (it said: ${reason})`);
}

/** The names of all cases in a folder of `testdata`, sorted. */
export function listCases(testdata: string, kind: "api" | "http"): string[] {
  return readdirSync(join(testdata, kind), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".json"))
    .map((path) => relative(testdata, join(testdata, kind, path)).slice(0, -".json".length))
    .sort();
}

/** The text of a case. */
export function readCase(testdata: string, name: string): string {
  return readFileSync(join(testdata, `${name}.json`), "utf8");
}

/** Entries that cannot be right: names of no case, and reasons that say nothing. */
export function checkPendingList(pending: PendingList, names: readonly string[]): string[] {
  const known = new Set(names);
  return Object.entries(pending).flatMap(([name, reason]) => {
    if (!known.has(name)) return [`${name}: there is no such case`];
    return reason.trim().length < 10 ? [`${name}: needs a reason`] : [];
  });
}
