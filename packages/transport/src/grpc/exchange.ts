import type { Span } from "@opentelemetry/api";
import type { PeerInfo } from "../http2/engine.js";
import type { RequestHead } from "../http2/request-head.js";
import type { Stream, StreamConsumer } from "../http2/stream.js";
import type { WheelEntry } from "../wheel.js";
import type { CallKind, ServerStreamHandler, StreamCall, StreamHandler, UnaryCall, UnaryHandler } from "./call.js";
import { MessageReader, type MessageSink } from "./message-reader.js";
import { lengthOf, writeAnswer, writeMessage } from "./message-writer.js";
import type { Metadata } from "./metadata.js";
import type { HandledRoute } from "./registry.js";
import { Code, type Status } from "./status.js";
import { UnreadBody } from "./unread-body.js";
import {
  cutOff,
  deadlineExceeded,
  noRequest,
  severalRequests,
  tooMuchUnfinished,
  tooMuchUnread,
} from "./violations.js";
import { headBlock, isPlainOk, trailerFields, trailersOnlyBlock } from "./trailers.js";

/** What the exchanges of a listener share. */
export interface ExchangeHost {
  /** A handler threw: what to answer. Rethrows what must end the process. */
  failureOf(error: unknown, route: HandledRoute): Status;
  /** A call has ended. Only set where somebody wants to know. */
  readonly onEnded: ((exchange: Exchange, code: number) => void) | undefined;
}

const nothing = Buffer.alloc(0);

/**
 * One gRPC call on one stream, of any kind: what handlers see as `UnaryCall` or `StreamCall`. A single class, so that the path of a unary
 * call makes one object beside its stream and no closures.
 */
export class Exchange implements StreamConsumer, MessageSink, WheelEntry, UnaryCall, StreamCall {
  readonly route: HandledRoute;
  readonly stream: Stream;
  readonly deadlineMs: number | undefined;
  /** Monotonic moment at which its head came. */
  readonly startedMs: number;
  context: unknown = undefined;
  span: Span | undefined = undefined;
  expiresMs = 0;
  wheelNext: WheelEntry | undefined = undefined;
  wheelPrevious: WheelEntry | undefined = undefined;
  wheelSlot = -1;
  private readonly host: ExchangeHost;
  private readonly head: RequestHead;
  /** The handler has ended the call, or it has been answered for it. */
  private isEnded = false;
  private isCancelled = false;
  /** Cancelled, but its work counts as open. */
  private isCounted = false;
  /** The one request message of a call that has one, or of a unary call that waits for the end of the request. */
  private message: Uint8Array | undefined = undefined;
  private isDispatched = false;
  private reader: MessageReader | undefined = undefined;
  private headMetadata: Metadata | undefined = undefined;
  private cancelRun: (() => void) | undefined = undefined;
  private drainRun: (() => void) | undefined = undefined;
  private messageRun: ((message: Uint8Array) => void) | undefined = undefined;
  private halfCloseRun: (() => void) | undefined = undefined;
  private isPaused = false;
  private isFeeding = false;
  private isInputEnded = false;
  private unread: UnreadBody | undefined = undefined;

  constructor(stream: Stream, head: RequestHead, route: HandledRoute, host: ExchangeHost) {
    this.stream = stream;
    this.head = head;
    this.route = route;
    this.host = host;
    this.startedMs = stream.connection.nowMs;
    this.deadlineMs = head.timeoutMs === undefined ? undefined : this.startedMs + head.timeoutMs;
    route.started++;
  }

  get path(): string {
    return this.route.path;
  }

  get kind(): CallKind {
    return this.route.kind;
  }

  get metadata(): Metadata {
    return this.head.metadata;
  }

  get peer(): PeerInfo {
    return this.stream.connection.peer;
  }

  get isOver(): boolean {
    return this.isEnded || this.isCancelled;
  }

  get queuedBytes(): number {
    return this.stream.queuedBytes;
  }

