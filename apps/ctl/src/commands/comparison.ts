import { Compare, Compare_CompareResult as Result, Compare_CompareTarget as Target } from "@quorate/proto";
import { argumentBytes } from "../frame/argument-bytes.js";
import { parseInt64, quoteText, ValueError } from "../frame/go-values.js";
import { unquote } from "./words.js";

/** A line that is no comparison; says how it was read. */
export class ComparisonError extends Error {
  override readonly name = "ComparisonError";
}

const quoted = /^[ \t]*("(?:[^"\\]|\\.)*")/;

/**
 * Reads `target("key") operator "value"`.
 * @param line without blanks around it.
 * @throws ComparisonError
 */
export function parseComparison(line: string): Compare {
  const paren = line.indexOf("(");
  if (paren < 0) throw new ComparisonError(`malformed comparison: ${line}`);
  const target = line.slice(0, paren);
  const { key, operator, value, isWhole } = readParts(line.slice(paren + 1));
  if (!isWhole) {
    const got = `${target}(${quoteText(key)}) ${operator} ${quoteText(value)}`;
    throw new ComparisonError(`malformed comparison: ${line}; got ${got}`);
  }
  const what = targets.get(target);
  if (what === undefined) throw new ComparisonError(`malformed comparison: ${line} (unknown target ${target})`);
  const targetUnion = what.read(value);
  if (targetUnion === undefined) throw new ComparisonError(`invalid txn compare request: ${line}`);
  const result = results.get(operator);
  if (result === undefined) {
    throw new ComparisonError(`malformed comparison: ${line} (unknown operator ${operator}, expecting =, !=, < or >)`);
  }
  return Compare.create({ result, target: what.target, key: argumentBytes(key), targetUnion });
}

/** As much of the parts as there is, in the order of the line. */
function readParts(text: string): { key: string; operator: string; value: string; isWhole: boolean } {
  const parts = { key: "", operator: "", value: "", isWhole: false };
  const first = quoted.exec(text);
  const key = unquote(first?.[1] ?? "\\");
  if (first === null || key === undefined) return parts;
  parts.key = key;
  const middle = /^\)[ \t]+(\S+)/.exec(text.slice(first[0].length));
  if (middle === null) return parts;
  parts.operator = middle[1] ?? "";
  const last = quoted.exec(text.slice(first[0].length + middle[0].length));
  const value = unquote(last?.[1] ?? "\\");
  if (last === null || value === undefined) return parts;
  return { ...parts, value, isWhole: true };
}

const results = new Map<string, number>([
  ["=", Result.EQUAL],
  ["!=", Result.NOT_EQUAL],
  [">", Result.GREATER],
  ["<", Result.LESS],
]);

type Union = Compare["targetUnion"];
type TargetWord = { readonly target: number; readonly read: (text: string) => Union };

const version: TargetWord = { target: Target.VERSION, read: (text) => number("version", text, 10) };
const create: TargetWord = { target: Target.CREATE, read: (text) => number("createRevision", text, 10) };
const mod: TargetWord = { target: Target.MOD, read: (text) => number("modRevision", text, 10) };
const value: TargetWord = {
  target: Target.VALUE,
  read: (text) => ({ kind: "value", value: argumentBytes(text) }),
};
/** etcdctl crashes on it. The id is written as everywhere else, in hexadecimal. */
const lease: TargetWord = { target: Target.LEASE, read: (text) => number("lease", text, 16) };

const targets = new Map<string, TargetWord>([
  ["ver", version],
  ["version", version],
  ["c", create],
  ["create", create],
  ["m", mod],
  ["mod", mod],
  ["val", value],
  ["value", value],
  ["lease", lease],
]);

function number(kind: "version" | "createRevision" | "modRevision" | "lease", text: string, base: 10 | 16): Union {
  try {
    return { kind, value: parseInt64(text, base) };
  } catch (error) {
    if (error instanceof ValueError) return undefined;
    throw error;
  }
}
