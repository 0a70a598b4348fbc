import { BatchBuffer } from "./batch-buffer.js";
import type { WalBatch, WalSnapshot } from "./wal.js";

/** Places in the control words. The log thread waits on `signal`. */
const Word = { signal: 0, lock: 1, filling: 2, takes: 3, slots: 8 } as const;
const SlotWord = { used: 0, appends: 1, mustSync: 2, generation: 3, size: 4 } as const;
const Lock = { free: 0, owner: 1, thread: 2 } as const;
const controlBytes = 128;

/** Memory of a slot, sent when it is new. Whoever takes a slot of a generation has to have received it. */
export type SlotMemory = Readonly<{ kind: "memory"; slot: number; generation: number; memory: SharedArrayBuffer }>;

function slotWord(slot: number, word: number): number {
  return Word.slots + slot * SlotWord.size + word;
}

/** Waits a moment for the other side, which holds the lock for a copy or for a few instructions. */
function lockFor(words: Int32Array, owner: number): void {
  for (;;) {
    const holder = Atomics.compareExchange(words, Word.lock, Lock.free, owner);
    if (holder === Lock.free) return;
    Atomics.wait(words, Word.lock, holder, 10);
  }
}

function unlock(words: Int32Array): void {
  Atomics.store(words, Word.lock, Lock.free);
  Atomics.notify(words, Word.lock, 1);
}

/**
 * Two batches in shared memory: the owner fills one while the log thread writes the other. The thread takes the filled one by itself as
 * soon as its sync is over, without waiting for the owner's event loop.
 */
export class SharedBatchesOwner {
  readonly control: SharedArrayBuffer = new SharedArrayBuffer(controlBytes);
  readonly #words: Int32Array = new Int32Array(this.control);
  readonly #slots: readonly BatchBuffer[];
  readonly #appends = [0, 0];
  #takesSeen = 0;
  #isGathering = false;
  #isWakeDue = false;

  constructor(options: { pendingBytesMax: number }, send: (message: SlotMemory) => void) {
    this.#slots = [0, 1].map(
      (slot) =>
        new BatchBuffer(options, (length) => {
          const memory = new SharedArrayBuffer(length);
          const generation = Atomics.add(this.#words, slotWord(slot, SlotWord.generation), 1) + 1;
          send({ kind: "memory", slot, generation, memory });
          return new Uint8Array(memory);
        }),
    );
  }

  /** Adds to the batch that is being filled, and wakes the thread. @throws what `BatchBuffer.add` throws. */
  add(batch: WalBatch): void {
    this.#fill((buffer) => buffer.add(batch), batch.mustSync);
  }

  /** Adds the record of a snapshot. */
  addSnapshot(snapshot: WalSnapshot): void {
    this.#fill((buffer) => buffer.addSnapshot(snapshot), true);
  }

  /** Wakes the thread only when `run` has returned: what is added meanwhile is one batch. */
  gather(run: () => void): void {
    this.#isGathering = true;
    try {
      run();
    } finally {
      this.#isGathering = false;
      if (this.#isWakeDue) this.wake();
    }
  }

  /** Wakes the thread. */
  wake(): void {
    this.#isWakeDue = this.#isGathering;
    if (this.#isGathering) return;
    Atomics.add(this.#words, Word.signal, 1);
    Atomics.notify(this.#words, Word.signal);
  }

  #fill(add: (buffer: BatchBuffer) => void, mustSync: boolean): void {
    const words = this.#words;
    lockFor(words, Lock.owner);
    try {
      const slot = Atomics.load(words, Word.filling);
      const buffer = this.#slots[slot] as BatchBuffer;
      const takes = Atomics.load(words, Word.takes);
      if (takes !== this.#takesSeen) {
        // The thread has taken the other slot, so it has written this one.
        this.#takesSeen = takes;
        this.#appends[slot] = 0;
        buffer.reset();
      }
      add(buffer);
      const appends = (this.#appends[slot] as number) + 1;
      this.#appends[slot] = appends;
      Atomics.store(words, slotWord(slot, SlotWord.used), buffer.isEmpty ? 0 : buffer.used);
      if (mustSync) Atomics.store(words, slotWord(slot, SlotWord.mustSync), 1);
      Atomics.store(words, slotWord(slot, SlotWord.appends), appends);
    } finally {
      unlock(words);
    }
    this.wake();
  }
}

/** A batch the log thread has taken; its bytes stay as they are until the next is taken. */
export type TakenBatch = { bytes: Uint8Array; used: number; appends: number; mustSync: boolean };

/** The log thread's side. */
export class SharedBatchesTaker {
  readonly #words: Int32Array;
  readonly #memory: { generation: number; bytes: Uint8Array }[] = [];

  constructor(control: SharedArrayBuffer) {
    this.#words = new Int32Array(control);
  }

  /** To be read before looking for work, and given to `wait`. */
  get signal(): number {
    return Atomics.load(this.#words, Word.signal);
  }

  /** Sleeps until something has changed since `signal` was read. @returns false when the time is over. */
  wait(signal: number, timeoutMs: number | undefined): boolean {
    return Atomics.wait(this.#words, Word.signal, signal, timeoutMs) !== "timed-out";
  }

  setMemory(message: SlotMemory): void {
    this.#memory[message.slot] = { generation: message.generation, bytes: new Uint8Array(message.memory) };
  }

  /** Takes what has been filled. `receive` has to bring the messages that were sent so far. */
  take(receive: () => void): TakenBatch | undefined {
    const words = this.#words;
    const slot = Atomics.load(words, Word.filling);
    if (Atomics.load(words, slotWord(slot, SlotWord.appends)) === 0) return undefined;
    lockFor(words, Lock.thread);
    const appends = Atomics.load(words, slotWord(slot, SlotWord.appends));
    const used = Atomics.load(words, slotWord(slot, SlotWord.used));
    const mustSync = Atomics.load(words, slotWord(slot, SlotWord.mustSync)) === 1;
    const generation = Atomics.load(words, slotWord(slot, SlotWord.generation));
    const other = 1 - slot;
    Atomics.store(words, slotWord(other, SlotWord.appends), 0);
    Atomics.store(words, slotWord(other, SlotWord.used), 0);
    Atomics.store(words, slotWord(other, SlotWord.mustSync), 0);
    Atomics.store(words, Word.filling, other);
    Atomics.add(words, Word.takes, 1);
    unlock(words);
    if (this.#memory[slot]?.generation !== generation) receive();
    const memory = this.#memory[slot];
    if (memory?.generation !== generation)
      throw new Error("broken invariant: the memory of a taken batch was sent before");
    return { bytes: memory.bytes, used, appends, mustSync };
  }
}
