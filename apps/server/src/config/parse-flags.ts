import { ignoredFlags, type SettingName, settingOf, settings } from "./settings.js";

/** Values that were given, by setting. */
export type Given = ReadonlyMap<SettingName, unknown>;

/** What the words of a command line say. `usage` is a mistake that is answered with the usage text. */
export type ParsedFlags =
  | { kind: "flags"; given: Given; positional: readonly string[] }
  | { kind: "help" }
  | { kind: "usage"; message: string };

/**
 * Reads flags as Go's `flag` package does: one dash or two, the value after `=` or as the next word, truth values only after `=`. The first word that is no flag
 * ends them, and so does `--`.
 */
export function parseFlags(argv: readonly string[]): ParsedFlags {
  const given = new Map<SettingName, unknown>();
  const rest = [...argv];
  for (let word = rest[0]; word !== undefined; word = rest[0]) {
    if (word.length < 2 || !word.startsWith("-")) break;
    rest.shift();
    if (word === "--") break;
    const body = word.slice(word.startsWith("--") ? 2 : 1);
    if (/^[-=]/.test(body)) return { kind: "usage", message: `bad flag syntax: ${word}` };
    const equals = body.indexOf("=");
    const name = equals < 0 ? body : body.slice(0, equals);
    const attached = equals < 0 ? undefined : body.slice(equals + 1);
    if (ignoredFlags.includes(name)) continue;
    if (!isSettingName(name)) {
      if (name === "help" || name === "h") return { kind: "help" };
      return { kind: "usage", message: `flag provided but not defined: -${name}` };
    }
    const message = take(given, name, attached, rest);
    if (message !== undefined) return { kind: "usage", message };
  }
  return { kind: "flags", given, positional: rest };
}

function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(settings, name);
}

/** Takes one flag's value, the next word where it has none attached. @returns what is wrong with it, if anything. */
function take(
  given: Map<SettingName, unknown>,
  name: SettingName,
  attached: string | undefined,
  rest: string[],
): string | undefined {
  const setting = settingOf(name);
  const text = attached ?? (setting.isBoolean ? "true" : rest.shift());
  if (text === undefined) return `flag needs an argument: -${name}`;
  const parsed = setting.parse(text);
  if (parsed.kind === "value") {
    given.set(name, parsed.value);
    return undefined;
  }
  const what = setting.isBoolean
    ? `invalid boolean value ${JSON.stringify(text)} for -${name}`
    : `invalid value ${JSON.stringify(text)} for flag -${name}`;
  return `${what}: ${parsed.reason}`;
}
