/** What the log thread tells of each batch that is as durable as asked. */
export type ThreadReport = {
  appends: number;
  bytes: number;
  writeMs: number;
  syncMs: number | undefined;
  segments: number;
  segmentBytes: number;
};

const slots = 256;
const slotNumbers = 8;
/** Places in the words: reports written, reports read. Both only grow, and wrap. */
const Word = { written: 0, read: 1 } as const;
const headBytes = 64;

/** Memory for reports, made by the owner. */
export function createReportMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(headBytes + slots * slotNumbers * Float64Array.BYTES_PER_ELEMENT);
}

/** The owner's side: hears of reports without a message, which would cost it a third more time to wake. */
export class SharedReportsReader {
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #handle: (report: ThreadReport) => void;
  #read = 0;
  #isOver = false;

  /** `handle` is called for each report, in order, in turns of the event loop of their own. */
  constructor(memory: SharedArrayBuffer, handle: (report: ThreadReport) => void) {
    this.#words = new Int32Array(memory, 0, headBytes / Int32Array.BYTES_PER_ELEMENT);
    this.#numbers = new Float64Array(memory, headBytes);
    this.#handle = handle;
    this.#listen();
  }

  /** Handles what has been written so far. */
  drain(): void {
    while (!this.#isOver && this.#read !== Atomics.load(this.#words, Word.written)) {
      const at = (this.#read & (slots - 1)) * slotNumbers;
      const numbers = this.#numbers;
      const syncMs = numbers[at + 3] as number;
      const report: ThreadReport = {
        appends: numbers[at] as number,
        bytes: numbers[at + 1] as number,
        writeMs: numbers[at + 2] as number,
        syncMs: syncMs < 0 ? undefined : syncMs,
        segments: numbers[at + 4] as number,
        segmentBytes: numbers[at + 5] as number,
      };
      this.#read = (this.#read + 1) | 0;
      Atomics.store(this.#words, Word.read, this.#read);
      Atomics.notify(this.#words, Word.read);
      this.#handle(report);
    }
  }

  /** Nothing is handled any more. */
  close(): void {
    this.#isOver = true;
    Atomics.notify(this.#words, Word.written);
  }

  #listen(): void {
    for (;;) {
      if (this.#isOver) return;
      const wait = Atomics.waitAsync(this.#words, Word.written, this.#read);
      if (wait.async) {
        void wait.value.then(() => {
          this.drain();
          this.#listen();
        });
        return;
      }
      this.drain();
    }
  }
}

/** The log thread's side. */
export class SharedReportsWriter {
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  #written = 0;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, headBytes / Int32Array.BYTES_PER_ELEMENT);
    this.#numbers = new Float64Array(memory, headBytes);
  }

  /** Adds a report. Waits while the owner is too busy to read: it has no more to write meanwhile either. */
  add(report: ThreadReport): void {
    for (;;) {
      const read = Atomics.load(this.#words, Word.read);
      if (((this.#written - read) | 0) < slots) break;
      Atomics.wait(this.#words, Word.read, read);
    }
    const at = (this.#written & (slots - 1)) * slotNumbers;
    const numbers = this.#numbers;
    numbers[at] = report.appends;
    numbers[at + 1] = report.bytes;
    numbers[at + 2] = report.writeMs;
    numbers[at + 3] = report.syncMs ?? -1;
    numbers[at + 4] = report.segments;
    numbers[at + 5] = report.segmentBytes;
    this.#written = (this.#written + 1) | 0;
    Atomics.store(this.#words, Word.written, this.#written);
    Atomics.notify(this.#words, Word.written);
  }
}
