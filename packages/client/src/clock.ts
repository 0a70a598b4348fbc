/** Time as the client sees it. Tests pass one of their own. */
export interface Clock {
  /** Milliseconds since an arbitrary start. Never goes back. */
  nowMs(): number;
  /** Runs once, no earlier than asked. A stopped machine may make it very late. */
  after(delayMs: number, run: () => void): { cancel(): void };
}

/** Longest delay that Node's timers keep. */
const delayMsMax = 2_147_483_647;

/** The clock of this machine. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(Math.max(delayMs, 0), delayMsMax));
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Resolves after the delay, or as soon as the signal is aborted: the caller looks at the signal. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const timer = clock.after(delayMs, end);
    function end(): void {
      timer.cancel();
      signal?.removeEventListener("abort", end);
      resolve();
    }
    signal?.addEventListener("abort", end, { once: true });
  });
}

/** Waiting times between attempts: doubled from `firstMs` to `maxMs`, each shortened at random by up to half. */
export type Backoff = { readonly firstMs: number; readonly maxMs: number };

/** @param attempt 1 for the wait after the first failure. @param random from 0 to 1. */
export function backoffMs(backoff: Backoff, attempt: number, random: number): number {
  const whole = Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.min(attempt - 1, 30));
  return whole * (1 - random / 2);
}
