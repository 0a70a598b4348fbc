/**
 * The Huffman code of RFC 7541, appendix B. It is canonical: lengths alone fix it, shorter codes first, equal lengths by symbol.
 * Symbol 256 is EOS.
 */
const lengthRows = `13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28 28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28
6 10 10 12 13 6 8 11 10 10 8 11 8 6 6 6 5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10
13 6 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 6
15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5 6 7 6 5 5 6 7 7 7 7 7 15 11 14 13 28
20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23 24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24
22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23 21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23
26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25 19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27
20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23 26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26
30`;

const lengths = Uint8Array.from(lengthRows.split(/\s+/), Number);
const codes = canonicalCodes();

function canonicalCodes(): Uint32Array {
  const order = [...lengths.keys()].sort((a, b) => (lengths[a] as number) - (lengths[b] as number) || a - b);
  const made = new Uint32Array(lengths.length);
  let code = 0;
  let length = 0;
  for (const symbol of order) {
    code *= 2 ** ((lengths[symbol] as number) - length);
    length = lengths[symbol] as number;
    made[symbol] = code++;
  }
  return made;
}

/*
 * Decoding goes four bits at a time through a table of states. A state is an inner node of the code's tree (256 of them). An entry
 * for (state, nibble): bits 0..7 next state, 8..15 the symbol, bit 16 "a symbol came out", bit 17 "may end here" (at most seven
 * bits of ones since the last symbol), bit 18 failure (EOS was met). A code has at least five bits, so a nibble ends at most one.
 */
const emits = 1 << 16;
const mayEnd = 1 << 17;
const fails = 1 << 18;
const transitions = buildTransitions();

type Node = { zero: Node | number | undefined; one: Node | number | undefined; id: number; isPadding: boolean };

function buildTree(): Node[] {
  const root: Node = { zero: undefined, one: undefined, id: 0, isPadding: true };
  const nodes = [root];
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    let node = root;
    for (let bit = (lengths[symbol] as number) - 1; bit > 0; bit--) {
      const side = ((codes[symbol] as number) >>> bit) & 1 ? "one" : "zero";
      let next = node[side] as Node | undefined;
      if (next === undefined) {
        next = { zero: undefined, one: undefined, id: nodes.length, isPadding: false };
        node[side] = next;
        nodes.push(next);
      }
      node = next;
    }
    node[(codes[symbol] as number) & 1 ? "one" : "zero"] = symbol;
  }
  let padding: Node | number | undefined = root;
  for (let bits = 0; bits < 8 && typeof padding === "object"; bits++) {
    padding.isPadding = true;
    padding = padding.one;
  }
  return nodes;
}

function buildTransitions(): Int32Array {
  const nodes = buildTree();
  const root = nodes[0] as Node;
  const table = new Int32Array(nodes.length * 16);
  for (const start of nodes) {
    for (let nibble = 0; nibble < 16; nibble++) {
      let node = start;
      let entry = 0;
      for (let bit = 3; bit >= 0; bit--) {
        const next: Node | number | undefined = (nibble >>> bit) & 1 ? node.one : node.zero;
        if (typeof next === "object") node = next;
        else if (next === undefined || next === 256) entry |= fails;
        else {
          entry |= emits | (next << 8);
          node = root;
        }
        if ((entry & fails) !== 0) break;
      }
      table[start.id * 16 + nibble] = entry | node.id | (node.isPadding ? mayEnd : 0);
    }
  }
  return table;
}

/**
 * Decodes `source[start, end)` into `target` from 0 on. `target` needs room for 8/5 of the input.
 * @returns the number of bytes written, or -1 when the input has EOS in it or is not padded with at most seven ones.
 */
export function huffmanDecode(source: Uint8Array, start: number, end: number, target: Uint8Array): number {
  let state = 0;
  let written = 0;
  let last = mayEnd;
  for (let at = start; at < end; at++) {
    const byte = source[at] as number;
    const high = transitions[(state << 4) | (byte >>> 4)] as number;
    if ((high & emits) !== 0) target[written++] = (high >>> 8) & 0xff;
    last = transitions[((high & 0xff) << 4) | (byte & 15)] as number;
    if ((last & emits) !== 0) target[written++] = (last >>> 8) & 0xff;
    if (((high | last) & fails) !== 0) return -1;
    state = last & 0xff;
  }
  return (last & mayEnd) === 0 ? -1 : written;
}

/** Bytes that `text` (latin1) takes when Huffman coded. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += lengths[text.charCodeAt(i) & 0xff] as number;
  return (bits + 7) >>> 3;
}

/** Writes `text` (latin1) Huffman coded from `at` on. @returns the offset after it. */
export function huffmanEncode(text: string, target: Uint8Array, at: number): number {
  let held = 0; // bits not yet written, at most 7 between symbols
  let bits = 0;
  let offset = at;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 0xff;
    held = held * 2 ** (lengths[symbol] as number) + (codes[symbol] as number); // up to 37 bits: beyond what << can do
    bits += lengths[symbol] as number;
    while (bits >= 8) {
      bits -= 8;
      const unit = 2 ** bits;
      const byte = Math.floor(held / unit);
      target[offset++] = byte;
      held -= byte * unit;
    }
  }
  if (bits > 0) target[offset++] = (held << (8 - bits)) | (0xff >>> bits);
  return offset;
}
