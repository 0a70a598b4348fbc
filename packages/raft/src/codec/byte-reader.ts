import { RaftError } from "../raft-error.js";

/** Reads what a `ByteWriter` wrote. Bytes come out as views. @throws RaftError "raft/malformed" with the offset, from every method. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #subject: string;
  #view: DataView | undefined;
  #offset = 0;

  /** @param subject what is being read, for the error. */
  constructor(bytes: Uint8Array, subject: string) {
    this.#bytes = bytes;
    this.#subject = subject;
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  byte(): number {
    if (this.left < 1) this.fail("ends too early");
    return this.#bytes[this.#offset++] as number;
  }

  /** @returns a safe integer, not negative. */
  varint(): number {
    const start = this.#offset;
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 8; count++) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) this.fail("a number is too large", start);
        if (byte === 0 && count > 0) this.fail("a number is longer than needed", start);
        return value;
      }
      factor *= 0x80;
    }
    return this.fail("a number is too long", start);
  }

  id(): bigint {
    if (this.left < 8) this.fail("ends too early");
    const bytes = this.#bytes;
    this.#view ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const value = this.#view.getBigUint64(this.#offset, true);
    this.#offset += 8;
    return value;
  }

  /** A view of `length` bytes. */
  raw(length: number): Uint8Array {
    if (this.left < length) this.fail("ends too early");
    const start = this.#offset;
    this.#offset += length;
    return this.#bytes.subarray(start, this.#offset);
  }

  /** A length as a varint, then a view of as many bytes. */
  bytes(): Uint8Array {
    return this.raw(this.varint());
  }

  /** How many things follow, each of at least `bytesMin` bytes: a count that cannot be true is noticed before anything is made. */
  count(bytesMin: number): number {
    const start = this.#offset;
    const count = this.varint();
    if (count * bytesMin > this.left) this.fail("a count is larger than what follows", start);
    return count;
  }

  /** One of a list of names, by its place. */
  choice<Name>(names: readonly Name[]): Name {
    const start = this.#offset;
    const name = names[this.byte()];
    return name === undefined ? this.fail("an unknown kind", start) : name;
  }

  /** Everything must have been read. */
  end(): void {
    if (this.left > 0) this.fail("bytes are left over");
  }

  fail(problem: string, offset: number = this.#offset): never {
    throw new RaftError({ code: "raft/malformed", subject: this.#subject, offset, problem });
  }
}
