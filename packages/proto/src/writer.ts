import { asInt64, halves, highHalf, lowHalf } from "./int64.js";

const textEncoder = new TextEncoder();
/** Up to here a loop over ASCII characters beats a call of the encoder. */
const shortTextMax = 32;
const twoTo32 = 4294967296;

/**
 * A buffer that grows while messages are appended to it in the protobuf wire format.
 *
 * Two ways to get at the bytes: `finish` copies them into an array of their own, `take` hands out a view and lets the writer go
 * on behind it in the same chunk. The view costs a tenth, because an array of its own above 64 bytes means a call of malloc; but
 * it keeps its whole chunk alive and must not be transferred to another thread.
 */
export class Writer {
  private readonly chunkBytes: number;
  private buffer: Uint8Array;
  private from = 0;
  private pos = 0;

  /** @param options.chunkBytes how much is allocated at once, in bytes; a longer message gets a chunk of its own. */
  constructor(options: { chunkBytes?: number } = {}) {
    this.chunkBytes = options.chunkBytes ?? 16_384;
    this.buffer = new Uint8Array(this.chunkBytes);
  }

  /** Bytes written since the last `reset` or `take`. */
  get length(): number {
    return this.pos - this.from;
  }

  /** Size of the chunk being written to, in bytes. */
  get capacity(): number {
    return this.buffer.length;
  }

  /** Forgets what was written since the last `reset` or `take`. */
  reset(): void {
    this.pos = this.from;
  }

  /** A copy of what was written, in a buffer of exactly its size. The writer still holds it: call `reset` to start again. */
  finish(): Uint8Array {
    return this.buffer.slice(this.from, this.pos);
  }

  /** A view of what was written. It stays as it is: the writer goes on behind it. */
  take(): Uint8Array {
    const view = new Uint8Array(this.buffer.buffer, this.buffer.byteOffset + this.from, this.pos - this.from);
    this.from = this.pos;
    return view;
  }

  /** Appends the tag of a field. Wire types: 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
  tag(fieldNumber: number, wireType: 0 | 1 | 2 | 5): void {
    this.uint32(((fieldNumber << 3) | wireType) >>> 0);
  }

  /** Appends a varint. @param value an integer from 0 to 2^32 - 1 */
  uint32(value: number): void {
    this.reserve(5);
    this.put32(value >>> 0);
  }

  /** Appends a varint; a negative number takes ten bytes. @param value an integer from -2^31 to 2^31 - 1 */
  int32(value: number): void {
    this.reserve(10);
    if (value >= 0) this.put32(value);
    else this.put64(value >>> 0, 0xffff_ffff);
  }

  /** Appends a varint of a counter. @param value an integer from 0 to 2^53 - 1 */
  counter(value: number): void {
    this.reserve(10);
    if (value < twoTo32) this.put32(value);
    else this.put64(value >>> 0, Math.floor(value / twoTo32));
  }

  /** Appends a varint of an int64 or uint64, taken modulo 2^64. */
  int64(value: bigint): void {
    this.reserve(10);
    asInt64[0] = value;
    this.put64(halves[lowHalf]!, halves[highHalf]!);
  }

  bool(value: boolean): void {
    this.reserve(1);
    this.buffer[this.pos++] = value ? 1 : 0;
  }

  /** Appends the length and the bytes. */
  bytes(value: Uint8Array): void {
    const length = value.length;
    this.reserve(length + 5);
    this.put32(length);
    this.buffer.set(value, this.pos);
    this.pos += length;
  }

  /** Appends the bytes alone: an encoded message, or part of one. */
  raw(value: Uint8Array): void {
    this.reserve(value.length);
    this.buffer.set(value, this.pos);
    this.pos += value.length;
  }

  /** Appends the length and the text as UTF-8. Half of a surrogate pair becomes U+FFFD. */
  string(value: string): void {
    const length = value.length;
    if (length <= shortTextMax && this.shortAscii(value, length)) return;
    this.reserve(length * 3 + 5);
    const mark = this.open(length < 0x80 ? 1 : 2);
    this.pos += textEncoder.encodeInto(value, this.buffer.subarray(this.pos)).written;
    this.close(mark);
  }

