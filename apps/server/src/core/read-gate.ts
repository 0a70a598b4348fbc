import type { Clock, LogIndex, Random, Timer } from "@quorate/common";

const retryMs = 500;
const lifeBytes = 8;
const contextBytes = lifeBytes + 8;

type Batch<Read> = { readonly number: number; readonly reads: Read[]; index: LogIndex | undefined };

/**
 * Lets linearizable reads through. All reads that come in one turn share one question to the leader; each is served once the entries that were
 * committed when it was asked have been applied.
 * @see Ongaro, Consensus: Bridging Theory and Practice, section 6.4.
 */
export class ReadGate<Read extends { readonly serial: number }> {
  readonly #ask: (context: Uint8Array) => void;
  readonly #serve: (read: Read) => void;
  readonly #clock: Clock;
  /** Answers meant for an earlier life of this member say nothing about reads of this one. */
  readonly #life: Uint8Array;
  #gathering: Read[] = [];
  /** Oldest first. */
  #waiting: Batch<Read>[] = [];
  #number = 0;
  #retry: Timer | undefined;

  /** @param actions `ask` puts a question to the leader; it may be lost. */
  constructor(
    actions: { ask(context: Uint8Array): void; serve(read: Read): void },
    ports: { clock: Clock; random: Random },
  ) {
    this.#ask = actions.ask;
    this.#serve = actions.serve;
    this.#clock = ports.clock;
    this.#life = ports.random.bytes(lifeBytes);
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
    const number = ++this.#number;
    this.#waiting.push({ number, reads: this.#gathering, index: undefined });
    this.#gathering = [];
    this.#ask(this.#contextOf(number));
    this.#retry ??= this.#clock.after(retryMs, () => this.#askAgain());
  }

  /**
   * The leader has answered: what was asked up to this question may be read once `index` is applied.
   * @returns false when nobody waited for it.
   */
  allowed(context: Uint8Array, index: LogIndex, applied: LogIndex): boolean {
    if (context.length !== contextBytes) return false;
    for (let i = 0; i < lifeBytes; i++) if (context[i] !== this.#life[i]) return false;
    const number = Number(new DataView(context.buffer, context.byteOffset + lifeBytes, 8).getBigUint64(0));
    let isAwaited = false;
    for (const batch of this.#waiting) {
      // A later question confirms earlier ones too: they were asked before it, and this index is at least theirs.
      if (batch.number > number || batch.index !== undefined) continue;
      batch.index = index;
      isAwaited = true;
    }
    this.applied(applied);
    return isAwaited;
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

  /** The one that was asked leads no more: gives up the reads that have no answer from it. @returns them. */
  leaderChanged(): Read[] {
    const unanswered = this.#waiting.filter(({ index }) => index === undefined);
    this.#waiting = this.#waiting.filter(({ index }) => index !== undefined);
    return unanswered.flatMap(({ reads }) => reads);
  }

  /** Its caller waits no longer. @returns the read, or undefined when it does not wait here. */
  giveUp(serial: number): Read | undefined {
    for (const reads of [...this.#waiting.map((batch) => batch.reads), this.#gathering]) {
      const at = reads.findIndex((read) => read.serial === serial);
      if (at >= 0) return reads.splice(at, 1)[0];
    }
    return undefined;
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

  /** The newest open question stands for all before it. A question whose reads have all been given up is put no more. */
  #askAgain(): void {
    this.#retry = undefined;
    this.#waiting = this.#waiting.filter(({ reads }) => reads.length > 0);
    if (this.#waiting.length === 0) return;
    const newest = this.#waiting.findLast(({ index }) => index === undefined);
    if (newest !== undefined) this.#ask(this.#contextOf(newest.number));
    this.#retry = this.#clock.after(retryMs, () => this.#askAgain());
  }

  #contextOf(number: number): Uint8Array {
    const context = new Uint8Array(contextBytes);
    context.set(this.#life);
    new DataView(context.buffer).setBigUint64(lifeBytes, BigInt(number));
    return context;
  }
}
