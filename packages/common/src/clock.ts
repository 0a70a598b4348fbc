/** A timer that has not rung yet. */
export interface Timer {
  /** Keeps the timer from ringing. Does nothing when it has rung. */
  cancel(): void;
}

/** Time. The simulated one may jump its wall clock, drift, and ring late; it never rings early. */
export interface Clock {
  /** Milliseconds since an arbitrary start, with fractions; never goes back. For every duration and timeout. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch; may jump either way. For people to read, never for a decision. */
  wallMs(): number;
  /** Runs `run` once, no earlier than `delayMs` from now. */
  after(delayMs: number, run: () => void): Timer;
}

/** Randomness. The simulated one is drawn from the seed of the run. */
export interface Random {
  /** A whole number, evenly from `min` to `max`, both included. */
  integer(min: number, max: number): number;
  /** `length` bytes. */
  bytes(length: number): Uint8Array;
}
