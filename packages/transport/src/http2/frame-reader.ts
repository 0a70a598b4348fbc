import { HpackError } from "../hpack/hpack-decoder.js";
import type { Connection } from "./connection.js";
import { onFrame } from "./frames.js";
import { ConnectionError, clientPreface, defaultFrameBytes, ErrorCode, frameHeaderBytes } from "./protocol.js";

const nothing = Buffer.alloc(0);

/**
 * Cuts what a peer sends into frames, in place where a frame lies whole in a read. Knows no sockets, so that a test can feed it any bytes
 * in any pieces; the pieces make no difference to the answers.
 */
export class FrameReader {
  private readonly connection: Connection;
  private prefaceBytes = 0;
  /** A frame that the last read cut. */
  private partial: Buffer = nothing;
  private partialLength = 0;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Bytes from the peer, in order, in any pieces. `chunk` may be used again after the call. */
  receive(chunk: Buffer): void {
    const { connection } = this;
    if (connection.isEnding) return;
    connection.beginRead(chunk.length);
    try {
      this.parse(chunk);
    } catch (error) {
      if (error instanceof ConnectionError) connection.fail(error.code, error.message);
      else if (error instanceof HpackError) connection.fail(ErrorCode.COMPRESSION_ERROR, error.message);
      else throw error;
    } finally {
      connection.isReading = false;
    }
    if (connection.isEnding) this.partial = nothing;
    connection.flush();
  }

  private parse(chunk: Buffer): void {
    let at = this.prefaceBytes < clientPreface.length ? this.readPreface(chunk) : 0;
    if (this.partialLength > 0) at = this.completePartial(chunk, at);
    const end = chunk.length;
    while (end - at >= frameHeaderBytes) {
      const length = this.frameLength(chunk, at);
      const next = at + frameHeaderBytes + length;
      if (next > end) break;
      onFrame(this.connection, chunk, at, length);
      at = next;
      if (this.connection.isEnding) return;
    }
    if (at < end) this.keepPartial(chunk, at, end);
  }

  private frameLength(bytes: Buffer, at: number): number {
    const length = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
    if (length > defaultFrameBytes) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "frame too large");
    return length;
  }

  private readPreface(chunk: Buffer): number {
    const size = Math.min(clientPreface.length - this.prefaceBytes, chunk.length);
    if (clientPreface.compare(chunk, 0, size, this.prefaceBytes, this.prefaceBytes + size) !== 0) {
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "bad preface");
    }
    this.prefaceBytes += size;
    return size;
  }

  /** Fills up the frame that the last read cut, with no more bytes than it needs. @returns where the rest of the chunk begins. */
  private completePartial(chunk: Buffer, from: number): number {
    let at = from;
    for (const isHeaderKnown of [false, true]) {
      const need = isHeaderKnown ? frameHeaderBytes + this.frameLength(this.partial, 0) : frameHeaderBytes;
      const size = Math.min(Math.max(need - this.partialLength, 0), chunk.length - at);
      this.keepPartial(chunk, at, at + size);
      at += size;
      if (this.partialLength < need) return at;
    }
    const length = this.partialLength - frameHeaderBytes;
    this.partialLength = 0;
    onFrame(this.connection, this.partial, 0, length);
    if (this.partial.length > 2 * frameHeaderBytes + 1024) this.partial = nothing;
    return at;
  }

  private keepPartial(chunk: Buffer, start: number, end: number): void {
    const length = this.partialLength + end - start;
    if (length > this.partial.length) {
      const grown = Buffer.allocUnsafe(
        Math.min(Math.max(length, 2 * this.partial.length, 256), frameHeaderBytes + defaultFrameBytes),
      );
      this.partial.copy(grown, 0, 0, this.partialLength);
      this.partial = grown;
    }
    chunk.copy(this.partial, this.partialLength, start, end);
    this.partialLength = length;
  }

  /** Bytes of input, header blocks and tables that are held. */
  get heldBytes(): number {
    return this.partial.length + (this.connection.block?.bytes.length ?? 0) + this.connection.decoder.heldBytes;
  }
}
