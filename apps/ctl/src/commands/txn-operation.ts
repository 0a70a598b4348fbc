import { RangeRequest, RequestOp } from "@quorate/proto";
import { DeleteRangeRequest, PutRequest } from "@quorate/proto";
import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";
import { type Command, defineCommand } from "../frame/command.js";
import { findCommand } from "../frame/find-command.js";
import type { FlagTable, FlagValue, FlagValues } from "../frame/flag-table.js";
import { helpFlag, usageText } from "../frame/help.js";
import { parseArguments } from "../frame/parse-flags.js";
import type { World } from "../world.js";
import { delFlags, readDel } from "./del.js";
import { getFlags, readGet } from "./get.js";
import { putFlags, readPut } from "./put.js";
import { splitWords } from "./words.js";

/**
 * Reads one line of a transaction: put, get or del with their arguments and flags.
 * @throws CommandFailure
 */
export async function parseOperation(line: string, world: World): Promise<RequestOp> {
  const words = splitWords(line);
  if (words.length < 2) throw invalid(`invalid txn compare request: ${line}`);
  const { command, rest, path } = find(words, line);
  const parsed = (() => {
    try {
      return parseArguments(rest, { ...command.flags, help: helpFlag });
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error;
      world.stderr.write(`${usageText([program, ...path.slice(1)])}\n`);
      throw invalid(`invalid txn request: ${line} (${error.message})`);
    }
  })();
  if (parsed.values.get("help") === true) throw invalid(`invalid txn request: ${line}`);
  switch (command) {
    case putLine: {
      const value = await readPut(parsed.args, valuesOf(putFlags, parsed.values), undefined);
      return RequestOp.create({ request: { kind: "requestPut", value: PutRequest.create(value) } });
    }
    case getLine: {
      const value = readGet(parsed.args, valuesOf(getFlags, parsed.values));
      return RequestOp.create({ request: { kind: "requestRange", value: RangeRequest.create(value) } });
    }
    default: {
      const value = await readDel(parsed.args, valuesOf(delFlags, parsed.values), world);
      return RequestOp.create({ request: { kind: "requestDeleteRange", value: DeleteRangeRequest.create(value) } });
    }
  }
}

const putLine = defineCommand({
  name: "put",
  usage: "[options] <key> <value>",
  short: "",
  flags: putFlags,
  run: nothing,
});
const getLine = defineCommand({
  name: "get",
  usage: "[options] <key> [range_end]",
  short: "",
  flags: getFlags,
  run: nothing,
});
const delLine = defineCommand({
  name: "del",
  usage: "[options] <key> [range_end]",
  short: "",
  flags: delFlags,
  run: nothing,
});
const program: Command = { name: "txn", short: "", commands: [putLine, getLine, delLine] };

async function nothing(): Promise<undefined> {}

function find(words: readonly string[], line: string) {
  try {
    const found = findCommand(program, words, {});
    if (found.command !== program) return found;
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error; // unknown: told below, with the line
  }
  throw invalid(`invalid txn request: ${line}`);
}

/** The values of a command's own flags. The table that they were read by is the one that the type is made from. */
function valuesOf<T extends FlagTable>(_table: T, values: ReadonlyMap<string, FlagValue>): FlagValues<T> {
  return Object.fromEntries(values) as FlagValues<T>;
}

function invalid(message: string): CommandFailure {
  return new CommandFailure(ExitCode.InvalidInput, message);
}
