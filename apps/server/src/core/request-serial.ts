import type { MemberId } from "@quorate/common";
import type { RequestId } from "./entry-codec.js";

const serialBits = 48n;
const serialSpan = 2 ** 48;

/**
 * Hands out request ids as etcd does: the low 16 bits of the member id, then 40 bits of the start time in milliseconds and a counter from
 * 8 bits upward, so that a member started again does not repeat the ids of its last life.
 */
export class RequestSerial {
  readonly member: number;
  readonly #first: number;
  #serial: number;

  /** @param startMs wall time of the start, in milliseconds since the Unix epoch. */
  constructor(member: MemberId, startMs: number) {
    this.member = Number(member & 0xffffn);
    this.#serial = (Math.floor(startMs) % 2 ** 40) * 256;
    this.#first = this.#serial;
  }

  /** The next id's serial number. It wraps at 2^48, after some 35 years. */
  next(): number {
    this.#serial = (this.#serial + 1) % serialSpan;
    return this.#serial;
  }

  /** False for an id that another member, or this one before its last start, has given: nobody here waits for that answer. */
  mayBeAwaited({ member, serial }: RequestId): boolean {
    return member === this.member && (serial - this.#first + serialSpan) % serialSpan < serialSpan / 2;
  }

  nextId(): RequestId {
    return { member: this.member, serial: this.next() };
  }

  /** A lease id nobody else chooses: the low 63 bits of the next request id, so that it is positive. */
  nextLeaseId(): bigint {
    const id = (BigInt(this.member) << serialBits) | BigInt(this.next());
    return BigInt.asUintN(63, id);
  }
}
