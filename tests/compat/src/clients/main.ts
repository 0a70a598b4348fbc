// Runs the shared script through real clients, against Debian's etcd and against ours. Arguments: names of clients, all when absent.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Json, parseJson } from "../json.js";
import { MemberProcess } from "../member/member-process.js";
import type { ScriptStep } from "./answers.js";
import { type ClientDifference, checkDifferences, compareAnswers } from "./compare.js";
import { type ClientDriver, clientDrivers, isInstalled } from "./drivers.js";

const root = new URL("../../", import.meta.url);
const scriptPath = fileURLToPath(new URL("clients/script.json", root));
const steps = JSON.parse(readFileSync(scriptPath, "utf8")) as ScriptStep[];
const differences = parseJson(
  readFileSync(new URL("clients/differences.json", root), "utf8"),
) as unknown as ClientDifference[];
const etcd = process.env.ETCD_BINARY ?? "etcd";
const driverWithinMs = 120_000;

/** Runs a driver against a fresh member. */
async function answersOf(command: readonly string[], binary: string | undefined): Promise<Json[]> {
  await using member = await MemberProcess.launch({ binary });
  const output = await new Promise<string>((resolve, reject) => {
    const [program = "", ...words] = command;
    const child = spawn(program, [...words, member.clientUrl, scriptPath], {
      stdio: ["ignore", "pipe", "inherit"],
      timeout: driverWithinMs,
    });
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
    });
    child.on("error", reject);
    child.on("close", () => resolve(text));
  });
  return output
    .split("\n")
    .filter((line) => line !== "")
    .map(parseJson);
}

async function runClient(client: ClientDriver): Promise<{ passed: number; failed: number; skipped: number }> {
  const prepared = client.prepare();
  if (prepared.kind === "missing") {
    console.log(`SKIPPED ${client.name}: ${prepared.reason}`);
    return { passed: 0, failed: 0, skipped: steps.length };
  }
  const [theirs, ours] = await Promise.all([answersOf(prepared.command, etcd), answersOf(prepared.command, undefined)]);
  const { passed, failures, skipped } = compareAnswers(client.name, steps, { etcd: theirs, ours }, differences);
  for (const one of skipped) console.log(`  skipped ${one}`);
  for (const one of failures) console.log(`  FAILED ${one}`);
  console.log(
    `${client.name}: ${passed} answers equal, ${failures.length} not, ${skipped.length} that it cannot ask for`,
  );
  return { passed, failed: failures.length, skipped: skipped.length };
}

const total = { passed: 0, failed: 0, skipped: 0 };
for (const problem of checkDifferences(steps, differences)) {
  console.log(`FAILED differences.json: ${problem}`);
  total.failed++;
}
const wanted = process.argv.slice(2);
for (const client of clientDrivers.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  if (!isInstalled(etcd)) {
    console.log(`SKIPPED ${client.name}: ${etcd} is not installed, there is nothing to compare with`);
    total.skipped += steps.length;
    continue;
  }
  try {
    const counts = await runClient(client);
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
  } catch (error) {
    console.log(`FAILED ${client.name}: ${error instanceof Error ? error.message : error}`);
    total.failed++;
  }
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
