import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Plan } from "./plan.js";
import { plant } from "./plants.js";
import type { RunResult } from "./run-plan.js";
import type { SearchCounts } from "./search.js";

const usage = `pnpm sim --seed N [--trace]     lives through one seed; the hash is that of all that happened
pnpm sim --minutes M [--from N] searches for M minutes, from a random seed or from N on
pnpm sim --seeds K [--from N]   searches K seeds
pnpm sim --plan FILE [--trace]  lives through a plan that a failure has left behind
  --plant NAME                  with a bug planted on purpose: has to fail
  --no-members                  without changes of the members
  --no-shrink                   leaves a failing run as long as it is`;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    minutes: { type: "string" },
    from: { type: "string" },
    plan: { type: "string" },
    plant: { type: "string" },
    trace: { type: "boolean" },
    "no-members": { type: "boolean" },
    "no-shrink": { type: "boolean" },
    help: { type: "boolean" },
  },
});

const say = (text: string): void => void process.stdout.write(`${text}\n`);

if (values.help === true) say(usage);
else process.exitCode = await main();

async function main(): Promise<number> {
  // Everything that loads the product comes after this.
  const isPlanted = values.plant === undefined ? undefined : plant(values.plant);
  const { makePlan } = await import("./make-plan.js");
  const { runPlan } = await import("./run-plan.js");
  if (isPlanted?.() === false) {
    say(`the code that ${values.plant} is planted into has changed`);
    return 2;
  }
  const options = { hasMembershipChanges: values["no-members"] !== true };
  if (values.seed !== undefined || values.plan !== undefined) {
    const plan =
      values.plan === undefined
        ? makePlan(Number(values.seed), options)
        : (JSON.parse(readFileSync(values.plan, "utf8")) as Plan);
    const result = await runPlan(plan, values.trace === true ? say : undefined);
    say(`seed ${plan.seed}, trace ${result.traceHash}`);
    say(describeCounts({ ...result.counts, seeds: 1 }));
    if (result.failure !== undefined) say(`FAILED after ${result.failure.atMs.toFixed(0)} ms: ${result.failure.text}`);
    return result.failure === undefined ? 0 : 1;
  }
  const failed = await searchOn(options, runPlan);
  if (failed === undefined) {
    if (isPlanted !== undefined) say(`${values.plant} was not found`);
    return isPlanted === undefined ? 0 : 1;
  }
  await report(failed, runPlan);
  return isPlanted === undefined ? 1 : 0;
}

async function searchOn(
  options: { hasMembershipChanges: boolean },
  runPlan: (plan: Plan) => Promise<RunResult>,
): Promise<RunResult | undefined> {
  const { search } = await import("./search.js");
  const from = values.from === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.from);
  const seedsMax = values.seeds === undefined ? Number.POSITIVE_INFINITY : Number(values.seeds);
  const minutes = values.minutes === undefined ? (values.seeds === undefined ? 1 : 600) : Number(values.minutes);
  const startedMs = performance.now();
  const startedCpu = process.cpuUsage();
  let lastMs = startedMs;
  const isOver = (counts: SearchCounts): boolean => {
    const nowMs = performance.now();
    if (nowMs - lastMs > 60_000) {
      lastMs = nowMs;
      say(describeCounts(counts));
    }
    return counts.seeds >= seedsMax || nowMs - startedMs > minutes * 60_000;
  };
  const { counts, failed } = await search({ ...options, from, isOver }, runPlan);
  const { user, system } = process.cpuUsage(startedCpu);
  const realMs = performance.now() - startedMs;
  const speed = (ms: number): string => (counts.simulatedMs / ms).toFixed(0);
  say(`seeds from ${from}: ${describeCounts(counts)}`);
  say(
    `${speed(realMs)} times as fast as time, ${speed((user + system) / 1000)} simulated seconds per second of a core`,
  );
  say(failed === undefined ? `${counts.seeds} passed, 0 failed` : `${counts.seeds - 1} passed, 1 failed`);
  return failed;
}

async function report(failed: RunResult, runPlan: (plan: Plan) => Promise<RunResult>): Promise<void> {
  const { shrink } = await import("./shrink.js");
  const { plan, failure } = failed;
  say(`\nFAILED: seed ${plan.seed} after ${failure?.atMs.toFixed(0)} ms: ${failure?.text}`);
  say(`pnpm sim --seed ${plan.seed}${values.plant === undefined ? "" : ` --plant ${values.plant}`}`);
  if (values["no-shrink"] === true) return;
  const endMs = performance.now() + 90_000;
  const shortest = await shrink(failed, runPlan, { triesMax: 300, isOver: () => performance.now() > endMs });
  const file = join(tmpdir(), `quorate-sim-${plan.seed}.json`);
  writeFileSync(file, JSON.stringify(shortest.plan));
  say(`\nshortened from ${plan.steps.length} to ${shortest.plan.steps.length} steps: pnpm sim --trace --plan ${file}`);
  for (const { atMs, ...step } of shortest.plan.steps) say(`  ${atMs} ms ${JSON.stringify(step)}`);
  say(`${shortest.failure?.text}`);
}

function describeCounts(counts: SearchCounts): string {
  const { seeds, simulatedMs, operations, done, ...rest } = counts;
  const others = Object.entries(rest).map(([name, count]) => `${count} ${name}`);
  const minutes = (simulatedMs / 60_000).toFixed(1);
  return `${seeds} seeds, ${minutes} simulated minutes, ${operations} operations (${done} answered), ${others.join(", ")}`;
}
