import { assert, type Clock, type Timer } from "@quorate/common";

type Waiting = { dueMs: number; order: number; run: () => void; isCancelled: boolean };

/**
 * Time that moves only when it is told to. Timers ring in the order of their time, and in the order they were set where that is equal.
 * Between two timers everything that was promised runs, so a run is the same each time.
 */
export class SimulatedClock implements Clock {
  #nowMs = 0;
  #wallMs: number;
  #order = 0;
  /** A binary heap, the earliest first. What was cancelled stays until it comes to the top. */
  readonly #waiting: Waiting[] = [];
  #cancelled = 0;

  /** @param options `wallMs` is what the wall clock shows at first; default 2026-01-01. */
  constructor(options: { wallMs?: number } = {}) {
    this.#wallMs = options.wallMs ?? 1_767_225_600_000;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallMs + this.#nowMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const dueMs = this.#nowMs + Math.max(0, delayMs);
    const waiting: Waiting = { dueMs, order: this.#order++, run, isCancelled: false };
    this.#push(waiting);
    return {
      cancel: () => {
        if (waiting.isCancelled) return;
        waiting.isCancelled = true;
        this.#cancelled += 1;
      },
    };
  }

  /** Timers that have not rung. */
  get timerCount(): number {
    return this.#waiting.length - this.#cancelled;
  }

  /** Sets the wall clock forward or, with a negative number, back. Durations do not notice. */
  jumpWall(byMs: number): void {
    this.#wallMs += byMs;
  }

  /** Lets that much time pass, ringing every timer that becomes due, also those set on the way. */
  async advance(byMs: number): Promise<void> {
    assert(byMs >= 0, "time does not go back");
    const untilMs = this.#nowMs + byMs;
    await settled();
    for (let next = this.#earliest(); next !== undefined && next.dueMs <= untilMs; next = this.#earliest()) {
      await this.#ring(next);
    }
    this.#nowMs = untilMs;
  }

  /** Rings the next timer, however far away. @returns false when there is none. */
  async step(): Promise<boolean> {
    await settled();
    const next = this.#earliest();
    if (next === undefined) return false;
    await this.#ring(next);
    return true;
  }

  /**
   * Rings timers until `isOver`.
   * @throws AssertionError when `stepsMax` timers have rung before, or none is left.
   */
  async runUntil(isOver: () => boolean, options: { stepsMax?: number } = {}): Promise<void> {
    const stepsMax = options.stepsMax ?? 100_000;
    await settled();
    for (let steps = 0; !isOver(); steps++) {
      assert(steps < stepsMax, `the run is over within ${stepsMax} timers`);
      const hasRung = await this.step();
      assert(hasRung || isOver(), "there is a timer left that can end the run");
    }
  }

  /**
   * The clock as one member sees it.
   * @param options `rate` of its quartz: 1.01 gains a hundredth; `lateMs` says how late its next timer rings.
   */
  seenBy(options: { rate: number; lateMs?: () => number }): Clock {
    const { rate } = options;
    return {
      monotonicMs: () => this.#nowMs * rate,
      wallMs: () => this.#wallMs + this.#nowMs * rate,
      after: (delayMs, run) => this.after(Math.max(0, delayMs) / rate + (options.lateMs?.() ?? 0), run),
    };
  }

  #earliest(): Waiting | undefined {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (!first.isCancelled) return first;
      this.#removeFirst();
      this.#cancelled -= 1;
    }
    return undefined;
  }

  /** @param waiting the first of the heap. */
  async #ring(waiting: Waiting): Promise<void> {
    this.#removeFirst();
    // Cancelling it from now on changes nothing.
    waiting.isCancelled = true;
    this.#nowMs = Math.max(this.#nowMs, waiting.dueMs);
    waiting.run();
    await settled();
  }

  #push(waiting: Waiting): void {
    const heap = this.#waiting;
    let at = heap.push(waiting) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isEarlier(waiting, heap[parent] as Waiting)) break;
      heap[at] = heap[parent] as Waiting;
      at = parent;
    }
    heap[at] = waiting;
  }

  #removeFirst(): void {
    const heap = this.#waiting;
    const last = heap.pop() as Waiting;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && isEarlier(heap[right] as Waiting, heap[child] as Waiting)) child = right;
      if (!isEarlier(heap[child] as Waiting, last)) break;
      heap[at] = heap[child] as Waiting;
      at = child;
    }
    heap[at] = last;
  }
}

function isEarlier(a: Waiting, b: Waiting): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

/** Everything that was promised has run. No time passes. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
