import { huffmanEncode, huffmanLength } from "./huffman.js";
import { staticEntries, staticNameIndex } from "./static-table.js";

const staticPairs = new Map(staticEntries.map(([name, value], i) => [`${name}\0${value}`, i + 1] as const).reverse());

/**
 * Encodes fields without the dynamic table: static entries by index, all else as literals that no table keeps, Huffman coded where that
 * is shorter. Blocks made so can be kept and sent on any connection, at any time.
 * @param fields names in lower case, values latin1.
 */
export function encodeHeaders(fields: readonly (readonly [string, string])[]): Buffer {
  let room = 0;
  for (const [name, value] of fields) room += name.length + value.length + 16;
  const target = Buffer.allocUnsafe(room);
  let at = 0;
  for (const [name, value] of fields) {
    const pair = staticPairs.get(`${name}\0${value}`);
    if (pair !== undefined) {
      target[at++] = 0x80 | pair;
      continue;
    }
    const index = staticNameIndex.get(name);
    at = encodeInteger(index ?? 0, 0x0f, 0, target, at);
    if (index === undefined) at = encodeText(name, target, at);
    at = encodeText(value, target, at);
  }
  return target.subarray(0, at);
}

/** Writes an integer with a prefix (RFC 7541 section 5.1). `mask` is the prefix' maximum, `flags` the bits above it. */
export function encodeInteger(value: number, mask: number, flags: number, target: Uint8Array, at: number): number {
  let offset = at;
  if (value < mask) {
    target[offset++] = flags | value;
    return offset;
  }
  target[offset++] = flags | mask;
  let rest = value - mask;
  while (rest >= 0x80) {
    target[offset++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[offset++] = rest;
  return offset;
}

function encodeText(text: string, target: Buffer, at: number): number {
  const coded = huffmanLength(text);
  if (coded < text.length) return huffmanEncode(text, target, encodeInteger(coded, 0x7f, 0x80, target, at));
  const offset = encodeInteger(text.length, 0x7f, 0, target, at);
  return offset + target.write(text, offset, "latin1");
}
