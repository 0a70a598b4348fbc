// pnpm bench:report [--check]
//
// Makes docs/performance.md, and the table in README.md, from the JSON that the benchmarks have left in bench/results. `--check` changes nothing and ends
// with 1 when they are not what it would make.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fillReadme, makePage } from "./report/page.mjs";

const root = join(import.meta.dirname, "..");
const read = (path) => readFileSync(join(root, path), "utf8");
const results = (name) => JSON.parse(read(`bench/results/${name}.json`));

/** The two files, as the committed results make them. */
export function makeReport() {
  const data = { bench: results("bench"), micro: results("micro"), profile: results("profile") };
  return { "docs/performance.md": makePage(data), "README.md": fillReadme(read("README.md"), data.bench) };
}

if (process.argv[1] === import.meta.filename) {
  for (const [path, text] of Object.entries(makeReport())) {
    if (!process.argv.includes("--check")) writeFileSync(join(root, path), text);
    else if (read(path) !== text) {
      console.error(`${path} is not what bench/results make; run: pnpm bench:report`);
      process.exitCode = 1;
    }
  }
}
