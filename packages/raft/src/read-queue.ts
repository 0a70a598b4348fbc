import type { LogIndex, MemberId } from "@quorate/common";
import type { ConfState } from "./conf-change.js";
import { jointCommitted } from "./quorum.js";

/** A request for a read index. `from` is the member that asks. */
export type ReadRequest = Readonly<{ from: MemberId; context: Uint8Array }>;

/** A request that knows its index and waits for the proof that its leader still leads. */
export type UnconfirmedRead = Readonly<{ number: number; index: LogIndex; request: ReadRequest }>;

/**
 * The reads of one leadership. They are numbered from 1 as they arrive; a member that has heard the number of one from the leader
 * vouches for it and for all before it, so one round of heartbeats serves everything that waits.
 * @see thesis, section 6.4.
 */
export class ReadQueue {
  /** Requests that came before the leader had committed anything in its term. */
  #waiting: ReadRequest[] = [];
  #unconfirmed: UnconfirmedRead[] = [];
  readonly #acknowledged = new Map<MemberId, number>();
  #newest = 0;

  get length(): number {
    return this.#waiting.length + this.#unconfirmed.length;
  }

  /** What heartbeats have to carry: the number of the newest unconfirmed read. */
  get toConfirm(): number | undefined {
    return this.#unconfirmed.length === 0 ? undefined : this.#newest;
  }

  wait(request: ReadRequest): void {
    this.#waiting.push(request);
  }

  /** Takes out the requests that waited for the first commit of the term. */
  takeWaiting(): readonly ReadRequest[] {
    if (this.#waiting.length === 0) return [];
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  /** Numbers a request; the leader itself vouches for it. */
  add(request: ReadRequest, index: LogIndex, self: MemberId): void {
    this.#newest++;
    this.#unconfirmed.push({ number: this.#newest, index, request });
    this.#acknowledged.set(self, this.#newest);
  }

  /** A member vouches for all reads up to `number`. @returns the reads that a quorum vouches for now, in order. */
  acknowledge(member: MemberId, number: number, confState: ConfState): readonly UnconfirmedRead[] {
    const acknowledged = this.#acknowledged;
    if (number > (acknowledged.get(member) ?? 0)) acknowledged.set(member, Math.min(number, this.#newest));
    const confirmed = jointCommitted(confState, (voter) => (acknowledged.get(voter) ?? 0) as LogIndex);
    let count = 0;
    for (const read of this.#unconfirmed) {
      if (read.number > confirmed) break;
      count++;
    }
    return count === 0 ? [] : this.#unconfirmed.splice(0, count);
  }
}
