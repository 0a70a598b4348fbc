import { rpcs, streamRpcs } from "@quorate/client";
import {
  type RangeRequest,
  RangeRequest_SortOrder as SortOrder,
  RangeRequest_SortTarget as SortTarget,
  RangeResponse,
} from "@quorate/proto";
import { CommandFailure } from "../command-failure.js";
import { noTimeout, type Session } from "../connection/session.js";
import { ExitCode } from "../exit-codes.js";
import { defineCommand } from "../frame/command.js";
import type { FlagTable, FlagValues } from "../frame/flag-table.js";
import type { Forms } from "../output/forms.js";
import { messageJson } from "../output/json.js";
import { printBytes, printHeaderFields, printPair, printPairFields } from "../output/pairs.js";
import { checkRangeWords, readRange } from "./key-range.js";

/** Flags of get, also inside a transaction. */
export const getFlags = {
  consistency: { kind: "string", default: "l", help: "l: linearizable, s: serializable" },
  "count-only": { kind: "bool", help: "get the count only (with -w fields)" },
  "from-key": { kind: "bool", help: "get this key and all behind it" },
  "keys-only": { kind: "bool", help: "get keys without values" },
  limit: { kind: "int", help: "so many results at most" },
  "max-create-rev": { kind: "int", help: "keys created at this revision or before" },
  "max-mod-rev": { kind: "int", help: "keys modified at this revision or before" },
  "min-create-rev": { kind: "int", help: "keys created at this revision or after" },
  "min-mod-rev": { kind: "int", help: "keys modified at this revision or after" },
  order: { kind: "string", help: "order of the results: ASCEND or DESCEND" },
  prefix: { kind: "bool", help: "get all keys that begin with <key>" },
  "print-value-only": { kind: "bool", help: "print values without keys (with -w simple)" },
  rev: { kind: "int", help: "get what was there at this revision" },
  "sort-by": { kind: "string", help: "what to sort by: CREATE, KEY, MODIFY, VALUE, or VERSION" },
  stream: { kind: "bool", help: "let the member send the answer in pieces (RangeStream)" },
} as const satisfies FlagTable;

type GetValues = FlagValues<typeof getFlags>;

export const get = defineCommand({
  name: "get",
  usage: "[options] <key> [range_end]",
  short: "Gets the key or a range of keys",
  group: "Key-value commands",
  flags: getFlags,
  async run(context) {
    const { timeoutMs, flags } = context;
    const request = readGet(context.args, flags);
    const session = await context.connect();
    const answer = flags.stream
      ? await readStream(session, request)
      : await session.call(rpcs.range, request, { timeoutMs });
    const form = context.globals["write-out"];
    if (flags["count-only"] && form !== "fields") throw onlyFor("--count-only", "fields");
    if (flags["print-value-only"] && form !== "simple") throw onlyFor("print-value-only", "simple");
    return getForms(answer, { valuesOnly: flags["print-value-only"] });
  },
});

function onlyFor(flag: string, form: string): CommandFailure {
  return new CommandFailure(ExitCode.BadArguments, `${flag} is only for \`--write-out=${form}\``);
}

/** @throws CommandFailure for arguments and flags that cannot be. */
export function readGet(args: readonly string[], flags: GetValues): Partial<RangeRequest> {
  if (args.length === 0) {
    const message = "get command needs one argument as key and an optional argument as range_end";
    throw new CommandFailure(ExitCode.BadArguments, message);
  }
  const words = { prefix: flags.prefix, fromKey: flags["from-key"] };
  checkRangeWords(words);
  if (flags["keys-only"] && flags["count-only"]) {
    const message = "`--keys-only` and `--count-only` cannot be set at the same time, choose one";
    throw new CommandFailure(ExitCode.BadArguments, message);
  }
  if (flags.consistency !== "l" && flags.consistency !== "s") {
    throw new CommandFailure(ExitCode.BadFeature, `unknown consistency flag "${flags.consistency}"`);
  }
  const range = readRange(args.slice(0, 2), words);
  const sort = readSort(flags);
  checkBounds("CreateRev", flags["min-create-rev"], flags["max-create-rev"]);
  checkBounds("ModRev", flags["min-mod-rev"], flags["max-mod-rev"]);
  return {
    ...range,
    ...sort,
    serializable: flags.consistency === "s",
    limit: flags.limit,
    revision: flags.rev > 0n ? flags.rev : 0n,
    keysOnly: flags["keys-only"],
    countOnly: flags["count-only"],
    minCreateRevision: flags["min-create-rev"],
    maxCreateRevision: flags["max-create-rev"],
    minModRevision: flags["min-mod-rev"],
    maxModRevision: flags["max-mod-rev"],
  };
}

const orders = new Map<string, number>([
  ["", SortOrder.NONE],
  ["ASCEND", SortOrder.ASCEND],
  ["DESCEND", SortOrder.DESCEND],
]);
const targets = new Map<string, number>([
  ["", SortTarget.KEY],
  ["KEY", SortTarget.KEY],
  ["VERSION", SortTarget.VERSION],
  ["CREATE", SortTarget.CREATE],
  ["MODIFY", SortTarget.MOD],
  ["VALUE", SortTarget.VALUE],
]);

function readSort(flags: GetValues): Pick<RangeRequest, "sortOrder" | "sortTarget"> {
  const order = orders.get(flags.order.toUpperCase());
  if (order === undefined) throw new CommandFailure(ExitCode.BadFeature, `bad sort order ${flags.order}`);
  const sortTarget = targets.get(flags["sort-by"].toUpperCase());
  if (sortTarget === undefined) {
    throw new CommandFailure(ExitCode.BadFeature, `bad sort target ${flags["sort-by"]}`);
  }
  // Members answer in this order anyway, and need not sort.
  const isPlain = order === SortOrder.ASCEND && sortTarget === SortTarget.KEY;
  return { sortOrder: isPlain ? SortOrder.NONE : order, sortTarget };
}

function checkBounds(what: string, min: bigint, max: bigint): void {
  if (max <= 0n || min <= max) return;
  throw new CommandFailure(ExitCode.BadFeature, `getMin${what}(=${min}) > getMax${what}(=${max})`);
}

/** The pieces of a streamed answer as one. */
async function readStream(session: Session, request: Partial<RangeRequest>): Promise<RangeResponse> {
  const whole = RangeResponse.create({ kvs: [] });
  for await (const { rangeResponse } of session.client.stream(streamRpcs.rangeStream, request, {
    timeoutMs: noTimeout,
  })) {
    whole.header ??= rangeResponse?.header;
    whole.kvs.push(...(rangeResponse?.kvs ?? []));
    whole.more ||= rangeResponse?.more ?? false;
    if (rangeResponse !== undefined && rangeResponse.count > 0n) whole.count = rangeResponse.count;
  }
  return whole;
}

/** The forms of an answer to get. */
export function getForms(answer: RangeResponse, options: { readonly valuesOnly: boolean }): Forms {
  return {
    simple(page, print) {
      for (const pair of answer.kvs) {
        if (options.valuesOnly) printBytes(page, pair.value, print);
        else printPair(page, pair, print);
      }
    },
    fields(page, print) {
      printHeaderFields(page, answer.header, print);
      for (const pair of answer.kvs) printPairFields(page, pair, "", print);
      page.field("More", answer.more).field("Count", answer.count);
    },
    json: () => messageJson(RangeResponse.name, answer),
    protobuf: () => RangeResponse.encode(answer),
  };
}
