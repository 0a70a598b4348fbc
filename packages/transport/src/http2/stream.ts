import { encodeHeaders } from "../hpack/hpack-encoder.js";
import type { Engine, PeerInfo } from "./engine.js";
import type { Output, ReplyBlocks } from "./output.js";
import { ErrorCode, Flag, FrameType } from "./protocol.js";

/** Who gets what a client sends on one stream. Called while the read is parsed; must not throw. */
export interface StreamConsumer {
  /** Bytes `[start, end)` of the body. They are only there during the call. The consumer gives window back with `stream.consumed`. */
  onData(bytes: Buffer, start: number, end: number): void;
  /** The client has said all it had to say. */
  onEnd(): void;
  /** The stream is over before its answer was complete: reset by the peer, reset by us for an error of the peer, or the connection is gone. */
  onAbort(): void;
  /** Unsent bytes are below half the high-water mark again, after `push` had said false. */
  onRoom(): void;
}

/** What a stream needs of its connection. */
export interface StreamHost {
  readonly engine: Engine;
  readonly peer: PeerInfo;
  readonly output: Output;
  readonly blocks: ReplyBlocks;
  /** Monotonic moment of the read that is being parsed. */
  readonly nowMs: number;
  sendWindow: number;
  readonly peerFrameBytes: number;
  cancelledWork: number;
  readonly isOverQueueBound: boolean;
  writeHeaders(id: number, block: Uint8Array, isLast: boolean): void;
  writeReset(id: number, code: number): void;
  writeWindowUpdate(id: number, increment: number): void;
  /** Sends as much of a stream's queue as windows and socket take. */
  pump(stream: Stream): void;
  addQueued(bytes: number): void;
  shed(stream: Stream): void;
  hold(bytes: number): boolean;
  touch(): void;
  forget(stream: Stream): void;
  completed(): void;
  /** HEADERS or DATA have been written into the output. */
  spoke(): void;
  readonly guard: { countReset(nowMs: number): void };
}

/** Fields to send in a trailer block, or undefined for none: the last DATA frame then ends the stream. */
export type TrailerFields = readonly (readonly [string, string])[];

const okTrailers: TrailerFields = [["grpc-status", "0"]];

/** One HTTP/2 stream: windows, what waits to be sent, and its end on either side. */
export class Stream {
  readonly id: number;
  readonly connection: StreamHost;
  consumer: StreamConsumer | undefined = undefined;
  sendWindow: number;
  receiveWindow: number;
  /** Received and consumed, not yet given back to the peer. */
  private unacknowledged = 0;
  isRemoteClosed = false;
  isLocalClosed = false;
  isHeadSent = false;
  /** In the connection's list of streams that wait for its window or for the socket. */
  isWaiting = false;
  /** Unsent bytes of the body. */
  queuedBytes = 0;
  private queue: (Uint8Array | undefined)[] | undefined = undefined;
  private queueHead = 0;
  /** Bytes of `queue[queueHead]` that have been sent. */
  private offset = 0;
  private isEnding = false;
  private trailers: TrailerFields | undefined = undefined;
  private isAboveHighWater = false;
  /** Body bytes received, to compare with content-length. */
  receivedBytes = 0;
  contentLength = -1;

  constructor(id: number, connection: StreamHost, sendWindow: number, receiveWindow: number) {
    this.id = id;
    this.connection = connection;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }

  /** True when nothing more can be sent. */
  get isOver(): boolean {
    return this.isLocalClosed;
  }

  /** Sends response headers. `block` is complete. Ends the stream when `isLast`. */
  sendHead(block: Uint8Array, isLast: boolean): void {
    if (this.isLocalClosed) return;
    this.isHeadSent = true;
    this.connection.writeHeaders(this.id, block, isLast);
    if (isLast) this.closeLocal();
  }

  /** Sends a 1xx head; the real one follows. */
  sendInterim(block: Uint8Array): void {
    if (!this.isLocalClosed) this.connection.writeHeaders(this.id, block, false);
  }

  /** Sends the head of a successful gRPC answer, unless one was sent. */
  sendGrpcHead(): void {
    if (this.isHeadSent || this.isLocalClosed) return;
    this.isHeadSent = true;
    const { blocks } = this.connection;
    this.connection.writeHeaders(this.id, blocks.head, false);
    blocks.headWritten();
  }

  /** Queues body bytes; `push` sends them. They must not change until they are sent. */
  write(bytes: Uint8Array): void {
    if (this.isLocalClosed || this.isEnding || bytes.length === 0) return;
    this.queue ??= [];
    this.queue.push(bytes);
    this.queuedBytes += bytes.length;
    this.connection.addQueued(bytes.length);
  }

  /** Sends what `write` has queued, as far as it goes now. @returns false when more than the high-water mark still waits. */
  push(): boolean {
    this.connection.pump(this);
    const { limits } = this.connection.engine;
    if (this.queuedBytes > limits.streamHighWaterBytes) this.isAboveHighWater = true;
    if (this.connection.isOverQueueBound && this.queuedBytes > 0) this.connection.shed(this);
    return !this.isAboveHighWater;
  }

