import type { Clock, LogIndex, Timer } from "@quorate/common";

const retryMs = 500;

type Batch<Read> = { readonly context: Uint8Array; readonly reads: Read[]; index: LogIndex | undefined };

/**
 * Lets linearizable reads through. All reads that come in one turn share one question to the leader; each is served once the entries that were
 * committed when it was asked have been applied.
 * @see Ongaro, Consensus: Bridging Theory and Practice, section 6.4.
 */
export class ReadGate<Read> {
  readonly #ask: (context: Uint8Array) => void;
  readonly #serve: (read: Read) => void;
  readonly #clock: Clock;
  #gathering: Read[] = [];
  /** Oldest first. */
  #waiting: Batch<Read>[] = [];
  #number = 0;
  #retry: Timer | undefined;

  /** @param ask puts a question to the leader; it may be lost. */
  constructor(actions: { ask(context: Uint8Array): void; serve(read: Read): void }, ports: { clock: Clock }) {
    this.#ask = actions.ask;
    this.#serve = actions.serve;
    this.#clock = ports.clock;
  }

  /** Reads that wait. */
  get size(): number {
    let size = this.#gathering.length;
    for (const batch of this.#waiting) size += batch.reads.length;
    return size;
  }

  /** Takes a read. @returns true when it is the first of a turn: the caller has to call `flush` at the turn's end. */
  wait(read: Read): boolean {
    return this.#gathering.push(read) === 1;
  }

  /** Puts the question for all reads gathered since the last time. */
  flush(): void {
    if (this.#gathering.length === 0) return;
    const context = new Uint8Array(8);
    new DataView(context.buffer).setBigUint64(0, BigInt(++this.#number));
    this.#waiting.push({ context, reads: this.#gathering, index: undefined });
    this.#gathering = [];
    this.#ask(context);
    this.#retry ??= this.#clock.after(retryMs, () => this.#askAgain());
  }

  /** The leader has answered: what was asked up to this question may be read once `index` is applied. */
  allowed(context: Uint8Array, index: LogIndex, applied: LogIndex): void {
    const number = numberOf(context);
    for (const batch of this.#waiting) {
      // A later question confirms earlier ones too: they were asked before it, and this index is at least theirs.
      if (numberOf(batch.context) <= number && batch.index === undefined) batch.index = index;
    }
    this.applied(applied);
  }

  /** Entries up to here are applied: serves the reads that waited for them. */
  applied(applied: LogIndex): void {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting[0] as Batch<Read>;
      if (batch.index === undefined || batch.index > applied) return;
      this.#waiting.shift();
      for (const read of batch.reads) this.#serve(read);
    }
    this.#retry?.cancel();
    this.#retry = undefined;
  }

  /** Gives up all reads that wait. @returns them. */
  drain(): Read[] {
    const reads = this.#waiting.flatMap((batch) => batch.reads).concat(this.#gathering);
    this.#waiting = [];
    this.#gathering = [];
    this.#retry?.cancel();
    this.#retry = undefined;
    return reads;
  }

  /** The newest open question stands for all before it. */
  #askAgain(): void {
    this.#retry = undefined;
    const open = this.#waiting.filter((batch) => batch.index === undefined);
    const newest = open.at(-1);
    if (this.#waiting.length === 0) return;
    if (newest !== undefined) this.#ask(newest.context);
    this.#retry = this.#clock.after(retryMs, () => this.#askAgain());
  }
}

function numberOf(context: Uint8Array): bigint {
  return new DataView(context.buffer, context.byteOffset, 8).getBigUint64(0);
}
