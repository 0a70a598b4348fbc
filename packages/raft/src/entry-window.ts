import { assert, type LogIndex } from "@quorate/common";
import type { Entry } from "./entry.js";

/** Below this many freed slots the array is not moved. */
const slackMin = 1024;

/**
 * A run of entries with consecutive indexes that grows at its end and shrinks at both ends. Dropping from the front costs what is
 * dropped, not what stays: slots are freed at once and the array moves when more than half of it is free.
 */
export class EntryWindow {
  #slots: (Entry | undefined)[] = [];
  #head = 0;
  #first: number;

  /** @param first the index that the next entry, the first one, will have. */
  constructor(first: LogIndex) {
    this.#first = first;
  }

  /** The index of the first entry; of the next one to come when empty. */
  get first(): LogIndex {
    return this.#first as LogIndex;
  }

  /** One above the index of the last entry. */
  get end(): LogIndex {
    return (this.#first + this.#slots.length - this.#head) as LogIndex;
  }

  get length(): number {
    return this.#slots.length - this.#head;
  }

  /** The entry at `index`, or undefined outside the run. */
  at(index: LogIndex): Entry | undefined {
    const offset = index - this.#first;
    return offset < 0 ? undefined : this.#slots[this.#head + offset];
  }

  push(entry: Entry): void {
    assert(entry.index === this.end, "entries of a log have consecutive indexes");
    this.#slots.push(entry);
  }

  /** Entries from `from` up to and without `end`; both must lie within the run. */
  slice(from: LogIndex, end: LogIndex): readonly Entry[] {
    assert(from >= this.#first && end <= this.end, "a slice lies within the run of entries");
    const start = this.#head + from - this.#first;
    return this.#slots.slice(start, start + Math.max(0, end - from)) as Entry[];
  }

  /** As `slice`, but ends before the sum of sizes exceeds `maxBytes`; never empty when there is an entry. */
  sliceWithin(from: LogIndex, end: LogIndex, maxBytes: number, sizeOf: (entry: Entry) => number): readonly Entry[] {
    if (maxBytes === Number.POSITIVE_INFINITY || end - from <= 1) return this.slice(from, end);
    let bytes = 0;
    let stop: number = from;
    while (stop < end) {
      bytes += sizeOf(this.#slots[this.#head + stop - this.#first] as Entry);
      if (bytes > maxBytes && stop > from) break;
      stop++;
    }
    return this.slice(from, stop as LogIndex);
  }

  /** Drops every entry below `index`. */
  dropBefore(index: LogIndex): void {
    const length = this.length;
    const count = Math.min(index - this.#first, length);
    if (count <= 0) return;
    this.#first += count;
    if (count === length) {
      this.#slots.length = 0;
      this.#head = 0;
      return;
    }
    this.#slots.fill(undefined, this.#head, this.#head + count);
    this.#head += count;
    if (this.#head >= slackMin && this.#head * 2 > this.#slots.length) {
      this.#slots = this.#slots.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Drops the entry at `index` and all above it. */
  dropFrom(index: LogIndex): void {
    const keep = Math.max(0, index - this.#first);
    if (keep < this.length) this.#slots.length = this.#head + keep;
    if (this.length === 0) this.reset(this.#first as LogIndex);
  }

  /** Drops everything; the next entry will have index `first`. */
  reset(first: LogIndex): void {
    this.#slots.length = 0;
    this.#head = 0;
    this.#first = first;
  }
}
