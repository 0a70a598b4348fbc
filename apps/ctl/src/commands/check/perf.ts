import { rpcs } from "@quorate/client";
import { noTimeout, type Session } from "../../connection/session.js";
import { ExitCode } from "../../exit-codes.js";
import { argumentBytes } from "../../frame/argument-bytes.js";
import { defineCommand } from "../../frame/command.js";
import type { World } from "../../world.js";
import { untilInterrupted } from "../concurrency/held.js";
import { checkFlags, cleanUp, demandNoKeys, keysUnder, type LoadName, Outcomes, readLoad } from "./load.js";

type Plan = { readonly writesPerSecond: number; readonly clients: number; readonly seconds: number };

const plans: Readonly<Record<LoadName, Plan>> = {
  s: { writesPerSecond: 150, clients: 50, seconds: 60 },
  m: { writesPerSecond: 1_000, clients: 200, seconds: 60 },
  l: { writesPerSecond: 8_000, clients: 500, seconds: 60 },
  xl: { writesPerSecond: 15_000, clients: 1_000, seconds: 60 },
};
const keyBytes = 256;
const value = new Uint8Array(1_024);
const tickMs = 10;
/** Of what was asked for: with less, the throughput is too low. */
const enoughShare = 0.9;
const slowestMaxSeconds = 0.5;
const deviationMaxSeconds = 0.1;

export const checkPerf = defineCommand({
  name: "perf",
  usage: "[options]",
  short: "Check the performance of the etcd cluster",
  long: "Writes at a steady rate for a minute, says whether the cluster has kept up, and deletes what it has written.",
  flags: {
    ...checkFlags,
    prefix: {
      kind: "string",
      default: "/etcdctl-check-perf/",
      help: "where keys are written: nothing may be there yet",
    },
  },
  async run(context) {
    const { prefix, load } = context.flags;
    const plan = plans[readLoad(load)];
    const session = await context.connect();
    await demandNoKeys(
      session,
      prefix,
      `prefix "${prefix}" has keys. Delete with 'etcdctl del --prefix ${prefix}' first`,
    );
    const { outcomes, seconds } = await untilInterrupted(context.world, async (interrupted) => {
      const result = await writeSteadily(session, { plan, prefix }, interrupted, context.world);
      await cleanUp(session, keysUnder(prefix), context);
      return result;
    });
    const { lines, isGood } = verdict(outcomes, plan, seconds);
    context.printText((page) => {
      for (const line of lines) page.line(line);
    });
    return isGood ? ExitCode.Success : ExitCode.Error;
  },
});

/** As many writes as are due by now, as long as there are clients that wait for none. */
async function writeSteadily(
  session: Session,
  { plan, prefix }: { plan: Plan; prefix: string },
  interrupted: AbortSignal,
  world: World,
): Promise<{ outcomes: Outcomes; seconds: number }> {
  const { clock } = world;
  const outcomes = new Outcomes();
  const running = new Set<Promise<void>>();
  const startMs = clock.nowMs();
  const passed = () => (clock.nowMs() - startMs) / 1_000;
  let sent = 0;
  while (passed() < plan.seconds && !interrupted.aborted) {
    const due = Math.floor(passed() * plan.writesPerSecond);
    for (; sent < due && running.size < plan.clients; sent += 1) {
      const key = randomKey(prefix);
      const put = () => session.client.call(rpcs.put, { key, value }, { timeoutMs: noTimeout, retryWrites: "always" });
      const one: Promise<void> = outcomes.measure(put, world).finally(() => running.delete(one));
      running.add(one);
    }
    await new Promise<void>((resolve) => clock.after(tickMs, resolve));
  }
  await Promise.all(running);
  return { outcomes, seconds: passed() };
}

function randomKey(prefix: string): Uint8Array {
  return Buffer.concat([argumentBytes(prefix), crypto.getRandomValues(new Uint8Array(keyBytes))]);
}

/** What the figures say. */
export function verdict(outcomes: Outcomes, plan: Plan, seconds: number): { lines: string[]; isGood: boolean } {
  const perSecond = outcomes.count / seconds;
  const { slowestSeconds, deviationSeconds } = outcomes;
  const failures = outcomes.failureLines();
  const checks = [
    perSecond > plan.writesPerSecond * enoughShare
      ? `PASS: Throughput is ${Math.floor(perSecond) + 1} writes/s`
      : `FAIL: Throughput too low: ${Math.floor(perSecond) + 1} writes/s`,
    slowestSeconds <= slowestMaxSeconds
      ? `PASS: Slowest request took ${slowestSeconds.toFixed(6)}s`
      : `Slowest request took too long: ${slowestSeconds.toFixed(6)}s`,
    deviationSeconds <= deviationMaxSeconds
      ? `PASS: Stddev is ${deviationSeconds.toFixed(6)}s`
      : `Stddev too high: ${deviationSeconds.toFixed(6)}s`,
  ];
  const isGood = failures.length === 0 && checks.every((line) => line.startsWith("PASS"));
  return { lines: [...failures, ...checks, isGood ? "PASS" : "FAIL"], isGood };
}
