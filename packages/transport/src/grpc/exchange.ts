import type { Span } from "@opentelemetry/api";
import type { PeerInfo } from "../http2/engine.js";
import type { RequestHead } from "../http2/request-head.js";
import type { Stream, StreamConsumer } from "../http2/stream.js";
import type { WheelEntry } from "../wheel.js";
import type { CallKind, ServerStreamHandler, StreamCall, StreamHandler, UnaryCall, UnaryHandler } from "./call.js";
import { MessageReader, type MessageSink } from "./message-reader.js";
import { writeAnswer, writeMessage } from "./message-writer.js";
import type { Metadata } from "./metadata.js";
import type { HandledRoute } from "./registry.js";
import { Code, type Status } from "./status.js";
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
  /** Body bytes that came while nobody read. */
  private unread: Buffer[] | undefined = undefined;

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

  // --- What the client sends -----------------------------------------------------------------------------------------------

  /** The head is there: starts the clock, and the handler of a call whose requests are a stream. */
  begin(): void {
    if (this.deadlineMs !== undefined && this.deadlineMs <= this.startedMs) return this.onExpire();
    this.watchDeadline();
    const { kind } = this.route;
    if (kind === "bidi" || kind === "client-stream") this.run(nothing);
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.isOver) return;
    const size = end - start;
    const isWhole =
      this.stream.isRemoteClosed &&
      this.reader === undefined &&
      size >= 5 &&
      bytes[start] === 0 &&
      this.route.kind === "unary";
    if (
      isWhole &&
      bytes.readUInt32BE(start + 1) === size - 5 &&
      size - 5 <= this.stream.connection.engine.limits.maxReceiveBytes
    ) {
      return this.dispatch(bytes.subarray(start + 5, end));
    }
    if (this.unread !== undefined || !this.isReading) return this.keepUnread(bytes, start, end);
    this.feed(bytes, start, end);
  }

  private get isReading(): boolean {
    if (this.route.kind === "unary" || this.route.kind === "server-stream") return true;
    return this.messageRun !== undefined && !this.isPaused;
  }

  private feed(bytes: Buffer, start: number, end: number): void {
    this.reader ??= new MessageReader(this.stream.connection, this.head.encoding);
    this.isFeeding = true;
    const at = this.reader.read(bytes, start, end, this);
    this.isFeeding = false;
    if (this.isOver) return;
    this.stream.consumed(at - start);
    const { failure } = this.reader;
    if (failure !== undefined) return this.fail(failure);
    if (at < end) this.keepUnread(bytes, at, end);
  }

  takeMessage(message: Uint8Array): boolean {
    this.route.received++;
    if (this.messageRun !== undefined) {
      this.guarded(this.messageRun, message);
      return this.isReading && !this.isOver;
    }
    if (this.message !== undefined) {
      this.fail({
        code: Code.Internal,
        message: "cardinality violation: received multiple request messages for non-client-streaming RPC",
      });
      return false;
    }
    this.message = Uint8Array.prototype.slice.call(message); // waits for the end of the request, which another read may bring
    return true;
  }

  private keepUnread(bytes: Buffer, start: number, end: number): void {
    if (!this.stream.connection.hold(end - start)) {
      this.stream.connection.hold(start - end);
      return this.fail({ code: Code.ResourceExhausted, message: "grpc: too many bytes of unread messages" });
    }
    this.unread ??= [];
    this.unread.push(Buffer.from(bytes.subarray(start, end)));
  }

  private feedUnread(): void {
    while (this.unread !== undefined && !this.isFeeding && this.isReading && !this.isOver) {
      const chunks = this.unread;
      this.unread = undefined;
      for (let i = 0; i < chunks.length; i++) {
        const chunk = chunks[i] as Buffer;
        this.stream.connection.hold(-chunk.length);
        if (this.isOver) continue;
        if (this.unread === undefined) this.feed(chunk, 0, chunk.length);
        else this.keepUnread(chunk, 0, chunk.length);
      }
    }
    if (this.isInputEnded && this.unread === undefined && !this.isFeeding) this.endInput();
  }

  onEnd(): void {
    this.isInputEnded = true;
    if (this.unread === undefined && !this.isFeeding) this.endInput();
  }

  private endInput(): void {
    if (this.isOver) return;
    if (this.reader?.isInsideMessage) return this.fail({ code: Code.Internal, message: "unexpected EOF" });
    const { kind } = this.route;
    if (kind === "unary" || kind === "server-stream") {
      const { message } = this;
      if (this.isDispatched) return;
      if (message !== undefined) return this.dispatch(message);
      return this.fail({
        code: Code.Internal,
        message: "cardinality violation: received no request message from non-client-streaming RPC",
      });
    }
    const { halfCloseRun } = this;
    this.halfCloseRun = undefined;
    if (halfCloseRun !== undefined && (this.messageRun === undefined || !this.isPaused))
      this.guarded(halfCloseRun, nothing);
    else this.halfCloseRun = halfCloseRun;
  }

  /** Runs the handler of a call with one request message. */
  private dispatch(message: Uint8Array): void {
    this.isDispatched = true;
    this.message = undefined;
    if (this.reader === undefined) this.route.received++;
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
    if (this.isInputEnded && this.unread === undefined && !this.isFeeding) this.endInput();
  }

  pauseReading(): void {
    this.isPaused = true;
  }

  resumeReading(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.feedUnread();
  }

  // --- What the handler sends ----------------------------------------------------------------------------------------------

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
    this.route.sent++;
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
    this.route.sent++;
    return writeMessage(this.stream, parts);
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

  // --- The end -------------------------------------------------------------------------------------------------------------

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
    this.dropUnread();
    const counts = this.route.handled;
    const slot = code < counts.length ? code : Code.Unknown;
    counts[slot] = (counts[slot] as number) + 1;
    this.host.onEnded?.(this, code);
  }

  private dropUnread(): void {
    if (this.unread === undefined) return;
    for (const chunk of this.unread) this.stream.connection.hold(-chunk.length);
    this.unread = undefined;
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
    this.sendStatus({ code: Code.DeadlineExceeded, message: "context deadline exceeded" }, undefined);
  }

  onAbort(): void {
    this.cancel(Code.Canceled);
  }

  onRoom(): void {
    this.drainRun?.();
  }
}
