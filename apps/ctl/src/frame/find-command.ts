import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";
import type { Command } from "./command.js";
import type { FlagTable } from "./flag-table.js";
import { quoteText } from "./go-values.js";
import { longName } from "./parse-flags.js";

/** A command, those above it, and what was written besides their names. */
export type FoundCommand = {
  readonly path: readonly Command[];
  readonly command: Command;
  readonly rest: readonly string[];
};

/**
 * Finds the command that the arguments name, in full or by a prefix that only it has. Flags may stand in front of the names; one
 * that is not known swallows the next word, since it may be its value.
 * @throws CommandFailure with near names.
 */
export function findCommand(root: Command, argv: readonly string[], globals: FlagTable): FoundCommand {
  const path = [root];
  let command = root;
  let rest = argv;
  for (;;) {
    const at = firstWord(rest, { ...globals, ...command.flags });
    const word = at === undefined ? undefined : rest[at];
    if (at === undefined || word === undefined) return { path, command, rest };
    const next = childNamed(command, word);
    if (next === undefined) {
      if (command !== root) return { path, command, rest };
      throw unknownCommand(root, word);
    }
    path.push(next);
    command = next;
    rest = rest.filter((_one, index) => index !== at);
  }
}

function firstWord(argv: readonly string[], table: FlagTable): number | undefined {
  for (let at = 0; at < argv.length; at += 1) {
    const one = argv[at] ?? "";
    if (one === "--") return undefined;
    if (!one.startsWith("-")) {
      if (one !== "") return at;
    } else if (!one.includes("=") && takesNextWord(one, table)) {
      // As a flag's value, and as the last word, it names no command.
      if (argv.length - at <= 2) return undefined;
      at += 1;
    }
  }
  return undefined;
}

function takesNextWord(flag: string, table: FlagTable): boolean {
  const isLong = flag.startsWith("--");
  if (!isLong && flag.length !== 2) return false;
  const name = isLong ? flag.slice(2) : longName(table, flag.slice(1));
  return name === undefined || table[name]?.kind !== "bool";
}

/** The command below this one that has the name, or is the only one that begins with it. */
export function childNamed(command: Command, word: string): Command | undefined {
  const children = command.commands ?? [];
  const exact = children.find((one) => one.name === word);
  if (exact !== undefined) return exact;
  const near = children.filter((one) => one.name.startsWith(word));
  return near.length === 1 ? near[0] : undefined;
}

function unknownCommand(root: Command, word: string): CommandFailure {
  const near = (root.commands ?? []).map((one) => one.name).filter((name) => isNear(word.toLowerCase(), name));
  const hint = near.length === 0 ? "" : `\n\nDid you mean this?\n${near.map((name) => `\t${name}\n`).join("")}`;
  const message = `unknown command ${quoteText(word)} for ${quoteText(root.name)}${hint}\nRun '${root.name} --help' for usage.`;
  return new CommandFailure(ExitCode.Error, message);
}

const nearAtMost = 2;

function isNear(word: string, name: string): boolean {
  return name.startsWith(word) || distance(word, name) <= nearAtMost;
}

/** Levenshtein's: how many letters to insert, remove or replace. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_one, index) => index);
  for (let at = 0; at < from.length; at += 1) {
    const next = [at + 1];
    for (let index = 0; index < to.length; index += 1) {
      const replaced = (row[index] ?? 0) + (from[at] === to[index] ? 0 : 1);
      next.push(Math.min(replaced, (row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
