/** Who is in the middle of a hash. */
export class HashLock {
  #holder: object | undefined;

  /** True when `holder` has it now. */
  take(holder: object): boolean {
    this.#holder ??= holder;
    return this.#holder === holder;
  }

  release(holder: object): void {
    if (this.#holder === holder) this.#holder = undefined;
  }
}
