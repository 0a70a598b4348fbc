import { rpcs } from "@quorate/client";
import { type PutRequest, PutResponse } from "@quorate/proto";
import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";
import { argumentBytes } from "../frame/argument-bytes.js";
import { defineCommand } from "../frame/command.js";
import type { FlagTable, FlagValues } from "../frame/flag-table.js";
import type { Forms } from "../output/forms.js";
import { messageJson } from "../output/json.js";
import { printHeaderFields, printPair, printPairFields } from "../output/pairs.js";
import type { InputStream } from "../world.js";
import { parseLeaseId } from "./lease-id.js";

/** Flags of put, also inside a transaction. */
export const putFlags = {
  "ignore-lease": { kind: "bool", help: "keep the key's lease" },
  "ignore-value": { kind: "bool", help: "keep the key's value" },
  lease: { kind: "string", default: "0", help: "lease to attach the key to, in hexadecimal" },
  "prev-kv": { kind: "bool", help: "print the pair as it was before" },
} as const satisfies FlagTable;

export const put = defineCommand({
  name: "put",
  usage: "[options] <key> <value> (<value> can also be given from stdin)",
  short: "Puts the given key into the store",
  long: `Puts the given key into the store.

A <value> that begins with '-' is taken for a flag, unless '--' stands before it:

$ put <key> -- <value>
$ put -- <key> <value>

Without <value>, and without --ignore-value, all of standard input is the value:

$ cat file | put <key>`,
  group: "Key-value commands",
  flags: putFlags,
  async run(context) {
    const { timeoutMs } = context;
    const request = await readPut(context.args, context.flags, context.world.stdin);
    const session = await context.connect();
    return putForms(await session.call(rpcs.put, request, { timeoutMs }));
  },
});

/** @param stdin where a missing value is read from; without it, there has to be one. @throws CommandFailure, exit code 128 */
export async function readPut(
  args: readonly string[],
  flags: FlagValues<typeof putFlags>,
  stdin: InputStream | undefined,
): Promise<Partial<PutRequest>> {
  const [key = "", given] = args;
  const ignoreValue = flags["ignore-value"];
  const fewArguments = "put command needs 1 argument and input from stdin or 2 arguments";
  if (args.length === 0) throw new CommandFailure(ExitCode.BadArguments, fewArguments);
  if (ignoreValue && args.length > 1) {
    throw new CommandFailure(ExitCode.BadArguments, "put command needs only 1 argument when 'ignore-value' is set");
  }
  const value = ignoreValue ? new Uint8Array() : given === undefined ? await stdin?.all() : argumentBytes(given);
  if (value === undefined || (!ignoreValue && given === undefined && value.length === 0)) {
    throw new CommandFailure(ExitCode.BadArguments, fewArguments);
  }
  return {
    key: argumentBytes(key),
    value,
    lease: parseLeaseId(flags.lease, "lease ID"),
    prevKv: flags["prev-kv"],
    ignoreValue,
    ignoreLease: flags["ignore-lease"],
  };
}

/** The forms of an answer to put. */
export function putForms(answer: PutResponse): Forms {
  return {
    simple(page, options) {
      page.line("OK");
      if (answer.prevKv !== undefined) printPair(page, answer.prevKv, options);
    },
    fields(page, options) {
      printHeaderFields(page, answer.header, options);
      if (answer.prevKv !== undefined) printPairFields(page, answer.prevKv, "Prev", options);
    },
    json: () => messageJson(PutResponse.name, answer),
    protobuf: () => PutResponse.encode(answer),
  };
}
