import { rpcs } from "@quorate/client";
import { DowngradeRequest_DowngradeAction, DowngradeResponse } from "@quorate/proto";
import type { CommandContext } from "../frame/command.js";
import { defineCommand } from "../frame/command.js";
import type { FlagTable } from "../frame/flag-table.js";
import type { Forms } from "../output/forms.js";
import { badArguments, messageForms } from "./message-forms.js";

const validate = defineCommand({
  name: "validate",
  usage: "<TARGET_VERSION>",
  short: "Validate downgrade capability before starting downgrade",
  run: (context) => request(context, "validate", readVersion(context.args)),
});

const enable = defineCommand({
  name: "enable",
  usage: "<TARGET_VERSION>",
  short: "Start a downgrade action to cluster",
  run: (context) => request(context, "enable", readVersion(context.args)),
});

const cancel = defineCommand({
  name: "cancel",
  short: "Cancel the ongoing downgrade action to cluster",
  run: (context) => request(context, "cancel", ""),
});

export const downgrade = defineCommand({
  name: "downgrade",
  short: "Downgrade related commands",
  group: "Cluster maintenance commands",
  commands: [validate, enable, cancel],
});

const actions = {
  validate: DowngradeRequest_DowngradeAction.VALIDATE,
  enable: DowngradeRequest_DowngradeAction.ENABLE,
  cancel: DowngradeRequest_DowngradeAction.CANCEL,
} as const;

function readVersion(args: readonly string[]): string {
  const [version] = args;
  if (version === undefined) throw badArguments("TARGET_VERSION not provided");
  if (args.length > 1) throw badArguments("too many arguments");
  if (version === "") throw badArguments("target version not provided");
  return version;
}

async function request(
  context: CommandContext<FlagTable>,
  action: keyof typeof actions,
  version: string,
): Promise<Forms> {
  const { timeoutMs } = context;
  const session = await context.connect();
  const answer = await session.call(rpcs.downgrade, { action: actions[action], version }, { timeoutMs });
  return {
    simple: (page) => page.line(`Downgrade ${action} success, cluster version ${answer.version}`),
    ...messageForms(DowngradeResponse, answer),
  };
}
