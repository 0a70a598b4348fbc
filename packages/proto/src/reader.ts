import { asInt64, asUint64, halves, highHalf, lowHalf, smallBigints } from "./int64.js";
import { ProtoError } from "./proto-error.js";

/**
 * How many messages (or unknown groups) may lie inside each other, unless a message type says otherwise. A transaction and the operation around it are
 * two, and etcd's bound on operations lets 128 of them lie inside each other.
 */
export const depthMaxDefault = 300;

/** The value of every absent or empty bytes field. Has no bytes, so that nobody can change it for another. */
export const emptyBytes: Uint8Array = new Uint8Array(0);

const textDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Up to here adding characters one by one beats a call of the decoder, and V8 makes flat strings of them. */
const shortTextMax = 12;

/**
 * Reads the protobuf wire format. Used by the generated code only, which asks `pos < limit` before each tag. Nothing is
 * read at or beyond `limit`, and everything that is wrong with the bytes is a ProtoError.
 */
export class Reader {
  pos = 0;
  /** End of the message being read. */
  limit = 0;
  private depth = 0;
  private depthMax = depthMaxDefault;
  private bytes: Uint8Array = emptyBytes;
  private buffer: ArrayBufferLike = emptyBytes.buffer;
  private base = 0;
  /** Results of `varint`, as signed 32-bit numbers. */
  private low = 0;
  private high = 0;

  start(bytes: Uint8Array, from: number, to: number, depthMax: number): void {
    if (!(from >= 0 && from <= to && to <= bytes.length)) {
      throw new RangeError(`no range ${from} to ${to} in ${bytes.length} bytes`);
    }
    this.bytes = bytes;
    this.buffer = bytes.buffer;
    this.base = bytes.byteOffset;
    this.pos = from;
    this.limit = to;
    this.depth = 0;
    this.depthMax = depthMax;
  }

  /** Lets go of the bytes, which would otherwise live until the next message is read. */
  finish(): void {
    this.bytes = emptyBytes;
    this.buffer = emptyBytes.buffer;
  }

  tag(): number {
    const byte = this.bytes[this.pos]!;
    if (byte < 0x80) {
      this.pos++;
      return byte;
    }
    this.varint();
    if (this.high !== 0) throw this.malformed("field number out of range");
    return this.low >>> 0;
  }

  bool(): boolean {
    this.varint();
    return (this.low | this.high) !== 0;
  }

  uint32(): number {
    this.varint();
    return this.low >>> 0;
  }

  /** Also enums. As everywhere in protobuf, the upper half of a 64-bit value is dropped. */
  int32(): number {
    this.varint();
    return this.low | 0;
  }

  int64(): bigint {
    this.varint();
    if (this.high === 0 && this.low >>> 0 < 1024) return smallBigints[this.low]!;
    halves[lowHalf] = this.low;
    halves[highHalf] = this.high;
    return asInt64[0]!;
  }

  uint64(): bigint {
    this.varint();
    if (this.high === 0 && this.low >>> 0 < 1024) return smallBigints[this.low]!;
    halves[lowHalf] = this.low;
    halves[highHalf] = this.high;
    return asUint64[0]!;
  }

  /** A view of the bytes that were passed in, not a copy. */
  view(): Uint8Array {
    const end = this.end();
    const from = this.pos;
    this.pos = end;
    if (end === from) return emptyBytes;
    // Half the cost of subarray, which looks for a species constructor first; and always a plain Uint8Array.
    return new Uint8Array(this.buffer, this.base + from, end - from);
  }

  text(): string {
    const end = this.end();
    const from = this.pos;
    if (end - from <= shortTextMax) {
      let text = "";
      let pos = from;
      for (; pos < end; pos++) {
        const byte = this.bytes[pos]!;
        if (byte >= 0x80) break;
        text += String.fromCharCode(byte);
      }
      if (pos === end) {
        this.pos = end;
        return text;
      }
    }
    try {
      const text = textDecoder.decode(new Uint8Array(this.buffer, this.base + from, end - from));
      this.pos = end;
      return text;
    } catch (error) {
      throw this.malformed("string is not UTF-8", error);
    }
  }

  /** Goes into a message: narrows `limit` to it and returns the limit to be given back to `leave`. */
  enter(): number {
    const end = this.end();
    const outer = this.limit;
    if (++this.depth > this.depthMax) throw this.malformed("nested too deep");
    this.limit = end;
    return outer;
  }

  /** Goes into a packed list, which is not one deeper; its end is given by setting `limit` back to what is returned. */
  enterPacked(): number {
    const end = this.end();
    const outer = this.limit;
    this.limit = end;
    return outer;
  }

  leave(outer: number): void {
    this.depth--;
    this.limit = outer;
  }

  /** Passes over a field that the message does not know, or knows with another wire type. */
  skip(tag: number): void {
    if (tag >>> 3 === 0) throw this.malformed("field number 0");
    switch (tag & 7) {
      case 0:
        this.varint();
        return;
      case 1:
        this.advance(8);
        return;
      case 2:
        this.pos = this.end();
        return;
      case 3:
        this.skipGroup(tag);
        return;
      case 5:
        this.advance(4);
        return;
      case 4:
        throw this.malformed("end of a group that did not begin");
      default:
        throw this.malformed("unknown wire type");
    }
  }

  private skipGroup(begin: number): void {
    if (++this.depth > this.depthMax) throw this.malformed("nested too deep");
    const end = begin + 1;
    while (this.pos < this.limit) {
      const tag = this.tag();
      if (tag === end) {
        this.depth--;
        return;
      }
      this.skip(tag);
    }
    throw this.malformed("group does not end");
  }

  private advance(length: number): void {
    if (length > this.limit - this.pos) throw this.malformed("truncated");
    this.pos += length;
  }

  /** Reads a length and returns where what it measures ends. */
  private end(): number {
    const pos = this.pos;
    let length: number;
    if (pos < this.limit && this.bytes[pos]! < 0x80) {
      length = this.bytes[pos]!;
      this.pos = pos + 1;
    } else {
      this.varint();
      if (this.high !== 0) throw this.malformed("length beyond the end");
      length = this.low >>> 0;
    }
    const end = this.pos + length;
    if (end > this.limit) throw this.malformed("length beyond the end");
    return end;
  }

  /** Reads a varint of at most 64 bits into `low` and `high`. */
  private varint(): void {
    const bytes = this.bytes;
    const limit = this.limit;
    let pos = this.pos;
    if (pos >= limit) throw this.malformed("truncated");
    let byte = bytes[pos++]!;
    let low = byte & 0x7f;
    let high = 0;
    // Four bytes of seven bits fit into the low half; the fifth is split; five more go into the high half.
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (pos >= limit) throw this.malformed("truncated");
      byte = bytes[pos++]!;
      if (shift < 28) low |= (byte & 0x7f) << shift;
      else if (shift === 28) {
        low |= (byte & 0x0f) << 28;
        high = (byte & 0x7f) >>> 4;
      } else if (shift < 63) high |= (byte & 0x7f) << (shift - 32);
      else {
        if (byte > 1) throw this.malformed("varint of more than 64 bits");
        high |= byte << 31;
      }
    }
    this.low = low;
    this.high = high;
    this.pos = pos;
  }

  private malformed(reason: string, cause?: unknown): ProtoError {
    const offset = this.pos;
    this.finish();
    return new ProtoError({ code: "proto/malformed", offset, reason }, cause === undefined ? undefined : { cause });
  }
}
