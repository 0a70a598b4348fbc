/** One series of a counter. Hold on to it where it is counted: adding is one addition. */
export class CounterCell {
  #value = 0;

  get value(): number {
    return this.#value;
  }

  /** @param amount zero or more: a counter never goes back. */
  add(amount = 1): void {
    this.#value += amount;
  }
}

/** One series of a gauge. */
export class GaugeCell {
  #value = 0;

  get value(): number {
    return this.#value;
  }

  set(value: number): void {
    this.#value = value;
  }

  /** @param amount negative to go down. */
  add(amount: number): void {
    this.#value += amount;
  }
}

/** One series of a histogram. */
export class HistogramCell {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;
  #count = 0;

  /** @param bounds upper bounds of the buckets, ascending, without the one that takes everything. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length);
  }

  get sum(): number {
    return this.#sum;
  }

  get count(): number {
    return this.#count;
  }

  /** Small values come first in the search: most durations fall into the lowest buckets. */
  observe(value: number): void {
    this.#sum += value;
    this.#count += 1;
    const bounds = this.#bounds;
    for (let i = 0; i < bounds.length; i++) {
      if (value <= (bounds[i] as number)) {
        this.#counts[i] = (this.#counts[i] as number) + 1;
        return;
      }
    }
  }

  /** How many values were at most `bounds[i]`, for each bound in turn. */
  cumulative(): readonly number[] {
    let sum = 0;
    return Array.from(this.#counts, (count) => {
      sum += count;
      return sum;
    });
  }
}
