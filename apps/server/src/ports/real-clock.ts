import type { Clock, Timer } from "@quorate/common";

/** The longest delay a timer of Node's takes; a longer one is waited for in pieces. */
const delayMsMax = 2 ** 31 - 1;

/** The machine's clock. */
export class RealClock implements Clock {
  monotonicMs(): number {
    return performance.now();
  }

  wallMs(): number {
    return performance.timeOrigin + performance.now() + this.#wallCorrectionMs();
  }

  after(delayMs: number, run: () => void): Timer {
    const dueMs = performance.now() + delayMs;
    let timer = setTimeout(ring, Math.min(Math.max(delayMs, 0), delayMsMax));
    function ring(): void {
      // Node counts from the beginning of the turn of its loop in which the timer was set, so it can ring too early.
      const restMs = dueMs - performance.now();
      if (restMs > 0) timer = setTimeout(ring, Math.min(restMs, delayMsMax));
      else run();
    }
    return { cancel: () => clearTimeout(timer) };
  }

  /** What the wall clock was set by since the process began; fractions of a millisecond come from the monotonic clock. */
  #wallCorrectionMs(): number {
    const difference = Date.now() - (performance.timeOrigin + performance.now());
    return Math.abs(difference) < 1 ? 0 : difference;
  }
}
