import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";
import { argumentText } from "../frame/argument-bytes.js";

const wordPattern = /"(?:[^"\\]|\\.)*"|'[^']*'|[^'"\s]\S*[^'"\s]?/g;

/**
 * The words of a line that is typed into a command: apart by blanks, or in single quotes, or in double quotes with Go's escapes.
 * @throws CommandFailure, exit code 3, for an escape that there is not.
 */
export function splitWords(line: string): string[] {
  return (line.match(wordPattern) ?? []).map((word) => {
    if (word.startsWith("'")) return word.slice(1, -1);
    if (!word.startsWith('"')) return word;
    const text = unquote(word);
    if (text === undefined) throw new CommandFailure(ExitCode.InvalidInput, `bad escape in ${word}`);
    return text;
  });
}

const letters: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  "\\": 0x5c,
  "'": 0x27,
  '"': 0x22,
};
const escapePattern = /\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([abtnvfr\\"]))|\\/g;

/**
 * The text in Go's double quotes. Escaped bytes that are not UTF-8 are kept as `argumentBytes` reads them.
 * @returns undefined if an escape is none.
 */
export function unquote(quoted: string): string | undefined {
  const parts: Uint8Array[] = [];
  const body = quoted.slice(1, -1);
  let at = 0;
  for (const match of body.matchAll(escapePattern)) {
    const [whole, hex, octal, short, long, letter] = match;
    parts.push(Buffer.from(body.slice(at, match.index)));
    at = match.index + whole.length;
    const byte = hex !== undefined ? Number.parseInt(hex, 16) : Number.parseInt(octal ?? "", 8);
    const rune = Number.parseInt(short ?? long ?? "", 16);
    if (hex !== undefined || octal !== undefined) {
      if (byte > 0xff) return undefined;
      parts.push(Buffer.of(byte));
    } else if (short !== undefined || long !== undefined) {
      if (rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000)) return undefined;
      parts.push(Buffer.from(String.fromCodePoint(rune)));
    } else if (letter !== undefined) parts.push(Buffer.of(letters[letter] ?? 0));
    else return undefined;
  }
  parts.push(Buffer.from(body.slice(at)));
  return argumentText(Buffer.concat(parts));
}
