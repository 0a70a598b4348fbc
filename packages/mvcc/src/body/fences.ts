/** A fence keeps this many keys when it is cut. */
export const fenceKeys = 256;
/** More, and it is cut. */
export const fenceKeysMax = 512;
/** Fewer, and it joins its neighbour. */
export const fenceKeysMin = 64;

/** Replaces `remove` fences from `at` on. */
export type FenceSplice = Readonly<{
  at: number;
  remove: number;
  insert: readonly Readonly<{ key: string; count: number }>[];
}>;

/** How a flush changed the fences: counts by place (`[place, count, place, count, ...]`) first, then the splices in order. */
export type FenceEdits = Readonly<{
  counts: Float64Array;
  splices: readonly FenceSplice[];
  /** Places of all fences that were written into, before the splices. */
  touched: Float64Array;
}>;

/** All keys cut into stretches with known counts. The first begins at the empty key. Keys are latin1 strings. */
export class Fences {
  readonly #keys: string[];
  readonly #counts: number[];
  #sums: Float64Array | undefined;

  constructor(rows: readonly Readonly<{ key: string; count: number }>[]) {
    this.#keys = rows.map((row) => row.key);
    this.#counts = rows.map((row) => row.count);
  }

  get length(): number {
    return this.#keys.length;
  }

  /** Number of all keys. */
  get total(): number {
    return this.sum(0, this.length);
  }

  keyAt(place: number): string {
    return this.#keys[place] as string;
  }

  countAt(place: number): number {
    return this.#counts[place] as number;
  }

  /** The fence a key lies in, looked for from `from` on. */
  find(key: string, from = 0): number {
    let low = from;
    let high = this.#keys.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#keys[middle] as string) <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Keys in the fences of [from, to). */
  sum(from: number, to: number): number {
    if (this.#sums === undefined) {
      const sums = new Float64Array(this.#counts.length + 1);
      for (let i = 0; i < this.#counts.length; i++) sums[i + 1] = (sums[i] as number) + (this.#counts[i] as number);
      this.#sums = sums;
    }
    return (this.#sums[to] as number) - (this.#sums[from] as number);
  }

  setCount(place: number, count: number): void {
    this.#counts[place] = count;
    this.#sums = undefined;
  }

  splice(splice: FenceSplice): void {
    this.#keys.splice(splice.at, splice.remove, ...splice.insert.map((row) => row.key));
    this.#counts.splice(splice.at, splice.remove, ...splice.insert.map((row) => row.count));
    this.#sums = undefined;
  }

  apply(edits: FenceEdits): void {
    for (let i = 0; i < edits.counts.length; i += 2)
      this.setCount(edits.counts[i] as number, edits.counts[i + 1] as number);
    for (const splice of edits.splices) this.splice(splice);
  }
}
