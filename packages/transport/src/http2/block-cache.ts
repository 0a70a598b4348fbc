import type { RequestHead } from "./request-head.js";

type Slot = { readonly version: number; readonly bytes: Uint8Array; readonly head: RequestHead };

const slotCount = 64;
const blockBytesMax = 1024;

/**
 * Heads of header blocks that came before, by the bytes of the block. Only blocks that left the dynamic table alone are kept, and only for
 * as long as it stays as it was (`version`). Bounded: a new block takes the place of another with the same hash.
 */
export class BlockCache {
  private readonly slots: (Slot | undefined)[] = new Array(slotCount).fill(undefined);

  find(bytes: Uint8Array, start: number, end: number, version: number): RequestHead | undefined {
    const slot = this.slots[slotOf(bytes, start, end)];
    if (slot === undefined || slot.version !== version || slot.bytes.length !== end - start) return undefined;
    const known = slot.bytes;
    for (let i = 0, at = start; at < end; i++, at++) if (known[i] !== bytes[at]) return undefined;
    return slot.head;
  }

  keep(bytes: Uint8Array, start: number, end: number, version: number, head: RequestHead): void {
    if (end - start > blockBytesMax) return;
    this.slots[slotOf(bytes, start, end)] = {
      version,
      bytes: Uint8Array.prototype.slice.call(bytes, start, end),
      head,
    };
  }
}

/** A hash of the length and a few bytes: whoever makes them collide on purpose gains a miss. */
function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  let hash = length * 31;
  const step = (length >>> 3) + 1;
  for (let at = end - 1; at >= start; at -= step) hash = Math.imul(hash, 33) ^ (bytes[at] as number);
  return (hash ^ (hash >>> 6) ^ (hash >>> 12)) & (slotCount - 1);
}
