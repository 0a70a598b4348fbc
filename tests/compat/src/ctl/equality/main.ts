// Runs the same command lines through Debian's etcdctl and ours, against one member of ours. Argument: part of the names of the steps.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { isInstalled } from "../../clients/drivers.js";
import { programPaths } from "../ctl-replay.js";
import { comparePairs, type KnownDifference } from "./compare-pairs.js";
import { runBoth } from "./run-both.js";
import { steps, titleOf } from "./steps.js";

const theirs = process.env.ETCDCTL_BINARY ?? "/usr/bin/etcdctl";
const ours = programPaths().get("etcdctl") ?? "";
const differences = JSON.parse(
  readFileSync(new URL("../../../clients/etcdctl-differences.json", import.meta.url), "utf8"),
) as KnownDifference[];
const [part = ""] = process.argv.slice(2);
const chosen = steps.filter((step) => titleOf(step).includes(part));

if (!isInstalled(theirs)) {
  console.log(`SKIPPED: ${theirs} is not installed, there is nothing to compare with`);
  console.log(`0 passed, 0 failed, ${chosen.length} skipped`);
} else {
  process.env.ETCDCTL_API = "3";
  console.log(spawnSync(theirs, ["version"], { encoding: "utf8" }).stdout.split("\n", 1)[0]);
  const result = comparePairs(await runBoth(chosen, { theirs, ours }), part === "" ? differences : []);
  for (const one of result.failures) console.log(`FAILED ${one}`);
  for (const [reason, count] of result.different) console.log(`  differs in ${count}: ${reason}`);
  console.log(`${result.passed} passed, ${result.failures.length} failed, 0 skipped`);
  process.exitCode = result.failures.length === 0 ? 0 : 1;
}
