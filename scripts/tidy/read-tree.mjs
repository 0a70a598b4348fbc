// Reads what the rules look at: a map of path (from the root, with slashes) to text. The rules themselves never touch the disk.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const topDirectories = new Set(["packages", "apps", "tests", "scripts", "bench"]);
// Neither written by hand nor ours to shape: installed, built, generated, recorded.
const skipped = new Set(["node_modules", "dist", "gen", "testdata", "fixtures", "target", "coverage"]);
const readNames = /(\.(ts|mts|cts|tsx|js|mjs|cjs|jsx|svelte|sh|go|py)|^README\.md|^package\.json)$/;
const scriptFolder = /(^|\/)test\/scripts(\/|$)/;

/**
 * @param {string} root directory of the checkout
 * @returns {Map<string, string>} path to text; a file of test/scripts is listed with empty text, only its name matters
 */
export function readTree(root) {
  const tree = new Map();
  const walk = (directory) => {
    for (const entry of readdirSync(join(root, directory), { withFileTypes: true })) {
      const path = directory === "" ? entry.name : `${directory}/${entry.name}`;
      if (entry.isDirectory()) {
        const wanted = directory === "" ? topDirectories.has(entry.name) : true;
        if (wanted && !entry.name.startsWith(".") && !skipped.has(entry.name)) walk(path);
      } else if (entry.isFile()) {
        if (readNames.test(entry.name)) tree.set(path, readFileSync(join(root, path), "utf8"));
        else if (scriptFolder.test(directory)) tree.set(path, "");
      }
    }
  };
  walk("");
  return new Map([...tree].sort(([a], [b]) => (a < b ? -1 : 1)));
}
