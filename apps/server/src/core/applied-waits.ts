import type { Clock, LogIndex, Timer } from "@quorate/common";

type Wait = { readonly index: LogIndex; readonly timer: Timer; run(isThere: boolean): void };

/** Those who wait until an entry is applied, but not for ever. */
export class AppliedWaits {
  readonly #clock: Clock;
  #waits: Wait[] = [];

  constructor(ports: { clock: Clock }) {
    this.#clock = ports.clock;
  }

  /** @param wait `run` is called once: true when the entry is applied, false when that has taken longer than `timeoutMs`. */
  add(wait: { index: LogIndex; timeoutMs: number; run(isThere: boolean): void }): void {
    const timer = this.#clock.after(wait.timeoutMs, () => {
      this.#waits = this.#waits.filter((other) => other.timer !== timer);
      wait.run(false);
    });
    this.#waits.push({ index: wait.index, timer, run: (isThere) => wait.run(isThere) });
  }

  /** Entries up to here are applied. */
  applied(index: LogIndex): void {
    if (this.#waits.length === 0) return;
    const over = this.#waits.filter((wait) => wait.index <= index);
    this.#waits = this.#waits.filter((wait) => wait.index > index);
    for (const { timer, run } of over) {
      timer.cancel();
      run(true);
    }
  }

  /** Nobody waits any more. */
  stop(): void {
    for (const { timer, run } of this.#waits.splice(0)) {
      timer.cancel();
      run(false);
    }
  }
}
