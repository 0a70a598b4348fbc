/** A text that is no value of its kind. The message is Go's. */
export class ValueError extends Error {
  override readonly name = "ValueError";
}

const trueWords = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const falseWords = new Set(["0", "f", "F", "FALSE", "false", "False"]);

/** @throws ValueError */
export function parseBool(text: string): boolean {
  if (trueWords.has(text)) return true;
  if (falseWords.has(text)) return false;
  throw new ValueError(`strconv.ParseBool: parsing ${quoteText(text)}: invalid syntax`);
}

const digitsOf: Readonly<Record<number, RegExp>> = {
  2: /^[01]+$/,
  8: /^[0-7]+$/,
  10: /^[0-9]+$/,
  16: /^[0-9a-f]+$/i,
};
const prefixOf: Readonly<Record<number, string>> = { 2: "0b", 8: "0o", 10: "", 16: "0x" };

/**
 * Reads a signed number of 64 bits.
 * @param base "any": decimal, or as its prefix says, with underscores between digits.
 * @throws ValueError
 */
export function parseInt64(text: string, base: 10 | 16 | "any"): bigint {
  const limit = text.startsWith("-") ? 2n ** 63n : 2n ** 63n - 1n;
  const size = parseDigits(text, text.replace(/^[+-]/, ""), { base, limit, name: "ParseInt" });
  return text.startsWith("-") ? -size : size;
}

/** Reads an unsigned number of 64 bits. @throws ValueError */
export function parseUint64(text: string, base: 10 | 16): bigint {
  return parseDigits(text, text, { base, limit: 2n ** 64n - 1n, name: "ParseUint" });
}

function parseDigits(
  whole: string,
  unsigned: string,
  kind: { readonly base: 10 | 16 | "any"; readonly limit: bigint; readonly name: string },
): bigint {
  const { base, digits } = kind.base === "any" ? baseOf(unsigned) : { base: kind.base, digits: unsigned };
  const fail = (why: string) => new ValueError(`strconv.${kind.name}: parsing ${quoteText(whole)}: ${why}`);
  if (digitsOf[base]?.test(digits) !== true) throw fail("invalid syntax");
  const value = BigInt(`${prefixOf[base]}${digits}`);
  if (value > kind.limit) throw fail("value out of range");
  return value;
}

function baseOf(text: string): { base: number; digits: string } {
  const plain = /^[0-9a-z]+(_[0-9a-z]+)*$/i.test(text) ? text.replaceAll("_", "") : text;
  const [, letter = "", rest = ""] = /^0([xob])(.*)$/i.exec(plain) ?? [];
  if (letter !== "") return { base: { x: 16, o: 8, b: 2 }[letter.toLowerCase()] ?? 10, digits: rest };
  return plain.length > 1 && plain.startsWith("0") ? { base: 8, digits: plain.slice(1) } : { base: 10, digits: plain };
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Reads Go's form of a duration: "5s", "1m30s", "-1.5h". @returns milliseconds. @throws ValueError */
export function parseDuration(text: string): number {
  const invalid = () => new ValueError(`time: invalid duration ${quoteText(text)}`);
  let rest = text.replace(/^[+-]/, "");
  if (rest === "0") return 0;
  if (rest === "") throw invalid();
  let sum = 0;
  while (rest !== "") {
    const number = /^(\d+\.?\d*|\.\d+)/.exec(rest)?.[0];
    if (number === undefined) throw invalid();
    const unit = /^[^\d.]*/.exec(rest.slice(number.length))?.[0] ?? "";
    if (unit === "") throw new ValueError(`time: missing unit in duration ${quoteText(text)}`);
    const scale = unitMs[unit];
    if (scale === undefined) {
      throw new ValueError(`time: unknown unit ${quoteText(unit)} in duration ${quoteText(text)}`);
    }
    sum += Number(number) * scale;
    rest = rest.slice(number.length + unit.length);
  }
  return text.startsWith("-") ? -sum : sum;
}

/** Go's form of a duration: "1.5ms", "5s", "1m0s", "2h0m0s". */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  const sign = ms < 0 ? "-" : "";
  const size = Math.abs(ms);
  if (size < 1e-3) return `${sign}${Math.round(size * 1e6)}ns`;
  if (size < 1) return `${sign}${trim(size * 1e3, 3)}µs`;
  if (size < 1_000) return `${sign}${trim(size, 6)}ms`;
  const minutes = Math.floor(size / 60_000);
  const seconds = `${trim((size - minutes * 60_000) / 1_000, 9)}s`;
  if (minutes === 0) return `${sign}${seconds}`;
  const hours = Math.floor(minutes / 60);
  return `${sign}${hours === 0 ? "" : `${hours}h`}${minutes % 60}m${seconds}`;
}

function trim(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

const named: Readonly<Record<number, string>> = { 7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r" };
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** A text in Go's double quotes. */
export function quoteText(text: string): string {
  return quoteBytes(new TextEncoder().encode(text));
}

/** Bytes in Go's double quotes: what is printable UTF-8 as it is, everything else escaped. */
export function quoteBytes(bytes: Uint8Array): string {
  let quoted = '"';
  // Texts are read code point by code point; a byte that begins none stands for itself, as \xNN.
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] ?? 0;
    const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    let rune: string | undefined;
    try {
      rune = decoder.decode(bytes.subarray(at, at + length));
    } catch {
      rune = undefined; // not UTF-8
    }
    quoted += rune === undefined ? `\\x${hex(first, 2)}` : quoteRune(rune);
    at += rune === undefined ? 1 : length;
  }
  return `${quoted}"`;
}

function quoteRune(rune: string): string {
  const code = rune.codePointAt(0) ?? 0;
  if (rune === '"' || rune === "\\") return `\\${rune}`;
  if (printable.test(rune)) return rune;
  const letter = named[code];
  if (letter !== undefined) return `\\${letter}`;
  if (code < 0x80) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