  /** The head is there: starts the clock, and the handler of a call whose requests are a stream. */
  begin(): void {
    if (this.deadlineMs !== undefined && this.deadlineMs <= this.startedMs) return this.onExpire();
    this.watchDeadline();
    const { kind } = this.route;
    if (kind === "bidi" || kind === "client-stream") this.run(nothing);
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.isOver) return;
    const size = end - start - 5;
    const { stream } = this;
    if (
      stream.isRemoteClosed &&
      this.reader === undefined &&
      this.route.kind === "unary" &&
      size >= 0 &&
      bytes[start] === 0
    ) {
      const isWhole = bytes.readUInt32BE(start + 1) === size && size <= stream.connection.engine.limits.maxReceiveBytes;
      if (isWhole) return this.dispatch(bytes.subarray(start + 5, end)); // the common case: in place, nothing kept
    }
    if (this.unread !== undefined || !this.isReading) return this.keepUnread(bytes, start, end);
    const at = this.feed(bytes, start, end);
    if (at < end && !this.isOver) this.keepUnread(bytes, at, end);
  }

  private get isReading(): boolean {
    if (this.route.kind === "unary" || this.route.kind === "server-stream") return true;
    return this.messageRun !== undefined && !this.isPaused;
  }

  /** @returns the offset of the first byte that nobody wants yet. */
  private feed(bytes: Buffer, start: number, end: number): number {
    this.reader ??= new MessageReader(this.stream.connection, this.head.encoding);
    this.isFeeding = true;
    const at = this.reader.read(bytes, start, end, this);
    this.isFeeding = false;
    const { failure } = this.reader;
    this.stream.consumed(at - start);
    if (failure !== undefined) this.fail(failure);
    return at;
  }

  takeMessage(message: Uint8Array): boolean {
    this.countReceived(message);
    if (this.messageRun !== undefined) {
      this.guarded(this.messageRun, message);
      return this.isReading && !this.isOver;
    }
    if (this.message !== undefined) {
      this.fail(severalRequests);
    } else if (this.stream.connection.hold(message.length)) {
      this.message = Uint8Array.prototype.slice.call(message); // waits for the end of the request, which another read may bring
    } else {
      this.stream.connection.hold(-message.length);
      this.fail(tooMuchUnfinished);
    }
    return !this.isOver;
  }

  private countReceived(message: Uint8Array): void {
    this.route.received++;
    this.route.receivedBytes += message.length;
  }

  private keepUnread(bytes: Buffer, start: number, end: number): void {
    this.unread ??= new UnreadBody(this.stream.connection);
    if (!this.unread.append(bytes, start, end)) this.fail(tooMuchUnread);
  }

  private feedUnread(): void {
    const { unread } = this;
    if (this.isFeeding) return;
    if (unread !== undefined && this.isReading && !this.isOver) {
      const at = this.feed(unread.bytes, unread.start, unread.end);
      if (!this.isOver) unread.advance(at - unread.start);
      if (unread.start === unread.end) this.unread = undefined;
    }
    if (this.isInputEnded && this.unread === undefined) this.endInput();
  }

  onEnd(): void {
    this.isInputEnded = true;
    if (this.unread === undefined && !this.isFeeding) this.endInput();
  }

  private endInput(): void {
    if (this.isOver) return;
    if (this.reader?.isInsideMessage) return this.fail(cutOff);
    const { kind } = this.route;
    if (kind === "unary" || kind === "server-stream") {
      const { message } = this;
      if (this.isDispatched) return;
      if (message !== undefined) return this.dispatch(message);
      return this.fail(noRequest);
    }
    const { halfCloseRun } = this;
    if (halfCloseRun === undefined || (this.messageRun !== undefined && this.isPaused)) return;
    this.halfCloseRun = undefined;
    this.guarded(halfCloseRun, nothing);
  }

  /** Runs the handler of a call with one request message. */
  private dispatch(message: Uint8Array): void {
    this.isDispatched = true;
    if (this.reader === undefined) this.countReceived(message);
    this.dropMessage();
    this.run(message);
  }

  private run(message: Uint8Array): void {
    const { handler } = this.route;
    try {
      if (this.route.kind === "unary" || this.route.kind === "server-stream") {
        (handler as UnaryHandler & ServerStreamHandler)(this, message);
      } else {
        this.isDispatched = true;
        (handler as StreamHandler)(this);
      }
    } catch (error) {
      this.fail(this.host.failureOf(error, this.route));
    }
  }

  private guarded(run: (message: Uint8Array) => void, message: Uint8Array): void {
    try {
      run(message);
    } catch (error) {
      this.fail(this.host.failureOf(error, this.route));
    }
  }

  onMessage(run: (message: Uint8Array) => void): void {
    this.messageRun = run;
    this.feedUnread();
  }

  onHalfClose(run: () => void): void {
    this.halfCloseRun = run;
    this.feedUnread();
  }

  pauseReading(): void {
    this.isPaused = true;
  }

  resumeReading(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.feedUnread();
  }

  setHead(metadata: Metadata): void {
    this.headMetadata = metadata;
  }

  sendHead(): void {
    if (this.isOver || this.stream.isHeadSent) return;
    if (this.headMetadata === undefined) this.stream.sendGrpcHead();
    else this.stream.sendHead(headBlock(this.headMetadata), false);
  }

  reply(message: Uint8Array, trailers?: Metadata): void {
    this.replyParts([message], trailers);
  }

  replyParts(parts: readonly Uint8Array[], trailers?: Metadata): void {
    if (this.isOver) return this.settle(Code.OK);
    this.settle(Code.OK);
    this.countSent(parts);
    if (this.headMetadata !== undefined) this.stream.sendHead(headBlock(this.headMetadata), false);
    if (isPlainOk(trailers)) return writeAnswer(this.stream, parts);
    this.stream.sendGrpcHead();
    writeMessage(this.stream, parts);
    this.stream.end(trailerFields({ code: Code.OK, message: "" }, trailers));
  }

  send(message: Uint8Array): boolean {
    return this.sendParts([message]);
  }

  sendParts(parts: readonly Uint8Array[]): boolean {
    if (this.isOver) return true;
    if (!this.stream.isHeadSent) this.sendHead();
    this.countSent(parts);
    return writeMessage(this.stream, parts);
  }

  private countSent(parts: readonly Uint8Array[]): void {
    this.route.sent++;
    this.route.sentBytes += lengthOf(parts);
  }

  onDrain(run: () => void): void {
    this.drainRun = run;
  }

  end(trailers?: Metadata): void {
    if (this.isOver) return this.settle(Code.OK);
    if (!this.stream.isHeadSent) this.sendHead();
    this.settle(Code.OK);
    if (isPlainOk(trailers)) this.stream.endOk();
    else this.stream.end(trailerFields({ code: Code.OK, message: "" }, trailers));
  }

  fail(status: Status, trailers?: Metadata): void {
    if (this.isOver) return this.settle(status.code);
    this.settle(status.code);
    this.sendStatus(status, trailers);
  }

  private sendStatus(status: Status, trailers: Metadata | undefined): void {
    const { stream } = this;
    if (!stream.isHeadSent && this.headMetadata !== undefined) stream.sendHead(headBlock(this.headMetadata), false);
    if (stream.isHeadSent) stream.end(trailerFields(status, trailers));
    else stream.sendHead(trailersOnlyBlock("200", status, trailers), true);
  }

  onCancel(run: () => void): void {
    this.cancelRun = run;
  }

  /** The handler has ended the call: takes it out of all books. */
  private settle(code: number): void {
    if (this.isEnded) return;
    this.isEnded = true;
    if (this.wheelSlot >= 0) this.stream.connection.engine.deadlines.remove(this);
    if (this.isCancelled) this.stopCounting();
    else this.finished(code);
  }

  private finished(code: number): void {
    this.reader?.close();
    this.unread?.drop();
    this.dropMessage();
    const counts = this.route.handled;
    const slot = code < counts.length ? code : Code.Unknown;
    counts[slot] = (counts[slot] as number) + 1;
    this.host.onEnded?.(this, code);
  }

  private dropMessage(): void {
    if (this.message !== undefined) this.stream.connection.hold(-this.message.length);
    this.message = undefined;
  }

  /** The client has reset the stream or is gone, or the deadline has passed. */
  private cancel(code: number): void {
    if (this.isOver) return;
    const { connection } = this.stream;
    this.isCancelled = true;
    connection.engine.deadlines.remove(this);
    this.finished(code);
    const { cancelRun } = this;
    if (cancelRun !== undefined) this.guarded(cancelRun, nothing);
    else if (this.isDispatched && !this.isEnded) this.countAsWork();
  }

  private countAsWork(): void {
    const { connection } = this.stream;
    const { clock, counts, deadlines, limits } = connection.engine;
    this.isCounted = true;
    connection.cancelledWork++;
    counts.cancelledWork++;
    this.expiresMs = clock.monotonicMs() + limits.cancelledWorkMs;
    deadlines.add(this);
  }

  private stopCounting(): void {
    if (!this.isCounted) return;
    this.isCounted = false;
    this.stream.connection.cancelledWork--;
    this.stream.connection.engine.counts.cancelledWork--;
  }

  private watchDeadline(): void {
    if (this.deadlineMs === undefined) return;
    this.expiresMs = this.deadlineMs;
    this.stream.connection.engine.deadlines.add(this);
  }

  onExpire(): void {
    if (this.isCancelled) return this.stopCounting();
    this.cancel(Code.DeadlineExceeded);
    this.sendStatus(deadlineExceeded, undefined);
  }

  onAbort(): void {
    this.cancel(Code.Canceled);
  }

  onRoom(): void {
    this.drainRun?.();
  }
}
