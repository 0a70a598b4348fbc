import { parseGoDuration } from "./go-duration.js";
import { type IntegerRange, int64, parseGoBool, parseGoInteger, uint32, uint64 } from "./go-number.js";
import { type MemberUrl, parseUrls } from "./member-url.js";

/** A value, or why the text is none. */
export type Parsed<Value> = { kind: "value"; value: Value } | { kind: "invalid"; reason: string };

/** One setting: how it is written as a flag or variable, and in a configuration file. */
export type Setting<Value> = Readonly<{
  default: Value;
  help: string;
  /** Flags of this kind take a value only after `=`. */
  isBoolean: boolean;
  parse: (text: string) => Parsed<Value>;
  /** Where it stands in a configuration file, with dots between nested keys; undefined: as the flag is called; "" for not at all. */
  fileKey?: string;
  file: FileForm<Value>;
}>;

/** How a setting is written in a file. `type` is the Go type that etcd names when another one is found. */
export type FileForm<Value> = Readonly<{
  type: string;
  /** The value, or undefined when `json` has another type. */
  read: (json: unknown) => Parsed<Value> | undefined;
  /** True for values whose form is checked on its own, with the message `unexpected error setting up`. */
  isUrls?: boolean;
}>;

const value = <Value>(one: Value): Parsed<Value> => ({ kind: "value", value: one });
const invalid = (reason: string): { kind: "invalid"; reason: string } => ({ kind: "invalid", reason });
const readString = (json: unknown): string | undefined => (typeof json === "string" ? json : undefined);

type Common = Readonly<{ fileKey?: string }>;

/** Any text. */
export function text(fallback: string, help: string, common: Common = {}): Setting<string> {
  const read = (json: unknown): Parsed<string> | undefined => (typeof json === "string" ? value(json) : undefined);
  return { default: fallback, help, isBoolean: false, parse: value, file: { type: "string", read }, ...common };
}

/** One of a few words. A file may hold any word: it is looked at later. */
export function choice(
  fallback: string,
  allowed: readonly string[],
  help: string,
  options: Common & { showsWrong?: boolean } = {},
): Setting<string> {
  const parse = (given: string): Parsed<string> => {
    if (allowed.includes(given)) return value(given);
    return invalid(options.showsWrong === true ? `invalid value ${JSON.stringify(given)}` : "invalid value");
  };
  const { fileKey } = options;
  return { ...text(fallback, help, fileKey === undefined ? {} : { fileKey }), parse };
}

/** A truth value. */
export function flag(fallback: boolean, help: string, common: Common = {}): Setting<boolean> {
  const parse = (given: string): Parsed<boolean> => {
    const parsed = parseGoBool(given);
    return parsed === undefined ? invalid("parse error") : value(parsed);
  };
  const read = (json: unknown): Parsed<boolean> | undefined => (typeof json === "boolean" ? value(json) : undefined);
  return { default: fallback, help, isBoolean: true, parse, file: { type: "bool", read }, ...common };
}

type IntegerType = "int" | "int64" | "uint" | "uint32" | "uint64";

const ranges: Readonly<Record<IntegerType, IntegerRange>> = { int: int64, int64, uint: uint64, uint32, uint64 };

/** A whole number. The messages of 32-bit ones are those of the parser below Go's flags. */
export function integer(fallback: number, type: IntegerType, help: string, common: Common = {}): Setting<number> {
  const range = ranges[type];
  const parse = (given: string): Parsed<number> => {
    const parsed = parseGoInteger(given, range);
    if (parsed.kind === "integer") return value(parsed.value);
    if (type === "uint32") {
      const reason = parsed.kind === "range" ? "value out of range" : "invalid syntax";
      return invalid(`strconv.ParseUint: parsing ${JSON.stringify(given)}: ${reason}`);
    }
    return invalid(parsed.kind === "range" ? "value out of range" : "parse error");
  };
  const read = (json: unknown): Parsed<number> | undefined => {
    if (typeof json !== "number" || !Number.isInteger(json)) return undefined;
    return json < Number(range.min) || json > Number(range.max) ? undefined : value(json);
  };
  return { default: fallback, help, isBoolean: false, parse, file: { type, read }, ...common };
}

/** A time in milliseconds. Nanoseconds in a file. */
export function duration(fallbackMs: number, help: string, common: Common = {}): Setting<number> {
  const parse = (given: string): Parsed<number> => {
    const parsed = parseGoDuration(given);
    return parsed.kind === "duration" ? value(parsed.ms) : invalid("parse error");
  };
  const read = (json: unknown): Parsed<number> | undefined =>
    typeof json === "number" && Number.isInteger(json) ? value(json / 1e6) : undefined;
  return { default: fallbackMs, help, isBoolean: false, parse, file: { type: "time.Duration", read }, ...common };
}

/** Words between commas; a list in a file. */
export function words(
  fallback: readonly string[],
  help: string,
  options: Common & { isTextInFile?: boolean } = {},
): Setting<readonly string[]> {
  const { fileKey, isTextInFile } = options;
  const parse = (given: string): Parsed<readonly string[]> => value(given.split(","));
  const readList = (json: unknown): Parsed<readonly string[]> | undefined =>
    Array.isArray(json) && json.every((one) => typeof one === "string") ? value(json as string[]) : undefined;
  const readText = (json: unknown): Parsed<readonly string[]> | undefined => {
    const given = readString(json);
    return given === undefined ? undefined : value(given === "" ? fallback : given.split(","));
  };
  const file = isTextInFile === true ? { type: "string", read: readText } : { type: "[]string", read: readList };
  return { default: fallback, help, isBoolean: false, parse, file, ...(fileKey === undefined ? {} : { fileKey }) };
}

/** URLs between commas; one string in a file. `exceptions` are taken as they are, and mean no URL. */
export function urls(
  fallback: readonly string[],
  help: string,
  options: { exceptions?: readonly string[] } = {},
): Setting<readonly MemberUrl[]> {
  const exceptions = options.exceptions ?? [];
  const parse = (given: string): Parsed<readonly MemberUrl[]> => {
    if (exceptions.includes(given)) return value([]);
    const parsed = parseUrls(given.split(","));
    return parsed.kind === "urls" ? value(withoutRepeats(parsed.urls)) : invalid(parsed.reason);
  };
  const standard = fallback.length === 0 ? value([]) : parse(fallback.join(","));
  const read = (json: unknown): Parsed<readonly MemberUrl[]> | undefined => {
    const given = readString(json);
    if (given === undefined) return undefined;
    return given === "" ? standard : parse(given);
  };
  return {
    default: standard.kind === "value" ? standard.value : [],
    help,
    isBoolean: false,
    parse,
    file: { type: "string", read, isUrls: true },
  };
}

/** Origins of web pages: `*`, or URLs with host and port, compared as text. */
export function origins(help: string): Setting<readonly string[]> {
  const all: readonly string[] = ["*"];
  const parse = (given: string): Parsed<readonly string[]> => {
    if (given === "*" || given === "") return value(all);
    const parsed = parseUrls(given.split(","));
    return parsed.kind === "urls" ? value(parsed.urls.map((url) => url.text)) : invalid(parsed.reason);
  };
  const read = (json: unknown): Parsed<readonly string[]> | undefined => {
    const given = readString(json);
    return given === undefined ? undefined : parse(given);
  };
  return { default: all, help, isBoolean: false, parse, file: { type: "string", read } };
}

function withoutRepeats(list: readonly MemberUrl[]): readonly MemberUrl[] {
  return list.filter((url, index) => list.findIndex((other) => other.text === url.text) === index);
}
