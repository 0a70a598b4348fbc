import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";
import { defaultOf, type FlagSpec, type FlagTable, type FlagValue } from "./flag-table.js";
import { parseBool, parseDuration, parseInt64, quoteText, ValueError } from "./go-values.js";

/** What the arguments of a command say. */
export type ParsedArguments = {
  /** By name; flags that were not given have their default. */
  readonly values: Map<string, FlagValue>;
  /** Names of the flags that were given. */
  readonly given: ReadonlySet<string>;
  readonly args: readonly string[];
  /** How many of `args` stand in front of `--`; `undefined` without it. */
  readonly argsBeforeDash: number | undefined;
};

/**
 * Reads arguments by the rules of Go's pflag: flags anywhere up to `--`, `--name value`, `--name=value`, `-n value`, `-nvalue`,
 * `-n=value`, joined short flags.
 * @throws CommandFailure that shows the usage.
 */
export function parseArguments(argv: readonly string[], table: FlagTable): ParsedArguments {
  return new ArgumentParser(table).parse(argv);
}

/** The name of the flag with this one-letter form. */
export function longName(table: FlagTable, short: string): string | undefined {
  return Object.keys(table).find((name) => table[name]?.short === short);
}

class ArgumentParser {
  readonly #table: FlagTable;
  readonly #values: Map<string, FlagValue>;
  readonly #given = new Set<string>();
  #rest: string[] = [];

  constructor(table: FlagTable) {
    this.#table = table;
    this.#values = new Map(Object.entries(table).map(([name, spec]) => [name, defaultOf(spec)]));
  }

  parse(argv: readonly string[]): ParsedArguments {
    this.#rest = [...argv];
    const args: string[] = [];
    let argsBeforeDash: number | undefined;
    for (let one = this.#rest.shift(); one !== undefined; one = this.#rest.shift()) {
      if (one === "--") {
        argsBeforeDash = args.length;
        args.push(...this.#rest);
        break;
      }
      if (one === "-" || !one.startsWith("-")) args.push(one);
      else if (one.startsWith("--")) this.#long(one);
      else this.#short(one.slice(1));
    }
    return { values: this.#values, given: this.#given, args, argsBeforeDash };
  }

  #long(text: string): void {
    const [, name = "", inline] = /^--([^=]*)(?:=(.*))?$/s.exec(text) ?? [];
    if (name === "" || name.startsWith("-")) throw usageFailure(`bad flag syntax: ${text}`);
    const spec = Object.hasOwn(this.#table, name) ? this.#table[name] : undefined;
    if (spec === undefined) throw usageFailure(`unknown flag: --${name}`);
    const value = inline ?? (spec.kind === "bool" ? "true" : this.#rest.shift());
    if (value === undefined) throw usageFailure(`flag needs an argument: --${name}`);
    this.#set(name, spec, value);
  }

  #short(cluster: string): void {
    for (let rest = cluster; rest !== ""; ) {
      const letter = rest.slice(0, 1);
      const name = longName(this.#table, letter);
      const spec = name === undefined ? undefined : this.#table[name];
      if (name === undefined || spec === undefined) {
        throw usageFailure(`unknown shorthand flag: '${letter}' in -${rest}`);
      }
      if (rest[1] === "=" && rest.length > 2) return this.#set(name, spec, rest.slice(2));
      if (spec.kind !== "bool") {
        const value = rest.length > 1 ? rest.slice(1) : this.#rest.shift();
        if (value === undefined) throw usageFailure(`flag needs an argument: '${letter}' in -${rest}`);
        return this.#set(name, spec, value);
      }
      this.#set(name, spec, "true");
      rest = rest.slice(1);
    }
  }

  #set(name: string, spec: FlagSpec, text: string): void {
    const before = this.#given.has(name) ? this.#values.get(name) : undefined;
    try {
      this.#values.set(name, readFlag(spec, text, before));
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      const flag = spec.short === undefined ? `--${name}` : `-${spec.short}, --${name}`;
      throw usageFailure(`invalid argument ${quoteText(text)} for ${quoteText(flag)} flag: ${error.message}`);
    }
    this.#given.add(name);
  }
}

/**
 * The value that a text means for a flag.
 * @param before what the flag was given already: a list is added to.
 * @throws ValueError
 */
export function readFlag(spec: FlagSpec, text: string, before: FlagValue | undefined): FlagValue {
  switch (spec.kind) {
    case "bool":
      return parseBool(text);
    case "string":
      return text;
    case "int":
      return parseInt64(text, "any");
    case "duration":
      return parseDuration(text);
    case "strings":
      return [...(Array.isArray(before) ? before : []), ...(text === "" ? [] : text.split(","))];
  }
}

function usageFailure(message: string): CommandFailure {
  return new CommandFailure(ExitCode.Error, message, { shown: "usage" });
}
