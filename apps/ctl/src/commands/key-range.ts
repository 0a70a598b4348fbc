import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";
import { argumentBytes } from "../frame/argument-bytes.js";

/** The keys that a request is about, as requests write them. */
export type WireRange = { readonly key: Uint8Array; readonly rangeEnd: Uint8Array };

/** The end of a range without an end, and the key before all others. */
const zeroByte = Uint8Array.of(0);

/** How one key or two stand for a range. */
export type RangeWords = { readonly prefix: boolean; readonly fromKey: boolean };

/** @throws CommandFailure, exit code 128, for words that contradict each other. */
export function checkRangeWords(words: RangeWords): void {
  if (!words.prefix || !words.fromKey) return;
  const message = "`--prefix` and `--from-key` cannot be set at the same time, choose one";
  throw new CommandFailure(ExitCode.BadArguments, message);
}

/** @throws CommandFailure, exit code 128, for an end beside a word that says where the range ends. */
export function readRange(args: readonly string[], words: RangeWords): WireRange {
  const [first = "", end] = args;
  if (end !== undefined && (words.prefix || words.fromKey)) {
    const message = "too many arguments, only accept one argument when `--prefix` or `--from-key` is set";
    throw new CommandFailure(ExitCode.BadArguments, message);
  }
  const key = argumentBytes(first);
  if (words.fromKey || (words.prefix && key.length === 0)) {
    return { key: key.length === 0 ? zeroByte : key, rangeEnd: zeroByte };
  }
  if (words.prefix) return { key, rangeEnd: prefixEnd(key) };
  return { key, rangeEnd: end === undefined ? new Uint8Array() : argumentBytes(end) };
}

/** The first key behind all that begin with these bytes. */
export function prefixEnd(key: Uint8Array): Uint8Array {
  for (let last = key.length - 1; last >= 0; last -= 1) {
    const byte = key[last] ?? 0xff;
    if (byte === 0xff) continue;
    const end = Uint8Array.from(key.subarray(0, last + 1)); // not `slice`: a Buffer's shares its bytes
    end[last] = byte + 1;
    return end;
  }
  return zeroByte;
}
