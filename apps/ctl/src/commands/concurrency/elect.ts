import { type HeldLease, rpcs } from "@quorate/client";
import { RangeResponse, type ResponseHeader } from "@quorate/proto";
import { CommandFailure } from "../../command-failure.js";
import { noTimeout, type Session } from "../../connection/session.js";
import { ExitCode } from "../../exit-codes.js";
import { argumentBytes } from "../../frame/argument-bytes.js";
import { type CommandContext, defineCommand } from "../../frame/command.js";
import type { FlagTable } from "../../frame/flag-table.js";
import { getForms } from "../get.js";
import { badArguments } from "../message-forms.js";
import { interruption, untilInterrupted, whenAborted } from "./held.js";

const ttlSeconds = 60;

export const elect = defineCommand({
  name: "elect",
  usage: "<election-name> [proposal]",
  short: "Observes and participates in leader election",
  long: `With a proposal, waits until this candidate is elected, prints its key and proposal, and leads until SIGINT or SIGTERM.
With --listen, prints key and proposal of each leader.`,
  group: "Concurrency commands",
  flags: { listen: { kind: "bool", short: "l", help: "observe the election" } },
  async run(context) {
    const [name = "", proposal] = context.args;
    const { listen } = context.flags;
    if (context.args.length !== 1 && context.args.length !== 2) {
      throw badArguments("elect takes one election name argument and an optional proposal argument");
    }
    if (proposal === undefined && !listen) throw badArguments("no proposal argument but -l not set");
    if (proposal !== undefined && listen) throw badArguments("proposal given but -l is set");
    const session = await context.connect();
    return untilInterrupted(context.world, async (interrupted) => {
      if (proposal === undefined) await observe(session, argumentBytes(name), interrupted, context);
      else await campaign(session, { name: argumentBytes(name), proposal }, interrupted, context);
      return undefined;
    });
  },
});

async function observe(
  session: Session,
  name: Uint8Array,
  interrupted: AbortSignal,
  context: CommandContext<FlagTable>,
): Promise<void> {
  let header: ResponseHeader | undefined;
  try {
    for await (const leader of session.client.election(name).observe({ signal: interrupted })) {
      const { value, createRevision, modRevision, version, lease } = leader;
      const key = Buffer.concat([name, Buffer.from(`/${leader.key}`)]);
      // Whoever answers first names the cluster; the revision is that of what is shown.
      header ??= (await session.call(rpcs.range, { key }, { timeoutMs: noTimeout })).header;
      const kvs = [{ key, value, createRevision, modRevision, version, lease }];
      const shown = header === undefined ? undefined : { ...header, revision: modRevision };
      context.print(getForms(RangeResponse.create({ header: shown, kvs }), { valuesOnly: false }));
    }
  } catch (error) {
    if (!interrupted.aborted) throw error; // else this is how observing is to end
  }
  if (!interrupted.aborted) throw new CommandFailure(ExitCode.Error, "elect: observer lost");
}

async function campaign(
  session: Session,
  { name, proposal }: { name: Uint8Array; proposal: string },
  interrupted: AbortSignal,
  context: CommandContext<FlagTable>,
): Promise<void> {
  const lease = await session.client.leases.hold({ ttlSeconds, onLost: () => {} });
  try {
    await lead(session, { name, proposal, lease }, interrupted, context);
  } finally {
    if (!lease.isLost) await lease.release();
  }
}

async function lead(
  session: Session,
  { name, proposal, lease }: { name: Uint8Array; proposal: string; lease: HeldLease },
  interrupted: AbortSignal,
  context: CommandContext<FlagTable>,
): Promise<void> {
  const election = session.client.election(name);
  const leadership = await election
    .campaign(lease, argumentBytes(proposal), { signal: interrupted })
    .catch((error: unknown) => {
      throw interruption(error, interrupted);
    });
  const key = Buffer.concat([name, Buffer.from(`/${BigInt.asUintN(64, lease.id).toString(16)}`)]);
  context.print(getForms(await session.call(rpcs.range, { key }, { timeoutMs: noTimeout }), { valuesOnly: false }));
  await whenAborted(interrupted, lease.signal);
  if (!interrupted.aborted) throw new CommandFailure(ExitCode.Error, "elect: session expired");
  await leadership.resign();
}
