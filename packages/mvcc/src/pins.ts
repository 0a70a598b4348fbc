/** Revisions that readers in progress still need. Physical compaction stays at or below the smallest. */
export class Pins {
  readonly #pinned = new Map<object, number>();
  readonly #released: () => void;

  /** @param released runs when a pin went. */
  constructor(released: () => void) {
    this.#released = released;
  }

  /** True when rows that only revisions below `revision` can see may go. */
  allow(revision: number): boolean {
    for (const pinned of this.#pinned.values()) if (pinned < revision) return false;
    return true;
  }

  /** @returns what releases the pin; calling it again does nothing. */
  add(revision: number): () => void {
    const token = {};
    this.#pinned.set(token, revision);
    return () => {
      if (this.#pinned.delete(token)) this.#released();
    };
  }
}
