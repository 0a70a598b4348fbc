import type { Lock } from "@quorate/client";
import { rpcs } from "@quorate/client";
import { CommandFailure } from "../../command-failure.js";
import { noTimeout, type Session } from "../../connection/session.js";
import { ExitCode } from "../../exit-codes.js";
import { argumentBytes } from "../../frame/argument-bytes.js";
import { type CommandContext, defineCommand } from "../../frame/command.js";
import type { FlagTable } from "../../frame/flag-table.js";
import { logLine } from "../../output/log-line.js";
import { getForms } from "../get.js";
import { badArguments } from "../message-forms.js";
import { interruption, untilInterrupted, whenAborted } from "./held.js";

const ttlDefaultSeconds = 60;
/** What a shell makes of a program that was ended by a signal is 128 and more; Go, and so etcdctl, says -1. */
const signalledCode = 255;

const lockFlags = {
  ttl: { kind: "int", default: 10n, help: "seconds that the lock outlives a holder who has gone" },
} as const satisfies FlagTable;

export const lock = defineCommand({
  name: "lock",
  usage: "<lockname> [exec-command arg1 arg2 ...]",
  short: "Acquires a named lock",
  long: `Waits for a lock, holds it until SIGINT or SIGTERM, and prints the key that stands for it.

With a command, the lock is held while that runs, with ETCD_LOCK_KEY and ETCD_LOCK_REV in its environment. Its flags need '--' in front:

$ lock <lockname> -- <command> --flag`,
  group: "Concurrency commands",
  flags: lockFlags,
  async run(context) {
    const [name, ...program] = context.args;
    if (name === undefined) {
      throw badArguments("lock takes a lock name argument and an optional command to execute");
    }
    const ttlSeconds = readTtl(context);
    const session = await context.connect();
    return untilInterrupted(context.world, async (interrupted) => {
      const held = await session.client
        .lock(argumentBytes(name), { ttlSeconds, signal: interrupted })
        .catch((error: unknown) => {
          throw interruption(error, interrupted);
        });
      const lost = held.signal;
      if (program.length > 0) return runHolding(held, program, context);
      await printKey(held, session, context);
      await whenAborted(interrupted, lost);
      if (!interrupted.aborted) throw new CommandFailure(ExitCode.Error, "session expired");
      await held.release();
      return undefined;
    });
  },
});

function readTtl(context: CommandContext<typeof lockFlags>): number {
  const { world, flags } = context;
  if (flags.ttl > 0n) return Number(flags.ttl);
  const fields = { "preserving-TTL": ttlDefaultSeconds };
  const message = "WithTTL(): TTL should be > 0, preserving current TTL";
  world.stderr.write(logLine(world, { level: "warn", logger: "etcd-client", message, fields }));
  return ttlDefaultSeconds;
}

async function runHolding(
  held: Lock,
  program: readonly string[],
  { world }: CommandContext<FlagTable>,
): Promise<number> {
  const env = { ETCD_LOCK_KEY: Buffer.from(held.key).toString(), ETCD_LOCK_REV: held.revision.toString() };
  const end = await world.runProgram(program, { env, stdin: "none" });
  await held.release();
  if (end.kind === "failed") throw new CommandFailure(ExitCode.Error, end.message);
  if (end.kind === "signalled") throw new CommandFailure(signalledCode, `signal: ${end.signal}`);
  if (end.code !== 0) throw new CommandFailure(end.code, `exit status ${end.code}`);
  return ExitCode.Success;
}

async function printKey(held: Lock, session: Session, context: CommandContext<FlagTable>): Promise<void> {
  const answer = await session.call(rpcs.range, { key: held.key }, { timeoutMs: noTimeout });
  if (answer.kvs.length === 0) throw new CommandFailure(ExitCode.Error, "lock lost on init");
  context.print(getForms(answer, { valuesOnly: false }));
}
