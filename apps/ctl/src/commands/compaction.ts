import { rpcs } from "@quorate/client";
import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";
import { defineCommand } from "../frame/command.js";
import { parseInt64, ValueError } from "../frame/go-values.js";

export const compaction = defineCommand({
  name: "compaction",
  usage: "[options] <revision>",
  short: "Compacts the event history in etcd",
  group: "Key-value commands",
  flags: { physical: { kind: "bool", help: "wait until the old revisions are removed from the member's storage" } },
  async run(context) {
    if (context.args.length !== 1) {
      throw new CommandFailure(ExitCode.BadArguments, "compaction command needs 1 argument");
    }
    const revision = readRevision(context.args[0] ?? "");
    const session = await context.connect();
    const { timeoutMs } = context; // after the environment: here ETCDCTL_COMMAND_TIMEOUT counts
    await session.call(rpcs.compact, { revision, physical: context.flags.physical }, { timeoutMs });
    context.printText((page) => page.line(`compacted revision ${revision}`));
    return ExitCode.Success;
  },
});

function readRevision(text: string): bigint {
  try {
    return parseInt64(text, 10);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new CommandFailure(ExitCode.Error, error.message);
  }
}
