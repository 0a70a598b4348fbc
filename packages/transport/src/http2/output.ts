import { encodeHeaders } from "../hpack/hpack-encoder.js";

/** Where a connection's bytes go. */
export interface Wire {
  /** Takes the bytes over until `written` is called (once per call, in order). */
  write(bytes: Buffer, written: () => void): void;
  /** Bytes taken and not yet given to the system. */
  readonly backlog: number;
  /** Whether reads are handed on. What has been read already may still come. */
  pause(): void;
  resume(): void;
  /** Closes after what has been written. */
  end(): void;
  /** Closes now. */
  destroy(): void;
}

const chunkBytes = 65_536;

/** Output buffers of all connections of a listener: a connection holds one only while it has something to write. */
export class BufferPool {
  private readonly free: Buffer[] = [];
  private readonly keepMax: number;

  constructor(keepMax = 32) {
    this.keepMax = keepMax;
  }

  take(): Buffer {
    return this.free.pop() ?? Buffer.allocUnsafeSlow(chunkBytes);
  }

  give(buffer: Buffer): void {
    if (buffer.length === chunkBytes && this.free.length < this.keepMax) this.free.push(buffer);
  }
}

const nothing = Buffer.alloc(0);

/**
 * Gathers what one turn of the event loop wants to send into one buffer and one write. Callers reserve room and write bytes in place.
 */
export class Output {
  /** Where reserved bytes go. Changes with `reserve`. */
  buffer: Buffer = nothing;
  /** Bytes of `buffer` in use. */
  used = 0;
  /** All bytes ever written. */
  total = 0;
  private readonly wire: Wire;
  private readonly pool: BufferPool;
  private readonly inFlight: Buffer[] = [];
  private readonly onWritten: () => void;

  /** `onWritten` runs each time the wire has given something to the system. */
  constructor(wire: Wire, pool: BufferPool, onWritten: () => void) {
    this.wire = wire;
    this.pool = pool;
    this.onWritten = onWritten;
  }

  /** Bytes that the system has not taken yet. */
  get backlog(): number {
    return this.used + this.wire.backlog;
  }

  /** Makes room for `bytes` in a row. @returns the offset in `buffer` of the first. */
  reserve(bytes: number): number {
    if (this.used + bytes > this.buffer.length) {
      this.flush();
      this.buffer = bytes <= chunkBytes ? this.pool.take() : Buffer.allocUnsafeSlow(bytes);
    }
    const at = this.used;
    this.used = at + bytes;
    return at;
  }

  /** Hands over to the wire what has been gathered. */
  flush(): void {
    if (this.used === 0) return;
    const { buffer, used } = this;
    this.total += used;
    this.buffer = nothing;
    this.used = 0;
    this.inFlight.push(buffer);
    this.wire.write(used === buffer.length ? buffer : buffer.subarray(0, used), this.written);
  }

  /** Writes a frame header in place. @returns the offset after it. */
  frameHeader(at: number, length: number, type: number, flags: number, id: number): number {
    const { buffer } = this;
    buffer[at] = length >>> 16;
    buffer[at + 1] = length >>> 8;
    buffer[at + 2] = length;
    buffer[at + 3] = type;
    buffer[at + 4] = flags;
    buffer[at + 5] = id >>> 24;
    buffer[at + 6] = id >>> 16;
    buffer[at + 7] = id >>> 8;
    buffer[at + 8] = id;
    return at + 9;
  }

  /** A whole frame with a payload of one 32-bit number: RST_STREAM, WINDOW_UPDATE. */
  numberFrame(type: number, id: number, value: number): void {
    const at = this.frameHeader(this.reserve(13), 4, type, 0, id);
    this.buffer.writeUInt32BE(value, at);
  }

  /** A whole frame with the payload copied. */
  frame(type: number, flags: number, id: number, payload: Uint8Array): void {
    const start = this.reserve(9 + payload.length);
    this.buffer.set(payload, this.frameHeader(start, payload.length, type, flags, id));
  }

  private readonly written = (): void => {
    const buffer = this.inFlight.shift();
    if (buffer !== undefined) this.pool.give(buffer);
    this.onWritten();
  };
}

const contentTypeField = Buffer.concat([Buffer.from([0x5f, 0x10]), Buffer.from("application/grpc")]); // literal with indexing, name 31
const statusOkField = Buffer.concat([Buffer.from([0x40, 0x0b]), Buffer.from("grpc-status"), Buffer.from([0x01, 0x30])]);
const plainHead = encodeHeaders([
  [":status", "200"],
  ["content-type", "application/grpc"],
]);
const plainTrailers = encodeHeaders([["grpc-status", "0"]]);
/** Both entries by the count of RFC 7541 section 4.1: 12 + 16 + 32 and 11 + 1 + 32. */
const bothEntriesBytes = 104;

/**
 * The two blocks that nearly every answer consists of, as short as this connection's dynamic table allows: one byte each once the
 * peer's decoder has seen them. Blocks must be written in the order in which they are taken.
 */
export class ReplyBlocks {
  head: Uint8Array = Buffer.concat([Buffer.from([0x88]), contentTypeField]);
  trailers: Uint8Array = plainTrailers;
  private hasContentType = false;
  private hasStatus = false;
  private mayIndex = true;
  private tableBytesMax = 4096;
  private smallest = 4096;
  private sizeUpdate: Buffer | undefined;

  /** A table size update has to begin the next block. */
  get isResized(): boolean {
    return this.sizeUpdate !== undefined;
  }

  /** After `head` has been written. */
  headWritten(): void {
    if (!this.mayIndex || this.hasContentType) return;
    this.hasContentType = true;
    this.head = Buffer.from([0x88, 0x80 | 62]);
    this.trailers = statusOkField;
  }

  /** After `trailers` has been written. */
  trailersWritten(): void {
    if (!this.mayIndex || !this.hasContentType || this.hasStatus) return;
    this.hasStatus = true;
    this.trailers = Buffer.from([0x80 | 62]);
    this.head = Buffer.from([0x88, 0x80 | 63]);
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. The smallest of several must be told too (RFC 7541 section 4.2). */
  resize(bytes: number): void {
    const next = Math.min(bytes, 4096);
    if (next === this.tableBytesMax) return;
    this.tableBytesMax = next;
    this.smallest = Math.min(this.smallest, next);
    this.sizeUpdate = Buffer.concat([...new Set([this.smallest, next])].map(sizeUpdateOf));
    if (next >= bothEntriesBytes) return;
    this.mayIndex = false; // and so it stays: entries that were evicted are not worth the bookkeeping
    this.head = plainHead;
    this.trailers = plainTrailers;
  }

  /** A table size update that must begin the next block, once. */
  takeSizeUpdate(): Buffer | undefined {
    const update = this.sizeUpdate;
    if (update === undefined) return undefined;
    this.sizeUpdate = undefined;
    this.smallest = this.tableBytesMax;
    return update;
  }
}

function sizeUpdateOf(bytes: number): Buffer {
  if (bytes < 31) return Buffer.from([0x20 | bytes]);
  const rest = bytes - 31;
  return rest < 128 ? Buffer.from([0x3f, rest]) : Buffer.from([0x3f, (rest & 0x7f) | 0x80, rest >>> 7]);
}
