import { bytesToText, textToBytes } from "./bytes-text.js";
import { isObject, type Json, type JsonObject, show } from "../json.js";
import { Mismatch } from "../mismatch.js";

/** Names that stand for values seen earlier in the case: "cluster" to 14841639068965178418n's decimal text, and so on. */
export type Remembered = Map<string, Json>;

/**
 * Compares an answer with the recorded one, wildcards and names included, and remembers what names stand for.
 * @param unordered paths (with dots) of lists that are compared as multisets, after everything else
 * @throws Mismatch
 */
export function matchAnswer(
  expected: Json,
  actual: Json,
  remembered: Remembered,
  unordered: readonly string[] = [],
): void {
  const lists = new Set(unordered);
  const later: (() => void)[] = [];
  compare(expected, actual, "", { remembered, lists, later });
  for (const run of later) run();
}

type Context = { readonly remembered: Remembered; readonly lists: ReadonlySet<string>; readonly later: (() => void)[] };

function compare(expected: Json, actual: Json | undefined, path: string, context: Context): void {
  if (typeof expected === "string") {
    compareText(expected, actual, path, context.remembered);
  } else if (Array.isArray(expected)) {
    compareLists(expected, actual, path, context);
  } else if (isObject(expected)) {
    if (!isObject(actual)) throw differ(path, expected, actual);
    for (const [name, one] of Object.entries(expected))
      compare(one, actual[name], path === "" ? name : `${path}.${name}`, context);
    for (const name of Object.keys(actual)) {
      if (!(name in expected))
        throw new Mismatch(`${path === "" ? name : `${path}.${name}`}: not wanted, but is ${show(actual[name])}`);
    }
  } else if (expected !== actual) {
    throw differ(path, expected, actual);
  }
}

function compareText(expected: string, actual: Json | undefined, path: string, remembered: Remembered): void {
  if (expected === "$maybe") return;
  if (actual === undefined) throw differ(path, expected, actual);
  if (expected === "$any") return;
  const between = /^\$between:(-?\d+):(-?\d+)$/.exec(expected);
  if (between !== null) {
    const isInteger = typeof actual === "number" || (typeof actual === "string" && /^-?\d+$/.test(actual));
    const isInside =
      isInteger && BigInt(actual) >= BigInt(between[1] ?? 0) && BigInt(actual) <= BigInt(between[2] ?? 0);
    if (!isInside) throw differ(path, expected, actual);
    return;
  }
  if (expected.startsWith("$")) {
    const name = expected.slice(1);
    const known = remembered.get(name);
    if (known === undefined) remembered.set(name, actual);
    else if (show(known) !== show(actual))
      throw new Mismatch(`${path}: ${expected} is ${show(known)}, but is ${show(actual)}`);
    return;
  }
  if (actual === expected) return;
  // Two ways to write the same bytes ("rep:a:3" and "aaa") are equal.
  const isOtherForm = /^(b64:|rep:)/.test(expected) && bytesToText(textToBytes(expected)) === actual;
  if (!isOtherForm) throw differ(path, expected, actual);
}

function compareLists(expected: Json[], actual: Json | undefined, path: string, context: Context): void {
  if (!Array.isArray(actual) || actual.length !== expected.length) throw differ(path, expected, actual);
  if (!context.lists.has(path)) {
    expected.forEach((one, index) => {
      compare(one, actual[index], `${path}[${index}]`, context);
    });
    return;
  }
  context.later.push(() => {
    const left = [...actual];
    for (const one of expected) {
      const index = left.findIndex((other) => isEqual(one, other, context.remembered));
      if (index < 0) throw new Mismatch(`${path} (in any order): nothing equals ${show(one)} among ${show(left)}`);
      left.splice(index, 1);
    }
  });
}

/** Equality with all names known; nothing new is remembered. Wildcards inside may match several: the first one is taken. */
function isEqual(expected: Json, actual: Json, remembered: Remembered): boolean {
  try {
    compare(expected, actual, "", { remembered: new Map(remembered), lists: new Set(), later: [] });
    return true;
  } catch (error) {
    if (error instanceof Mismatch) return false;
    throw error;
  }
}

function differ(path: string, expected: Json, actual: Json | undefined): Mismatch {
  return new Mismatch(`${path === "" ? "answer" : path}: wanted ${show(expected)}, is ${show(actual)}`);
}

/** A request with its names ("$lease") replaced by what they stand for. @throws Mismatch for a name not seen yet. */
export function fillIn(request: Json, remembered: Remembered): Json {
  if (typeof request === "string" && request.startsWith("$")) return known(request.slice(1), remembered);
  if (Array.isArray(request)) return request.map((one) => fillIn(one, remembered));
  if (!isObject(request)) return request;
  const filled: JsonObject = {};
  for (const [name, one] of Object.entries(request)) filled[name] = fillIn(one, remembered);
  return filled;
}

/** Metadata values have names inside a text: "${token}". */
export function fillInText(text: string, remembered: Remembered): string {
  return text.replace(/\$\{([a-z0-9_]+)\}/g, (_all, name: string) => String(known(name, remembered)));
}

function known(name: string, remembered: Remembered): Json {
  const value = remembered.get(name);
  if (value === undefined) throw new Mismatch(`$${name} has not been seen yet`);
  return value;
}