  /**
   * Begins a length-delimited field whose length is not known yet; `end` with the returned mark closes it.
   * @param sizeHint how many bytes the length will probably take (1 to 5). A wrong guess costs a move of the content.
   */
  begin(fieldNumber: number, sizeHint = 1): number {
    return this.beginField(((fieldNumber << 3) | 2) >>> 0, sizeHint);
  }

  /** Closes what `begin` opened. Fields inside each other close in reverse order. @returns how many bytes the length took. */
  end(mark: number): number {
    return this.close(mark);
  }

  /** For generated code: tag as a number (field number * 8 + 2), see `begin`. */
  beginField(tag: number, sizeHint: number): number {
    this.reserve(10);
    this.putTag(tag);
    return this.open(sizeHint);
  }

  int64Field(tag: number, value: bigint): void {
    this.reserve(15);
    this.putTag(tag);
    asInt64[0] = value;
    this.put64(halves[lowHalf]!, halves[highHalf]!);
  }

  int32Field(tag: number, value: number): void {
    this.reserve(15);
    this.putTag(tag);
    if (value >= 0) this.put32(value);
    else this.put64(value >>> 0, 0xffff_ffff);
  }

  uint32Field(tag: number, value: number): void {
    this.reserve(10);
    this.putTag(tag);
    this.put32(value >>> 0);
  }

  boolField(tag: number, value: boolean): void {
    this.reserve(6);
    this.putTag(tag);
    this.buffer[this.pos++] = value ? 1 : 0;
  }

  bytesField(tag: number, value: Uint8Array): void {
    const length = value.length;
    this.reserve(length + 10);
    this.putTag(tag);
    this.put32(length);
    this.buffer.set(value, this.pos);
    this.pos += length;
  }

  stringField(tag: number, value: string): void {
    this.uint32(tag);
    this.string(value);
  }

  /** Writes length and characters, or, at the first one that is not ASCII, nothing and returns false. */
  private shortAscii(value: string, length: number): boolean {
    this.reserve(shortTextMax + 1);
    const buffer = this.buffer;
    let pos = this.pos;
    buffer[pos++] = length;
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      if (unit >= 0x80) return false;
      buffer[pos++] = unit;
    }
    this.pos = pos;
    return true;
  }

  /** Leaves room for a length of `size` bytes. The mark holds where the room begins (relative) and its size. */
  private open(size: number): number {
    const mark = (this.pos - this.from) * 8 + size;
    this.pos += size;
    return mark;
  }

  private close(mark: number): number {
    const room = mark & 7;
    const at = this.from + (mark - room) / 8;
    const length = this.pos - at - room;
    const size = length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : length < 0x1000_0000 ? 4 : 5;
    if (size !== room) {
      this.reserve(4);
      // The chunk may have moved, and with it where this message begins.
      const moved = this.from + (mark - room) / 8;
      this.buffer.copyWithin(moved + size, moved + room, moved + room + length);
      this.pos = moved;
    } else {
      this.pos = at;
    }
    this.put32(length);
    this.pos += length;
    return size;
  }

  private putTag(tag: number): void {
    if (tag < 0x80) this.buffer[this.pos++] = tag;
    else this.put32(tag);
  }

  private put32(value: number): void {
    const buffer = this.buffer;
    let pos = this.pos;
    let rest = value;
    while (rest > 0x7f) {
      buffer[pos++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    buffer[pos++] = rest;
    this.pos = pos;
  }

  private put64(low: number, high: number): void {
    const buffer = this.buffer;
    let pos = this.pos;
    let lower = low;
    let upper = high;
    while (upper !== 0) {
      buffer[pos++] = (lower & 0x7f) | 0x80;
      lower = ((lower >>> 7) | (upper << 25)) >>> 0;
      upper >>>= 7;
    }
    while (lower > 0x7f) {
      buffer[pos++] = (lower & 0x7f) | 0x80;
      lower >>>= 7;
    }
    buffer[pos++] = lower;
    this.pos = pos;
  }

  private reserve(count: number): void {
    if (this.pos + count > this.buffer.length) this.grow(count);
  }

  /** Moves the unfinished message to the start of a new chunk; views handed out keep the old one. */
  private grow(count: number): void {
    const length = this.pos - this.from;
    const next = new Uint8Array(Math.max(this.chunkBytes, (length + count) * 2));
    next.set(this.buffer.subarray(this.from, this.pos));
    this.buffer = next;
    this.from = 0;
    this.pos = length;
  }
}
