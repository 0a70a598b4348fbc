import type { Clock, Timer } from "@quorate/common";

type Entry = { atMs: number; run: () => void };

/** A clock that stands until it is moved. */
export class ManualClock implements Clock {
  private nowMs = 1_000_000;
  private readonly entries = new Set<Entry>();

  monotonicMs(): number {
    return this.nowMs;
  }

  wallMs(): number {
    return this.nowMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const entry = { atMs: this.nowMs + delayMs, run };
    this.entries.add(entry);
    return { cancel: () => this.entries.delete(entry) };
  }

  /** Timers that have not rung. */
  get pending(): number {
    return this.entries.size;
  }

  /** Moves on, ringing what is due in order. */
  advance(ms: number): void {
    const end = this.nowMs + ms;
    for (;;) {
      const due = [...this.entries].filter((entry) => entry.atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.entries.delete(due);
      this.nowMs = Math.max(this.nowMs, due.atMs);
      due.run();
    }
    this.nowMs = end;
  }
}
