import { isObject, type Json, parseJson, show } from "../json.js";
import { Mismatch } from "../mismatch.js";

/** What `{{name}}` stands for, by name. */
export type Variables = Map<string, Json>;

const fixedPatterns = new Map<string, string>([
  ["any", "[\\s\\S]*"],
  ["text", "[\\s\\S]*"],
  ["ne", "[\\s\\S]+"],
  ["num", "-?\\d+"],
  ["hex", "[0-9a-f]+"],
  ["b64", "[A-Za-z0-9+/]+=*"],
]);

/** A text that is sent, with its names replaced. @throws Mismatch for a name that is not known yet. */
export function substitute(text: string, variables: Variables): string {
  return text.replace(/\{\{(\w+)\}\}/g, (_all, name: string) => {
    const value = variables.get(name);
    if (value === undefined) throw new Mismatch(`{{${name}}} has not been seen yet`);
    return String(value);
  });
}

/** Compares by value: same keys, same order in lists, strict types; strings of `expected` may hold patterns. @throws Mismatch */
export function matchValue(expected: Json, actual: Json | undefined, variables: Variables, path = "answer"): void {
  if (typeof expected === "string") {
    matchText(expected, actual, variables, path);
  } else if (Array.isArray(expected)) {
    matchList(expected, actual, variables, path);
  } else if (isObject(expected)) {
    if (!isObject(actual)) throw differ(path, expected, actual);
    for (const [name, one] of Object.entries(expected)) matchValue(one, actual[name], variables, `${path}.${name}`);
    for (const name of Object.keys(actual)) {
      if (!(name in expected)) throw new Mismatch(`${path}.${name}: not wanted, but is ${show(actual[name])}`);
    }
  } else if (expected !== actual) {
    throw differ(path, expected, actual);
  }
}

function matchList(expected: Json[], actual: Json | undefined, variables: Variables, path: string): void {
  if (!Array.isArray(actual)) throw differ(path, expected, actual);
  const isUnordered = expected[0] === "{{unordered}}";
  const wanted = isUnordered ? expected.slice(1) : expected;
  if (wanted.length !== actual.length) throw differ(path, expected, actual);
  if (!isUnordered) {
    wanted.forEach((one, index) => {
      matchValue(one, actual[index], variables, `${path}[${index}]`);
    });
    return;
  }
  const left = [...actual];
  for (const one of wanted) {
    const index = left.findIndex((other) => isMatch(one, other, variables));
    if (index < 0) throw new Mismatch(`${path} (in any order): nothing equals ${show(one)} among ${show(left)}`);
    left.splice(index, 1);
  }
}

function isMatch(expected: Json, actual: Json, variables: Variables): boolean {
  const copy = new Map(variables);
  try {
    matchValue(expected, actual, copy);
  } catch (error) {
    if (error instanceof Mismatch) return false;
    throw error;
  }
  for (const [name, value] of copy) variables.set(name, value);
  return true;
}

function matchText(expected: string, actual: Json | undefined, variables: Variables, path: string): void {
  if (actual === undefined) throw differ(path, expected, actual);
  const whole = /^\{\{(\w+)\}\}$/.exec(expected)?.[1];
  if (whole === "any") return;
  if (whole === "num" && typeof actual === "number") return;
  if (whole !== undefined && !fixedPatterns.has(whole)) {
    const known = variables.get(whole);
    if (known === undefined) variables.set(whole, actual);
    else if (show(known) !== show(actual))
      throw new Mismatch(`${path}: {{${whole}}} is ${show(known)}, but is ${show(actual)}`);
    return;
  }
  if (typeof actual !== "string") throw differ(path, expected, actual);
  if (!expected.includes("{{")) {
    if (actual !== expected) throw differ(path, expected, actual);
    return;
  }
  const captured: string[] = [];
  const match = new RegExp(`^${toRegularExpression(expected, variables, captured)}$`).exec(actual);
  if (match === null) throw differ(path, expected, actual);
  captured.forEach((name, index) => {
    variables.set(name, match[index + 1] ?? "");
  });
}

/** Patterns and known names inside a longer text; each unknown name becomes a group, listed in `captured`. */
function toRegularExpression(expected: string, variables: Variables, captured: string[]): string {
  const pieces = expected.split(/\{\{(\w+)\}\}/);
  return pieces
    .map((piece, index) => {
      if (index % 2 === 0) return escapeText(piece);
      const fixed = fixedPatterns.get(piece);
      if (fixed !== undefined) return fixed;
      const known = variables.get(piece);
      if (known !== undefined) return escapeText(String(known));
      captured.push(piece);
      return "([\\s\\S]+?)";
    })
    .join("");
}

function escapeText(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

function differ(path: string, expected: Json, actual: Json | undefined): Mismatch {
  return new Mismatch(`${path}: wanted ${show(expected)}, is ${show(actual)}`);
}

/** Compares a body: with an object or a list as JSON, with a string as text. @throws Mismatch */
export function matchBody(expected: Json, body: string, variables: Variables): void {
  if (typeof expected === "string") {
    matchValue(expected, body, variables, "body");
    return;
  }
  let parsed: Json;
  try {
    parsed = parseJson(body);
  } catch {
    throw new Mismatch(`body: wanted ${show(expected)}, is not JSON: ${show(body)}`);
  }
  matchValue(expected, parsed, variables, "body");
}