  /** Ends our side after what is queued. Trailers undefined: END_STREAM on DATA. */
  end(trailers: TrailerFields | undefined): void {
    if (this.isLocalClosed || this.isEnding) return;
    this.isEnding = true;
    this.trailers = trailers;
    if (this.queuedBytes === 0) this.finish();
    else this.connection.pump(this);
  }

  /** Ends our side of a gRPC call that went well and has no metadata to add. */
  endOk(): void {
    this.end(okTrailers);
  }

  /** Ends the stream at once with RST_STREAM. What is queued is dropped. */
  reset(code: number): void {
    if (this.isLocalClosed && this.isRemoteClosed) return;
    this.connection.writeReset(this.id, code);
    this.drop();
  }

  /** Lets the peer send `bytes` more. */
  consumed(bytes: number): void {
    this.unacknowledged += bytes;
    const { limits } = this.connection.engine;
    if (this.isRemoteClosed || this.isLocalClosed || this.unacknowledged * 2 < limits.streamWindowBytes) return;
    this.receiveWindow += this.unacknowledged;
    this.connection.writeWindowUpdate(this.id, this.unacknowledged);
    this.unacknowledged = 0;
  }

  /** Moves `length` of the queued bytes into `target`. Only the connection's pump calls it. */
  takeQueued(target: Buffer, at: number, length: number): void {
    const queue = this.queue as (Uint8Array | undefined)[];
    const end = at + length;
    for (let offset = at; offset < end; ) {
      const first = queue[this.queueHead] as Uint8Array;
      const size = Math.min(end - offset, first.length - this.offset);
      target.set(size === first.length ? first : first.subarray(this.offset, this.offset + size), offset);
      offset += size;
      this.offset += size;
      if (this.offset < first.length) break;
      this.offset = 0;
      queue[this.queueHead++] = undefined;
    }
    this.trimQueue(queue);
    this.queuedBytes -= length;
    this.connection.addQueued(-length);
  }

  private trimQueue(queue: (Uint8Array | undefined)[]): void {
    if (this.queueHead === queue.length) {
      this.queue = undefined;
      this.queueHead = 0;
    } else if (this.queueHead > 64 && this.queueHead * 2 > queue.length) {
      queue.splice(0, this.queueHead);
      this.queueHead = 0;
    }
  }

  /** After a DATA frame: whether it was the last one and takes END_STREAM. */
  get endsWithData(): boolean {
    return this.isEnding && this.trailers === undefined;
  }

  /** The queue is empty: send what follows it, or ask for more. */
  drained(): void {
    if (this.isEnding) this.finish();
    else this.checkLowWater();
  }

  /** Tells the consumer when the queue has gone below half the mark. */
  checkLowWater(): void {
    if (!this.isAboveHighWater || this.queuedBytes * 2 > this.connection.engine.limits.streamHighWaterBytes) return;
    this.isAboveHighWater = false;
    this.consumer?.onRoom();
  }

  private finish(): void {
    const { connection, trailers } = this;
    if (trailers === undefined) {
      connection.output.frameHeader(connection.output.reserve(9), 0, FrameType.DATA, Flag.END_STREAM, this.id);
      connection.touch();
    } else if (trailers === okTrailers) {
      connection.writeHeaders(this.id, connection.blocks.trailers, true);
      connection.blocks.trailersWritten();
    } else {
      connection.writeHeaders(this.id, encodeHeaders(trailers), true);
    }
    this.closeLocal();
  }

  /** Our side is done. A client that still sends is told that there is no need to. */
  closeLocal(): void {
    this.isLocalClosed = true;
    if (!this.isRemoteClosed) {
      this.connection.writeReset(this.id, ErrorCode.NO_ERROR);
      this.isRemoteClosed = true;
    }
    this.connection.forget(this);
    this.connection.completed();
  }

  /** The stream is gone: nothing is sent any more and the consumer is told, unless the answer was complete. */
  drop(): void {
    const isCutShort = !this.isLocalClosed;
    this.isLocalClosed = true;
    this.isRemoteClosed = true;
    if (this.queuedBytes > 0) this.connection.addQueued(-this.queuedBytes);
    this.queue = undefined;
    this.queuedBytes = 0;
    this.connection.forget(this);
    if (isCutShort) this.consumer?.onAbort();
  }
}

/** Tells the consumer that the body is over, unless the stream has ended meanwhile. */
export function endOfBody(stream: Stream): void {
  if (stream.isLocalClosed) stream.connection.forget(stream);
  else stream.consumer?.onEnd();
}

/** Resets a stream for an error of the peer, which counts (CVE-2025-8671). @throws ConnectionError when that is one too many. */
export function resetFor(stream: Stream, code: number): void {
  stream.connection.guard.countReset(stream.connection.nowMs);
  stream.reset(code);
}
