import { rpcs } from "@quorate/client";
import { type DeleteRangeRequest, DeleteRangeResponse } from "@quorate/proto";
import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";
import { defineCommand } from "../frame/command.js";
import type { FlagTable, FlagValues } from "../frame/flag-table.js";
import { quoteText } from "../frame/go-values.js";
import type { Forms } from "../output/forms.js";
import { messageJson } from "../output/json.js";
import { printHeaderFields, printPair, printPairFields } from "../output/pairs.js";
import type { World } from "../world.js";
import { checkRangeWords, readRange } from "./key-range.js";

/** Flags of del, also inside a transaction. */
export const delFlags = {
  "from-key": { kind: "bool", help: "delete this key and all behind it" },
  prefix: { kind: "bool", help: "delete all keys that begin with <key>" },
  "prev-kv": { kind: "bool", help: "print the pairs that were deleted" },
  range: { kind: "bool", help: "delete the range up to range_end without a delay" },
} as const satisfies FlagTable;

const warningMs = 2_000;

export const del = defineCommand({
  name: "del",
  usage: "[options] <key> [range_end]",
  short: "Removes the specified key or range of keys [key, range_end)",
  group: "Key-value commands",
  flags: delFlags,
  async run(context) {
    const { timeoutMs } = context;
    const request = await readDel(context.args, context.flags, context.world);
    const session = await context.connect();
    return delForms(await session.call(rpcs.deleteRange, request, { timeoutMs }));
  },
});

/** Warns before a range that may be meant otherwise, and gives two seconds to interrupt. @throws CommandFailure, exit code 128 */
export async function readDel(
  args: readonly string[],
  flags: FlagValues<typeof delFlags>,
  world: World,
): Promise<Partial<DeleteRangeRequest>> {
  if (args.length === 0 || args.length > 2) {
    const message = "del command needs one argument as key and an optional argument as range_end";
    throw new CommandFailure(ExitCode.BadArguments, message);
  }
  const words = { prefix: flags.prefix, fromKey: flags["from-key"] };
  checkRangeWords(words);
  const range = readRange(args, words);
  const [key = "", end] = args;
  if (end !== undefined && !flags.range) {
    world.stderr.write(
      `Warning: Keys between ${quoteText(key)} and ${quoteText(end)} will be deleted. Please interrupt the command within ` +
        "next 2 seconds to cancel. You can provide `--range` flag to avoid the delay.\n",
    );
    await new Promise<void>((resolve) => world.clock.after(warningMs, resolve));
  }
  return { ...range, prevKv: flags["prev-kv"] };
}

/** The forms of an answer to del. */
export function delForms(answer: DeleteRangeResponse): Forms {
  return {
    simple(page, options) {
      page.line(`${answer.deleted}`);
      for (const pair of answer.prevKvs) printPair(page, pair, options);
    },
    fields(page, options) {
      printHeaderFields(page, answer.header, options);
      page.field("Deleted", answer.deleted);
      for (const pair of answer.prevKvs) printPairFields(page, pair, "Prev", options);
    },
    json: () => messageJson(DeleteRangeResponse.name, answer),
    protobuf: () => DeleteRangeResponse.encode(answer),
  };
}
