import type { Entry } from "../entry.js";
import { entryKinds, formatVersion } from "./format.js";

const slabBytes = 65_536;
/** Above this an entry gets a buffer of its own: cutting it out of a slab would waste what is left of the slab. */
const sharedBytesMax = slabBytes / 8;

/** How many bytes a varint takes. */
function varintBytes(value: number): number {
  let count = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) count++;
  return count;
}

function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let offset = at;
  let rest = value;
  while (rest >= 0x80) {
    bytes[offset++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[offset++] = rest;
  return offset;
}

/** Bytes that `encodeEntry` makes of an entry. */
export function encodedEntryBytes(entry: Entry): number {
  return 2 + varintBytes(entry.term) + varintBytes(entry.index) + entry.data.length;
}

/** Writes an entry at `at`, where there is room for it. @returns the place after it. */
export function putEntry(bytes: Uint8Array, at: number, entry: Entry): number {
  bytes[at] = formatVersion;
  bytes[at + 1] = entryKinds.indexOf(entry.kind);
  const head = putVarint(bytes, putVarint(bytes, at + 2, entry.term), entry.index);
  bytes.set(entry.data, head);
  return head + entry.data.length;
}

/**
 * Encodes entries as `encodeEntry` does, many of them out of one piece of memory: making a buffer for each costs more than filling
 * it. For bytes that are written and let go: a single one that is kept keeps its neighbours alive, and posting one to another thread
 * would copy the whole piece.
 */
export class EntryEncoder {
  #slab = new Uint8Array(0);
  #used = 0;

  encode(entry: Entry): Uint8Array {
    const size = encodedEntryBytes(entry);
    if (size > sharedBytesMax) {
      const own = new Uint8Array(size);
      putEntry(own, 0, entry);
      return own;
    }
    if (this.#used + size > this.#slab.length) {
      this.#slab = new Uint8Array(slabBytes);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used = putEntry(this.#slab, start, entry);
    return this.#slab.subarray(start, this.#used);
  }
}
