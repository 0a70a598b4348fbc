import type { Clock } from "@quorate/common";
import type { Entry } from "@quorate/raft";
import type { Turn } from "../ports/turn.js";

/** Longest that applying keeps the thread, in milliseconds, and how often that is looked at, in entries. */
const sliceMs = 8;
const lookEvery = 64;

/** Where entries go, one after the other. */
export interface ApplyTarget {
  apply(entry: Entry): void;
  /** False while the store's head is full: apply has to wait for the disk. */
  hasRoom(): boolean;
  /** Runs `run` once there may be room again. */
  onRoom(run: () => void): void;
  /** All entries up to this one have been applied. Called once for a run of entries. */
  applied(entry: Entry): void;
}

/**
 * Applies committed entries in order, in slices, so that ticks and reads stay on time behind a long queue, and no faster than the store can
 * take them.
 */
export class ApplyQueue {
  readonly #target: ApplyTarget;
  readonly #clock: Clock;
  readonly #turn: Turn;
  #queue: Entry[] = [];
  #next = 0;
  #isWaiting = false;
  #isStopped = false;

  constructor(target: ApplyTarget, ports: { clock: Clock; turn: Turn }) {
    this.#target = target;
    this.#clock = ports.clock;
    this.#turn = ports.turn;
  }

  /** Entries that are committed and not yet applied. */
  get backlog(): number {
    return this.#queue.length - this.#next;
  }

  /** Takes a run of entries and applies them, now unless others wait. */
  push(entries: readonly Entry[]): void {
    if (this.backlog === 0) {
      this.#queue = entries as Entry[];
      this.#next = 0;
    } else {
      this.#queue = this.#queue.slice(this.#next).concat(entries);
      this.#next = 0;
    }
    if (!this.#isWaiting) this.#work();
  }

  /** Forgets what is not applied yet: a snapshot covers it. */
  drop(): void {
    this.#queue = [];
    this.#next = 0;
  }

  stop(): void {
    this.#isStopped = true;
  }

  #work(): void {
    this.#isWaiting = false;
    if (this.#isStopped) return;
    const start = this.#clock.monotonicMs();
    let last: Entry | undefined;
    while (this.#next < this.#queue.length && this.#target.hasRoom()) {
      last = this.#queue[this.#next++] as Entry;
      this.#target.apply(last);
      if (this.#next % lookEvery === 0 && this.#clock.monotonicMs() - start >= sliceMs) break;
    }
    if (last !== undefined) this.#target.applied(last);
    if (this.backlog === 0) {
      this.#queue = [];
      this.#next = 0;
      return;
    }
    this.#isWaiting = true;
    if (this.#target.hasRoom()) this.#turn(() => this.#work());
    else this.#target.onRoom(() => this.#work());
  }
}
