const windowMs = 1000;
const firstKept = 100;
const thenEvery = 100;
/** Messages are constant, so there are few. Beyond this many the counts start anew. */
const messagesMax = 4096;

/** Lets the first hundred lines with one level and message through in each second, then every hundredth. */
export class LogSampler {
  readonly #seen = new Map<string, { windowEndMs: number; count: number }>();

  /** Counts a line. @returns true when it is to be written. */
  admits(level: string, message: string, nowMs: number): boolean {
    const key = `${level}\n${message}`;
    const seen = this.#seen.get(key);
    if (seen === undefined || nowMs >= seen.windowEndMs) {
      if (this.#seen.size >= messagesMax) this.#seen.clear();
      this.#seen.set(key, { windowEndMs: nowMs + windowMs, count: 1 });
      return true;
    }
    seen.count += 1;
    return seen.count <= firstKept || (seen.count - firstKept) % thenEvery === 0;
  }
}
