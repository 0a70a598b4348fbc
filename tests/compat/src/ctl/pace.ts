/** How long a program of etcd's takes that does next to nothing: the waits in the cases were chosen beside it. */
const recordedRunMs = 50;
const factorMin = 2;
const factorMax = 8;
const runsKept = 4;

/**
 * Stretches the waits of the cases to what the machine needs now. They let a program come to rest, so to wait longer changes
 * nothing; ours start slower than Go's, and on a busy machine many times slower.
 */
export class Pace {
  readonly #runsMs: number[] = [];

  /** A program has run to its end by itself in this time. */
  note(runMs: number): void {
    this.#runsMs.push(runMs);
    if (this.#runsMs.length > runsKept) this.#runsMs.shift();
  }

  /** A wait of a case as long as it has to be here. The quickest of the last runs counts: others may have waited for something. */
  stretch(ms: number): number {
    const quickestMs = this.#runsMs.length === 0 ? 0 : Math.min(...this.#runsMs);
    return ms * Math.min(factorMax, Math.max(factorMin, quickestMs / recordedRunMs));
  }
}

/** The pace of the programs that this process runs. */
export const pace = new Pace();
