import type { Clock, Timer } from "@quorate/common";

/** How a member's clock differs from true time. */
export type ClockFaults = Readonly<{
  /** Of its quartz: 1.01 gains a hundredth. */
  rate: number;
  /** What its wall clock shows more than the true one, in milliseconds. */
  wallSkewMs: number;
}>;

export const trueClock: ClockFaults = { rate: 1, wallSkewMs: 0 };

/**
 * One run of a member's process: what the world does to it goes through here. While it is paused everything waits at the door; when it is over nothing
 * gets in any more, and its clock is silent.
 */
export class SimulatedLife {
  readonly clock: Clock;
  readonly #base: Clock;
  #faults: ClockFaults;
  #waiting: (() => void)[] | undefined;
  #isOver = false;

  /** @param startMs what its monotonic clock shows at first. */
  constructor(base: Clock, options: { clockFaults: ClockFaults; startMs: number }) {
    this.#base = base;
    this.#faults = options.clockFaults;
    const bornMs = base.monotonicMs();
    const { startMs } = options;
    this.clock = {
      monotonicMs: () => startMs + (base.monotonicMs() - bornMs) * this.#faults.rate,
      wallMs: () => Math.round(base.wallMs() + this.#faults.wallSkewMs),
      after: (delayMs, run) => this.#after(delayMs, run),
    };
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get isPaused(): boolean {
    return this.#waiting !== undefined;
  }

  /** The wall clock of this process jumps. Durations do not notice. */
  jumpWall(byMs: number): void {
    this.#faults = { ...this.#faults, wallSkewMs: this.#faults.wallSkewMs + byMs };
  }

  /** Runs it in the process: now, at its waking, or never. */
  enter(run: () => void): void {
    if (this.#isOver) return;
    if (this.#waiting === undefined) run();
    else this.#waiting.push(run);
  }

  /** Stands still from now on, as under SIGSTOP: the world goes on. */
  pause(): void {
    if (!this.#isOver) this.#waiting ??= [];
  }

  /** Goes on: everything that came meanwhile happens now, in the order in which it came. */
  wake(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const run of waiting) this.#base.after(0, () => this.enter(run));
  }

  end(): void {
    this.#isOver = true;
    this.#waiting = undefined;
  }

  #after(delayMs: number, run: () => void): Timer {
    let isCancelled = false;
    const timer = this.#base.after(Math.max(0, delayMs) / this.#faults.rate, () => {
      this.enter(() => {
        if (!isCancelled) run();
      });
    });
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }
}
