import { assert, type Clock, type Timer } from "@quorate/common";

/** Something that ends at a moment. Wheels keep it in a list through its own fields, so that adding one allocates nothing. */
export interface WheelEntry {
  /** Monotonic milliseconds. Not changed while in a wheel. */
  expiresMs: number;
  /** Fields of the wheel. Undefined outside of one. */
  wheelNext: WheelEntry | undefined;
  wheelPrevious: WheelEntry | undefined;
  wheelSlot: number;
  /** Runs once, no earlier than `expiresMs`. The entry is out of the wheel then. */
  onExpire(): void;
}

/**
 * A hashed timing wheel (Varghese and Lauck, 1987): adding and removing cost the same however many entries there are, and there is one
 * timer for all of them. Entries beyond one turn stay in their slot until their turn comes.
 */
export class Wheel {
  private readonly clock: Clock;
  private readonly tickMs: number;
  private readonly slots: (WheelEntry | undefined)[];
  private size = 0;
  private tick = 0; // the last tick whose slot has been looked at
  private timer: Timer | undefined;

  constructor(options: { tickMs: number; slots: number }, ports: { clock: Clock }) {
    this.clock = ports.clock;
    this.tickMs = options.tickMs;
    this.slots = new Array(options.slots).fill(undefined);
  }

  get entries(): number {
    return this.size;
  }

  add(entry: WheelEntry): void {
    assert(entry.wheelSlot < 0, "an entry is in one wheel at most");
    if (this.size === 0) this.tick = Math.floor(this.clock.monotonicMs() / this.tickMs);
    const due = Math.max(Math.ceil(entry.expiresMs / this.tickMs), this.tick + 1);
    const slot = due % this.slots.length;
    const first = this.slots[slot];
    entry.wheelSlot = slot;
    entry.wheelNext = first;
    entry.wheelPrevious = undefined;
    if (first !== undefined) first.wheelPrevious = entry;
    this.slots[slot] = entry;
    this.size++;
    this.timer ??= this.clock.after(this.tickMs, this.turn);
  }

  /** Takes an entry out. Does nothing when it is not in. */
  remove(entry: WheelEntry): void {
    if (entry.wheelSlot < 0) return;
    const { wheelNext: next, wheelPrevious: previous } = entry;
    if (next !== undefined) next.wheelPrevious = previous;
    if (previous !== undefined) previous.wheelNext = next;
    else this.slots[entry.wheelSlot] = next;
    entry.wheelSlot = -1;
    entry.wheelNext = undefined;
    entry.wheelPrevious = undefined;
    this.size--;
  }

  /** Stops the timer and forgets all entries without running them. */
  close(): void {
    this.timer?.cancel();
    this.timer = undefined;
    for (let slot = 0; slot < this.slots.length; slot++) {
      for (let entry = this.slots[slot]; entry !== undefined; entry = this.slots[slot]) this.remove(entry);
    }
  }

  private readonly turn = (): void => {
    this.timer = undefined;
    const nowMs = this.clock.monotonicMs();
    const now = Math.floor(nowMs / this.tickMs);
    const last = Math.min(now, this.tick + this.slots.length);
    const due: WheelEntry[] = [];
    for (let tick = this.tick + 1; tick <= last; tick++) {
      for (let entry = this.slots[tick % this.slots.length]; entry !== undefined; entry = entry.wheelNext) {
        if (entry.expiresMs <= nowMs) due.push(entry);
      }
    }
    this.tick = now;
    due.reverse().sort((a, b) => a.expiresMs - b.expiresMs); // those of one moment in the order in which they came
    for (const entry of due) this.remove(entry);
    for (const entry of due) entry.onExpire();
    if (this.size > 0 && this.timer === undefined) this.timer = this.clock.after(this.tickMs, this.turn);
  };
}
