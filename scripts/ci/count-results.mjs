// Counts tests in the output of test runners. Usage: count-results.mjs FILE. Prints "PASSED FAILED SKIPPED".
import { readFileSync } from "node:fs";

// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal colours begin with the escape character
const colours = /\u001b\[[0-9;]*m/g;

/**
 * Adds up what the closing lines of vitest, node's own runner and plain programs ("3 passed, 1 failed") say.
 * @param {string} output of any number of runs, one after the other; a line may have a prefix that ends in ": "
 */
export function countResults(output) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const add = (kind, number) => {
    counts[kind] += Number(number ?? 0);
  };
  for (const raw of output.replace(colours, "").split("\n")) {
    const line = raw.replace(/^\S+:\S+: /, "").trim();
    const vitest = /^Tests {2}(.*) \(\d+\)$/.exec(line);
    if (vitest !== null) {
      for (const [, number, kind] of vitest[1].matchAll(/(\d+) (passed|failed|skipped|todo)/g)) {
        add(kind === "todo" ? "skipped" : kind, number);
      }
    }
    const node = /^ℹ (pass|fail|cancelled|skipped|todo) (\d+)$/.exec(line);
    if (node !== null) add({ pass: "passed", fail: "failed", cancelled: "failed" }[node[1]] ?? "skipped", node[2]);
    const plain = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/.exec(line);
    if (plain !== null) {
      add("passed", plain[1]);
      add("failed", plain[2]);
      add("skipped", plain[3]);
    }
  }
  return counts;
}

if (process.argv[1] === import.meta.filename) {
  const { passed, failed, skipped } = countResults(readFileSync(process.argv[2], "utf8"));
  console.log(`${passed} ${failed} ${skipped}`);
}
