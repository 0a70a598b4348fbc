/** What a number must fit into. */
export type IntegerRange = Readonly<{ min: bigint; max: bigint }>;

export const uint64: IntegerRange = { min: 0n, max: 2n ** 64n - 1n };
export const uint32: IntegerRange = { min: 0n, max: 2n ** 32n - 1n };
export const int64: IntegerRange = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

/** A whole number, or why the text is none. */
export type ParsedInteger = { kind: "integer"; value: number } | { kind: "syntax" } | { kind: "range" };

const literal = /^(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])*|[1-9](?:_?\d)*)$/;

/** Reads a number as Go's flags do: decimal, or with the prefixes 0x, 0b, 0o and 0. Values past 2^53 lose their last digits. */
export function parseGoInteger(text: string, range: IntegerRange): ParsedInteger {
  const isSigned = range.min < 0n;
  const digits = isSigned ? text.replace(/^[+-]/, "") : text;
  if (!literal.test(digits)) return { kind: "syntax" };
  const plain = digits.replaceAll("_", "");
  const magnitude = BigInt(/^0[0-7]+$/.test(plain) ? `0o${plain.slice(1)}` : plain);
  const value = text.startsWith("-") ? -magnitude : magnitude;
  return value < range.min || value > range.max ? { kind: "range" } : { kind: "integer", value: Number(value) };
}

/** Reads a truth value as Go does, or undefined. */
export function parseGoBool(text: string): boolean | undefined {
  if (["1", "t", "T", "TRUE", "true", "True"].includes(text)) return true;
  if (["0", "f", "F", "FALSE", "false", "False"].includes(text)) return false;
  return undefined;
}
