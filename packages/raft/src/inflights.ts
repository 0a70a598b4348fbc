import { assert, type LogIndex } from "@quorate/common";

/** How much may be on its way to one follower. */
export type InflightLimits = Readonly<{ messagesMax: number; bytesMax: number }>;

type Inflight = { last: LogIndex; bytes: number };

/**
 * The appends with entries that were sent to one follower and not confirmed, oldest first: the last index and the payload bytes of
 * each. Full when either limit is reached.
 */
export class Inflights {
  readonly #limits: InflightLimits;
  #sent: Inflight[] = [];
  /** Where the oldest is: what lies before is freed in lumps, so that freeing one does not move the rest. */
  #head = 0;
  #bytes = 0;

  constructor(limits: InflightLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#sent.length - this.#head;
  }

  get isFull(): boolean {
    return this.count >= this.#limits.messagesMax || this.#bytes >= this.#limits.bytesMax;
  }

  add(last: LogIndex, bytes: number): void {
    assert(!this.isFull, "nothing with entries is sent while the window is full");
    this.#sent.push({ last, bytes });
    this.#bytes += bytes;
  }

  /** Everything up to `index` has arrived. */
  freeUpTo(index: LogIndex): void {
    while (this.#head < this.#sent.length) {
      const oldest = this.#sent[this.#head] as Inflight;
      if (oldest.last > index) break;
      this.#bytes -= oldest.bytes;
      this.#head++;
    }
    if (this.#head === this.#sent.length) {
      this.#sent.length = 0;
      this.#head = 0;
    } else if (this.#head > 64 && this.#head * 2 > this.#sent.length) {
      this.#sent.splice(0, this.#head);
      this.#head = 0;
    }
  }

  clear(): void {
    this.#sent.length = 0;
    this.#head = 0;
    this.#bytes = 0;
  }
}
