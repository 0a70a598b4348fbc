/** Numbers that a window looks back: what is older than that counts as seen. */
const windowSize = 65_536;
/** Lives of one member that are remembered as over. */
const retiredMax = 16;

/**
 * What has come from one member: its life, and which of its frames. A network may repeat a frame, and of all messages a forwarded proposal must not be
 * taken twice: it would be carried out twice, the second time after writes that its client knows nothing of.
 */
export class FrameWindow {
  /** The life of the member that was heard from last; 0 before that. */
  life = 0;
  #highest = 0;
  #seen = new Uint8Array(windowSize);
  #retired: number[] = [];

  /** Notes a frame. @returns false for one that came before, or is of a life that is over. */
  take(life: number, number: number): boolean {
    if (life !== this.life) {
      if (this.#retired.includes(life)) return false;
      this.#retire();
      this.life = life;
    }
    if (number <= this.#highest - windowSize) return false;
    if (number > this.#highest) {
      const from = Math.max(this.#highest + 1, number - windowSize + 1);
      for (let skipped = from; skipped < number; skipped++) this.#seen[skipped % windowSize] = 0;
      this.#highest = number;
    } else if (this.#seen[number % windowSize] === 1) return false;
    this.#seen[number % windowSize] = 1;
    return true;
  }

  #retire(): void {
    if (this.life !== 0) this.#retired.push(this.life);
    if (this.#retired.length > retiredMax) this.#retired.shift();
    this.#highest = 0;
    this.#seen = new Uint8Array(windowSize);
  }
}
