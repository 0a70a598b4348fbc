import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";
import type { FlagTable, FlagValues } from "../frame/flag-table.js";
import { quoteText } from "../frame/go-values.js";
import type { ParsedArguments } from "../frame/parse-flags.js";
import type { World } from "../world.js";

/** Flags of a watch, on the command line and in a line of the interactive form. */
export const watchFlags = {
  interactive: { kind: "bool", short: "i", help: "read `watch ...` and `progress` from standard input, line by line" },
  prefix: { kind: "bool", help: "watch all keys that begin with this one" },
  "prev-kv": { kind: "bool", help: "print each pair as it was before the event" },
  "progress-notify": { kind: "bool", help: "print a line now and then when nothing happens" },
  rev: { kind: "int", help: "begin with the events of this revision" },
} as const satisfies FlagTable;

export type WatchValues = FlagValues<typeof watchFlags>;

/** Variables of the environment that stand for the key and the end of the range. */
export const watchVariables = ["ETCDCTL_WATCH_KEY", "ETCDCTL_WATCH_RANGE_END"] as const;

/** What is to be watched, and which program to run for each event. */
export type WatchWords = {
  readonly key: string;
  readonly rangeEnd: string | undefined;
  readonly program: readonly string[];
};

/** The key, and maybe the end of the range, that the environment gives. @throws CommandFailure, exit code 128 */
export function readWatchVariables(world: World): readonly string[] {
  const [keyVariable, endVariable] = watchVariables;
  const key = world.env[keyVariable] ?? "";
  const end = world.env[endVariable] ?? "";
  if (key === "" && end !== "") throw wrong(`${keyVariable} is empty but got ${endVariable}=${quoteText(end)}`);
  return [key, end].filter((word) => word !== "");
}

/**
 * Tells keys from the words of the program behind `--`.
 * @param given what the environment gives; then the command line must not.
 * @throws CommandFailure, exit code 128
 */
export function readWatchWords(
  parsed: Pick<ParsedArguments, "args" | "argsBeforeDash">,
  given: readonly string[],
  isPrefix: boolean,
): WatchWords {
  const { args, argsBeforeDash = args.length } = parsed;
  const program = args.slice(argsBeforeDash);
  const own = args.slice(0, argsBeforeDash);
  if (parsed.argsBeforeDash !== undefined && program.length === 0) {
    throw wrong("bad number of arguments (found separator --, but no commands)");
  }
  if (given.length > 0 && own.length > 0) {
    throw wrong("bad number of arguments (found conflicting environment key)");
  }
  const words = [...given, ...own];
  const [key, end] = words;
  if (key === undefined) throw wrong("bad number of arguments");
  // As etcdctl does: with a third word, the second is not looked at either.
  const rangeEnd = words.length === 2 ? end : undefined;
  if (isPrefix && rangeEnd !== undefined) throw wrong("`range_end` and `--prefix` are mutually exclusive");
  return { key, rangeEnd, program };
}

function wrong(message: string): CommandFailure {
  return new CommandFailure(ExitCode.BadArguments, message);
}
