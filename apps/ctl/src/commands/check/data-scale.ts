import { rpcs } from "@quorate/client";
import { noTimeout, type Session } from "../../connection/session.js";
import { readTlsSettings } from "../../connection/tls-settings.js";
import { ExitCode } from "../../exit-codes.js";
import { argumentBytes } from "../../frame/argument-bytes.js";
import { type CommandContext, defineCommand } from "../../frame/command.js";
import type { FlagTable } from "../../frame/flag-table.js";
import type { World } from "../../world.js";
import { untilInterrupted } from "../concurrency/held.js";
import { checkFlags, cleanUp, demandNoKeys, keysUnder, type LoadName, Outcomes, readLoad } from "./load.js";

type Plan = { readonly keys: number; readonly clients: number };

const plans: Readonly<Record<LoadName, Plan>> = {
  s: { keys: 10_000, clients: 50 },
  m: { keys: 100_000, clients: 200 },
  l: { keys: 1_000_000, clients: 500 },
  xl: { keys: 3_000_000, clients: 1_000 },
};
const pairBytes = 1_024;
const value = new Uint8Array(pairBytes / 2);
const metric = /^process_resident_memory_bytes (\S+)$/m;
const bytesPerMegabyte = 1024 * 1024;

export const checkDataScale = defineCommand({
  name: "datascale",
  usage: "[options]",
  short: "Check the memory usage of holding data for different workloads on a given server endpoint.",
  long: "Writes keys, compares the member's resident memory before and after, and deletes what it has written. The first endpoint is asked for its memory.",
  flags: {
    ...checkFlags,
    prefix: {
      kind: "string",
      default: "/etcdctl-check-datascale/",
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
      `prefix "${prefix}" has keys. Delete with etcdctl del --prefix ${prefix} first`,
    );
    const before = await residentBytes(session, context);
    if (before === undefined) return failed(context, "before");
    const print = (line: string) => context.printText((page) => page.line(line));
    print(
      `Start data scale check for work load [${plan.keys} key-value pairs, ${pairBytes} bytes per key-value, ${plan.clients} concurrent clients].`,
    );
    const { outcomes, after } = await untilInterrupted(context.world, async (interrupted) => {
      const written = await writeAll(session, { plan, prefix }, interrupted, context.world);
      const result = { outcomes: written, after: await residentBytes(session, context) };
      await cleanUp(session, keysUnder(prefix), context);
      return result;
    });
    if (after === undefined) return failed(context, "after");
    const failures = outcomes.failureLines();
    for (const line of failures) print(line);
    if (failures.length > 0) return ExitCode.Error;
    print(`PASS: Approximate system memory used : ${((after - before) / bytesPerMegabyte).toFixed(2)} MB.`);
    return ExitCode.Success;
  },
});

function failed(context: CommandContext<FlagTable>, when: string): number {
  const line = `FAIL: Could not read process_resident_memory_bytes ${when} the put operations.`;
  context.printText((page) => page.line(line));
  return ExitCode.Error;
}

async function residentBytes(session: Session, context: CommandContext<FlagTable>): Promise<number | undefined> {
  const [endpoint = ""] = session.endpoints;
  const tls = readTlsSettings(context.globals, (flag) => context.isGiven(flag), context.world);
  const text = await context.world.fetchMetrics(endpoint, tls);
  const found = metric.exec(text ?? "")?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Each client writes the next key as soon as its last one is written. */
async function writeAll(
  session: Session,
  { plan, prefix }: { plan: Plan; prefix: string },
  interrupted: AbortSignal,
  world: World,
): Promise<Outcomes> {
  const outcomes = new Outcomes();
  let next = 0;
  const write = async () => {
    while (next < plan.keys && !interrupted.aborted) {
      const key = numberedKey(prefix, next++);
      const put = () => session.client.call(rpcs.put, { key, value }, { timeoutMs: noTimeout, retryWrites: "always" });
      await outcomes.measure(put, world);
    }
  };
  await Promise.all(Array.from({ length: plan.clients }, write));
  return outcomes;
}

/** Keys of one length, all different. */
function numberedKey(prefix: string, number: number): Uint8Array {
  const key = new Uint8Array(pairBytes / 2);
  new DataView(key.buffer).setUint32(0, number);
  return Buffer.concat([argumentBytes(prefix), key]);
}
