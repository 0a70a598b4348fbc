import { assert } from "@quorate/common";

/** Something that is due at a time. Owned by one `Schedule` while it is in it. */
export interface Appointment {
  /** When it is due, in milliseconds of the caller's monotonic clock. Changed only by `Schedule.set`. */
  dueMs: number;
  /** Its place in the heap; `undefined` while it is in no schedule. */
  slot: number | undefined;
}

/**
 * Appointments by time: a binary heap that knows where each of them sits, so that one can be moved or taken out without a search.
 * `set` and `remove` cost O(log n), `first` O(1). Appointments due at the same time come in an order that depends on the calls
 * made so far only.
 */
export class Schedule<Item extends Appointment> {
  readonly #heap: Item[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** The one that is due first. */
  first(): Item | undefined {
    return this.#heap[0];
  }

  /** Puts `item` in, or moves it when it is in already. */
  set(item: Item, dueMs: number): void {
    item.dueMs = dueMs;
    if (item.slot === undefined) {
      item.slot = this.#heap.length;
      this.#heap.push(item);
      this.#rise(item, item.slot);
      return;
    }
    this.#settle(item, item.slot);
  }

  /** Takes `item` out. Does nothing when it is not in. */
  remove(item: Item): void {
    const slot = item.slot;
    if (slot === undefined) return;
    assert(this.#heap[slot] === item, "an appointment is in one schedule only, at its slot");
    item.slot = undefined;
    const last = this.#heap.pop();
    if (last === undefined || last === item) return;
    this.#settle(last, slot);
  }

  clear(): void {
    for (const item of this.#heap) item.slot = undefined;
    this.#heap.length = 0;
  }

  #settle(item: Item, slot: number): void {
    const parent = this.#heap[(slot - 1) >> 1];
    if (slot > 0 && parent !== undefined && parent.dueMs > item.dueMs) this.#rise(item, slot);
    else this.#sink(item, slot);
  }

  #rise(item: Item, from: number): void {
    let slot = from;
    while (slot > 0) {
      const above = (slot - 1) >> 1;
      const parent = this.#heap[above] as Item;
      if (parent.dueMs <= item.dueMs) break;
      this.#place(parent, slot);
      slot = above;
    }
    this.#place(item, slot);
  }

  #sink(item: Item, from: number): void {
    const heap = this.#heap;
    let slot = from;
    for (;;) {
      let below = 2 * slot + 1;
      if (below >= heap.length) break;
      const right = heap[below + 1];
      if (right !== undefined && right.dueMs < (heap[below] as Item).dueMs) below += 1;
      const child = heap[below] as Item;
      if (child.dueMs >= item.dueMs) break;
      this.#place(child, slot);
      slot = below;
    }
    this.#place(item, slot);
  }

  #place(item: Item, slot: number): void {
    this.#heap[slot] = item;
    item.slot = slot;
  }
}
