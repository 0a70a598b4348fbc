import type { ClusterId, MemberId, Revision, Term } from "@quorate/common";
import { ByteSlab } from "./byte-slab.js";
import { varintLength, writeVarint } from "./entry-codec.js";

const slab = new ByteSlab();

const nothing = new Uint8Array(0);
/** What a builder takes at first. Those inside a transaction's answer are many and short-lived. */
const firstBytes = 96;
/** From here on a view and one copy are faster than a loop. */
const viewBytesMin = 48;

/** A message that is written into one growing buffer and copied out when it is done. One is used for all: a core does one thing at a time. */
export class MessageBuilder {
  #bytes: Uint8Array = nothing;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What was written since the last `take`, in bytes that nobody else writes to. */
  take(): Uint8Array {
    const out = slab.take(this.#length);
    // Most answers are short, and a view costs more than to copy a few bytes one by one.
    if (this.#length > viewBytesMin) out.set(this.#bytes.subarray(0, this.#length));
    else for (let i = 0; i < this.#length; i++) out[i] = this.#bytes[i] ?? 0;
    this.#length = 0;
    // A reply of many megabytes must not keep its buffer for ever.
    if (this.#bytes.length > 1_048_576) this.#bytes = nothing;
    return out;
  }

  /** Bytes that are encoded already. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** A field of a whole number from 0 to 2^53; zero is left out. */
  number(field: number, value: number): this {
    if (value === 0) return this;
    this.#reserve(20);
    this.#length = writeVarint(this.#bytes, this.#length, field * 8);
    this.#length = writeVarint(this.#bytes, this.#length, value);
    return this;
  }

  /** A field of a 64-bit number, signed or not; zero is left out. */
  wide(field: number, value: bigint): this {
    if (value === 0n) return this;
    this.#reserve(20);
    this.#length = writeVarint(this.#bytes, this.#length, field * 8);
    for (let rest = BigInt.asUintN(64, value); ; rest >>= 7n) {
      if (rest < 128n) {
        this.#bytes[this.#length++] = Number(rest);
        return this;
      }
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
    }
  }

  flag(field: number, value: boolean): this {
    return this.number(field, value ? 1 : 0);
  }

  /** A field of bytes, or of a message that is encoded already; written even when it is empty. */
  bytes(field: number, bytes: Uint8Array): this {
    this.#reserve(bytes.length + 20);
    this.#length = writeVarint(this.#bytes, this.#length, field * 8 + 2);
    this.#length = writeVarint(this.#bytes, this.#length, bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** The beginning of a field of so many bytes, which the caller puts behind it. */
  prefix(field: number, length: number): this {
    this.#reserve(20);
    this.#length = writeVarint(this.#bytes, this.#length, field * 8 + 2);
    this.#length = writeVarint(this.#bytes, this.#length, length);
    return this;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2, firstBytes));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Writes response headers: the ids never change, and one revision is told to many callers. */
export class HeaderWriter {
  readonly #ids: Uint8Array;
  #revision = -1;
  #term = -1;
  #header: Uint8Array = new Uint8Array(0);

  constructor(cluster: ClusterId, member: MemberId) {
    this.#ids = new MessageBuilder().wide(1, cluster).wide(2, member).take();
  }

  /** Field 1 of a response, `ResponseHeader`, with all four members. */
  field(revision: Revision | 0, term: Term): Uint8Array {
    if (revision === this.#revision && term === this.#term) return this.#header;
    const revisionLength = revision === 0 ? 0 : 1 + varintLength(revision);
    const length = this.#ids.length + revisionLength + (term === 0 ? 0 : 1 + varintLength(term));
    const header = slab.take(1 + varintLength(length) + length);
    header[0] = 10;
    let at = writeVarint(header, 1, length);
    header.set(this.#ids, at);
    at += this.#ids.length;
    if (revision !== 0) {
      header[at] = 24;
      at = writeVarint(header, at + 1, revision);
    }
    if (term !== 0) {
      header[at] = 32;
      writeVarint(header, at + 1, term);
    }
    this.#revision = revision;
    this.#term = term;
    this.#header = header;
    return header;
  }
}

/** Field 1 of a response inside a transaction: a header with nothing but the revision. */
export function innerHeader(revision: Revision): Uint8Array {
  return new MessageBuilder().bytes(1, new MessageBuilder().number(3, revision).take()).take();
}
