/** Numbers that a window looks back: what is older than that counts as seen. */
const windowSize = 65_536;
/** Lives of one member whose frames are told apart. Of those before them nothing is taken. */
const livesMax = 4;
/** Lives before those that are remembered. */
const retiredMax = 16;

/**
 * What has come from one member: its life, and which of its frames. A network may repeat a frame, and of all messages a forwarded proposal must not be
 * taken twice: it would be carried out twice, the second time after writes that its client knows nothing of.
 *
 * Which of two lives is the later one cannot be told from the order in which frames come:
 * 1. B sends a frame, which is held up. B dies and comes up again.
 * 2. We come up, too, and hear from B's new life.
 * 3. The frame of its old life arrives, the first of that one here.
 * So a life is not over because another has been heard from, or B would never be heard again.
 */
export class FrameWindow {
  /** The life of the member that was heard from last; 0 before that. */
  life = 0;
  #numbers = new SeenNumbers();
  /** By life, the one heard from last at the end. */
  readonly #lives = new Map<number, SeenNumbers>();
  readonly #retired: number[] = [];

  /** Notes a frame. @returns false for one that came before, or is of a life that is long over. */
  take(life: number, number: number): boolean {
    if (life !== this.life && !this.#changeTo(life)) return false;
    return this.#numbers.take(number);
  }

  #changeTo(life: number): boolean {
    if (this.#retired.includes(life)) return false;
    const numbers = this.#lives.get(life) ?? new SeenNumbers();
    this.#lives.delete(life);
    this.#lives.set(life, numbers);
    this.#numbers = numbers;
    this.life = life;
    const [oldest] = this.#lives.keys();
    if (this.#lives.size > livesMax && oldest !== undefined) {
      this.#lives.delete(oldest);
      this.#retired.push(oldest);
      if (this.#retired.length > retiredMax) this.#retired.shift();
    }
    return true;
  }
}

/** Which numbers have come, in whatever order. */
class SeenNumbers {
  #highest = 0;
  readonly #seen = new Uint8Array(windowSize);

  take(number: number): boolean {
    if (number <= this.#highest - windowSize) return false;
    if (number > this.#highest) {
      const from = Math.max(this.#highest + 1, number - windowSize + 1);
      for (let skipped = from; skipped < number; skipped++) this.#seen[skipped % windowSize] = 0;
      this.#highest = number;
    } else if (this.#seen[number % windowSize] === 1) return false;
    this.#seen[number % windowSize] = 1;
    return true;
  }
}
