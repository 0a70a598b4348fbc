import type { Revision } from "@quorate/common";
import { spanHas, type TextSpan } from "./key-range.js";

/** Entries remembered at most; the older half goes when there are more. About 100 bytes each. */
const entriesMax = 65_536;

/**
 * The latest comings and goings of keys, in memory: what a count or a list at a recent revision needs to be corrected by. Older
 * revisions are read from the file.
 */
export class CountLog {
  #keys: string[] = [];
  #revisions: number[] = [];
  #changes: number[] = [];
  #since: Revision;

  /** @param since the store's revision: nothing before is known. */
  constructor(since: Revision) {
    this.#since = since;
  }

  /** True when every change after `revision` is remembered. */
  covers(revision: Revision): boolean {
    return revision >= this.#since;
  }

  push(key: string, revision: Revision, change: -1 | 1): void {
    this.#keys.push(key);
    this.#revisions.push(revision);
    this.#changes.push(change);
  }

  /** Takes the last one back. */
  pop(): void {
    this.#keys.pop();
    this.#revisions.pop();
    this.#changes.pop();
  }

  /** Call it between transactions. */
  trim(): void {
    if (this.#keys.length <= entriesMax) return;
    const half = this.#keys.length >>> 1;
    this.#since = this.#revisions[half - 1] as Revision;
    this.#keys = this.#keys.slice(half);
    this.#revisions = this.#revisions.slice(half);
    this.#changes = this.#changes.slice(half);
  }

  /** How the number of keys in a span has changed after a revision. */
  changeAfter(span: TextSpan, revision: Revision): number {
    let sum = 0;
    for (let i = this.#firstAfter(revision); i < this.#keys.length; i++) {
      if (spanHas(span, this.#keys[i] as string)) sum += this.#changes[i] as number;
    }
    return sum;
  }

  /** Keys of a span that were deleted after a revision, sorted, each once. */
  deletedAfter(span: TextSpan, revision: Revision): string[] {
    const keys = new Set<string>();
    for (let i = this.#firstAfter(revision); i < this.#keys.length; i++) {
      const key = this.#keys[i] as string;
      if (this.#changes[i] === -1 && spanHas(span, key)) keys.add(key);
    }
    return [...keys].sort();
  }

  #firstAfter(revision: Revision): number {
    let low = 0;
    let high = this.#revisions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#revisions[middle] as number) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
