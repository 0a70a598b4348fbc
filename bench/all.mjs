// pnpm bench:all [options of pnpm bench]
//
// Measures everything, leaves the figures in bench/results, and makes docs/performance.md and the README's table of them. A full run takes about 12 minutes and
// wants a machine that does nothing else.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const here = import.meta.dirname;
const results = (name) => join(here, "results", `${name}.json`);
const steps = [
  ["main.mjs", "--json", results("bench"), ...process.argv.slice(2)],
  ["micro.mjs", "--json", results("micro")],
  ["profile.mjs", "--json", results("profile")],
  ["report.mjs"],
];
for (const [file, ...words] of steps) {
  const { status } = spawnSync(process.execPath, [join(here, file), ...words], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
