import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Expectations, type Reasons, readDifferences } from "../../src/index.js";

const root = new URL("../../", import.meta.url);

/** Where the recorded cases are. */
export const testdata = fileURLToPath(new URL("testdata", root));

export const differencesPath = new URL("differences.md", root);

/** The two lists of cases that are not expected to be equal, as they are committed. */
export const expectations: Expectations = {
  pending: JSON.parse(readFileSync(new URL("pending.json", root), "utf8")) as Reasons,
  different: readDifferences(readFileSync(differencesPath, "utf8")),
};

/** Counts verdicts and prints one line when a kind of cases is through. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(verdict: string): void {
    this.#counts.set(verdict, (this.#counts.get(verdict) ?? 0) + 1);
  }

  print(kind: string, total: number): void {
    const listed = [...this.#counts].map(([verdict, count]) => `${count} ${verdict}`);
    const failed = total - [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
    console.log(`replay of ${total} ${kind} cases: ${[...listed, `${failed} failed`].join(", ")}`);
  }
}
