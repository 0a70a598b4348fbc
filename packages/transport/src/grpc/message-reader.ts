import { gunzipSync } from "node:zlib";
import type { StreamHost } from "../http2/stream.js";
import { Code, type Status } from "./status.js";
import { tooMuchUnfinished } from "./violations.js";

/** Gets whole messages. `message` may be a view that is only there during the call. @returns false to get no more for now. */
export interface MessageSink {
  takeMessage(message: Uint8Array): boolean;
}

const prefixBytes = 5;
const firstChunkBytes = 64 * 1024;

/**
 * Cuts the body of a request into gRPC messages. A message that lies whole in what comes is handed on in place; others are put together in
 * a buffer that grows with what has really come, not with what the prefix promises.
 */
export class MessageReader {
  /** Why the body cannot be read any further, or undefined. */
  failure: Status | undefined;
  private readonly host: StreamHost;
  private readonly encoding: string;
  private readonly prefix = Buffer.alloc(prefixBytes);
  private prefixFilled = 0;
  private body: Buffer | undefined;
  private bodyLength = 0;
  private bodyFilled = 0;

  constructor(host: StreamHost, encoding: string) {
    this.host = host;
    this.encoding = encoding;
  }

  /** Bytes of an unfinished message have come. */
  get isInsideMessage(): boolean {
    return this.prefixFilled > 0;
  }

  /**
   * Reads `bytes[start, end)` until they are used up, the sink wants no more, or the body is found broken (`failure`).
   * @returns the offset of the first byte not used.
   */
  read(bytes: Buffer, start: number, end: number, sink: MessageSink): number {
    let at = start;
    while (at < end && this.failure === undefined) {
      if (this.prefixFilled < prefixBytes) {
        const size = Math.min(prefixBytes - this.prefixFilled, end - at);
        bytes.copy(this.prefix, this.prefixFilled, at, at + size);
        this.prefixFilled += size;
        at += size;
        if (this.prefixFilled < prefixBytes || !this.checkPrefix()) continue;
        if (this.bodyLength > end - at) continue;
        const message = bytes.subarray(at, at + this.bodyLength);
        at += this.bodyLength;
        if (!this.hand(message, sink)) return at;
      } else {
        const size = Math.min(this.bodyLength - this.bodyFilled, end - at);
        if (!this.collect(bytes, at, at + size)) return end;
        at += size;
        if (this.bodyFilled === this.bodyLength && !this.hand(this.takeBody(), sink)) return at;
      }
    }
    return at;
  }

  /** Gives up an unfinished message. */
  close(): void {
    if (this.body !== undefined) this.host.hold(-this.body.length);
    this.body = undefined;
  }

  private checkPrefix(): boolean {
    const { maxReceiveBytes } = this.host.engine.limits;
    const flag = this.prefix[0] as number;
    this.bodyLength = this.prefix.readUInt32BE(1);
    this.bodyFilled = 0;
    if (this.bodyLength > maxReceiveBytes) {
      const text = `grpc: received message larger than max (${this.bodyLength} vs. ${maxReceiveBytes})`;
      this.failure = { code: Code.ResourceExhausted, message: text };
    } else if (flag > 1) {
      this.failure = { code: Code.Internal, message: `grpc: received unexpected payload format ${flag}` };
    } else if (flag === 1 && this.encoding === "identity") {
      this.failure = { code: Code.Internal, message: "grpc: compressed flag set with identity or empty encoding" };
    }
    return this.failure === undefined;
  }

  private collect(bytes: Buffer, start: number, end: number): boolean {
    const length = this.bodyFilled + end - start;
    const room = this.body?.length ?? 0;
    if (length > room) {
      const grown = Buffer.allocUnsafeSlow(Math.min(this.bodyLength, Math.max(2 * room, length, firstChunkBytes)));
      if (!this.host.hold(grown.length - room)) {
        this.host.hold(room - grown.length);
        this.failure = tooMuchUnfinished;
        return false;
      }
      this.body?.copy(grown, 0, 0, this.bodyFilled);
      this.body = grown;
    }
    bytes.copy(this.body as Buffer, this.bodyFilled, start, end);
    this.bodyFilled = length;
    return true;
  }

  private takeBody(): Buffer {
    const body = this.body as Buffer;
    this.host.hold(-body.length);
    this.body = undefined;
    return body;
  }

  private hand(body: Buffer, sink: MessageSink): boolean {
    this.prefixFilled = 0;
    if (this.prefix[0] === 0) return sink.takeMessage(body);
    const message = this.inflate(body);
    return message !== undefined && sink.takeMessage(message);
  }

  private inflate(body: Buffer): Buffer | undefined {
    const { maxReceiveBytes } = this.host.engine.limits;
    try {
      return gunzipSync(body, { maxOutputLength: Math.max(1, maxReceiveBytes) }); // checked while it inflates
    } catch (error) {
      const isTooLarge = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
      this.failure = isTooLarge
        ? {
            code: Code.ResourceExhausted,
            message: `grpc: received message after decompression larger than max ${maxReceiveBytes}`,
          }
        : {
            code: Code.Internal,
            message: `grpc: failed to decompress the received message: ${(error as Error).message}`,
          };
      return undefined;
    }
  }
}
