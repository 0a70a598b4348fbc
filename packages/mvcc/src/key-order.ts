import { isEmptySpan, type TextSpan } from "./key-range.js";

/** What is ordered: something with a key. */
export interface OrderedKey {
  readonly key: string;
  /** What it adds to the number of keys, as far as the order has been told. Belongs to the order; 0 at first. */
  counted: number;
}

/** A block that grows past this is cut in two. */
const blockKeysMax = 256;

type Block<Entry> = { entries: Entry[]; change: number };

/** Keys in byte order, in blocks that know what their keys add to the number of keys. Insertion moves one block's entries only. */
export class KeyOrder<Entry extends OrderedKey> {
  readonly #blocks: Block<Entry>[] = [];

  /** Adds an entry whose key is not there yet. */
  insert(entry: Entry): void {
    if (this.#blocks.length === 0) this.#blocks.push({ entries: [], change: 0 });
    const place = this.#blockOf(entry.key);
    const block = this.#blocks[place] as Block<Entry>;
    block.entries.splice(lowerBound(block.entries, entry.key), 0, entry);
    if (block.entries.length > blockKeysMax) this.#cut(place);
  }

  /** Says what an entry that is there adds to the number of keys. */
  setCount(entry: Entry, change: number): void {
    (this.#blocks[this.#blockOf(entry.key)] as Block<Entry>).change += change - entry.counted;
    entry.counted = change;
  }

  /** Walks the entries of a span in order. Valid until the next insertion. */
  walk(span: TextSpan): KeyWalk<Entry> {
    if (this.#blocks.length === 0 || isEmptySpan(span)) return new KeyWalk(this.#blocks, { block: 0, at: 0 }, "");
    const block = this.#blockOf(span.start);
    const at = lowerBound((this.#blocks[block] as Block<Entry>).entries, span.start);
    return new KeyWalk(this.#blocks, { block, at }, span.end);
  }

  /** What the keys of a span add to the number of keys. */
  countChange(span: TextSpan): number {
    if (this.#blocks.length === 0 || isEmptySpan(span)) return 0;
    const first = this.#blockOf(span.start);
    const last = span.end === undefined ? this.#blocks.length - 1 : this.#blockOf(span.end);
    let change = 0;
    for (let i = first; i <= last; i++) {
      const { entries, change: ofBlock } = this.#blocks[i] as Block<Entry>;
      if (i > first && i < last) change += ofBlock;
      else change += changeWithin(entries, span);
    }
    return change;
  }

  /** The last block that begins at or before the key; the first one when none does. */
  #blockOf(key: string): number {
    let low = 0;
    let high = this.#blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (((this.#blocks[middle] as Block<Entry>).entries[0] as Entry).key <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #cut(place: number): void {
    const block = this.#blocks[place] as Block<Entry>;
    const entries = block.entries.splice(block.entries.length >>> 1);
    let change = 0;
    for (const entry of entries) change += entry.counted;
    this.#blocks.splice(place + 1, 0, { entries, change });
    block.change -= change;
  }
}

/** A place in the order that moves on. */
export class KeyWalk<Entry extends OrderedKey> {
  readonly #blocks: readonly Block<Entry>[];
  readonly #end: string | undefined;
  #block: number;
  #at: number;
  /** The entry at this place; undefined at the end of the span. */
  current: Entry | undefined;

  constructor(blocks: readonly Block<Entry>[], start: { block: number; at: number }, end: string | undefined) {
    this.#blocks = blocks;
    this.#block = start.block;
    this.#at = start.at;
    this.#end = end;
    this.current = this.#look();
  }

  step(): void {
    this.#at++;
    this.current = this.#look();
  }

  #look(): Entry | undefined {
    let entries = this.#blocks[this.#block]?.entries;
    if (entries !== undefined && this.#at >= entries.length) {
      this.#at = 0;
      entries = this.#blocks[++this.#block]?.entries;
    }
    const entry = entries?.[this.#at];
    if (entry === undefined || (this.#end !== undefined && entry.key >= this.#end)) return undefined;
    return entry;
  }
}

function changeWithin(entries: readonly OrderedKey[], span: TextSpan): number {
  const to = span.end === undefined ? entries.length : lowerBound(entries, span.end);
  let change = 0;
  for (let i = lowerBound(entries, span.start); i < to; i++) change += (entries[i] as OrderedKey).counted;
  return change;
}

/** The first place whose key is not below `key`. */
function lowerBound(entries: readonly OrderedKey[], key: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] as OrderedKey).key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
