import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";
import { logLine } from "../output/log-line.js";
import type { World } from "../world.js";
import type { FlagTable, FlagValue } from "./flag-table.js";
import { formatDuration, ValueError } from "./go-values.js";
import { readFlag } from "./parse-flags.js";

const prefix = "ETCDCTL_";

/** "ETCDCTL_DIAL_TIMEOUT" for "dial-timeout". */
function variableOf(flag: string): string {
  return `${prefix}${flag.toUpperCase().replaceAll("-", "_")}`;
}

/**
 * Sets flags from their variables. A variable that is not known, or set but empty, is mentioned on standard error; a value that
 * does not parse is ignored, as etcdctl does.
 * @param own further variables that the command reads itself.
 * @throws CommandFailure when a flag and its variable are both set.
 */
export function applyEnvironment(
  table: FlagTable,
  flags: { readonly values: Map<string, FlagValue>; readonly given: ReadonlySet<string> },
  own: readonly string[],
  world: World,
): void {
  const used = new Set(own);
  for (const name of Object.keys(table).sort()) {
    const variable = variableOf(name);
    const text = world.env[variable];
    if (text === undefined) continue;
    if (flags.given.has(name)) throw conflict(variable, world);
    const spec = table[name];
    if (text === "" || spec === undefined) continue;
    used.add(variable);
    try {
      flags.values.set(name, readFlag(spec, text, undefined));
    } catch (error) {
      if (!(error instanceof ValueError)) throw error; // the default stays, without a message
    }
  }
  for (const [name, text] of Object.entries(world.env)) {
    if (!name.startsWith(prefix) || used.has(name)) continue;
    const fields = { "environment-variable": `${name}=${text ?? ""}` };
    world.stderr.write(logLine(world, { level: "warn", message: "unrecognized environment variable", fields }));
  }
}

function conflict(variable: string, world: World): CommandFailure {
  const message =
    "conflicting environment variable is shadowed by corresponding command-line flag (either unset environment variable or disable flag))";
  world.stderr.write(logLine(world, { level: "fatal", message, fields: { "environment-variable": variable } }));
  return new CommandFailure(ExitCode.Error, message, { shown: "silent" });
}

/** What --debug prints: each global option as its variable. */
export function debugLines(table: FlagTable, values: ReadonlyMap<string, FlagValue>): string {
  return Object.keys(table)
    .sort()
    .map((name) => `${variableOf(name)}=${debugValue(table, name, values.get(name))}\n`)
    .join("");
}

function debugValue(table: FlagTable, name: string, value: FlagValue | undefined): string {
  if (Array.isArray(value)) return `[${value.join(",")}]`;
  return table[name]?.kind === "duration" ? formatDuration(Number(value)) : String(value);
}
