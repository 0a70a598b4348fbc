import type { Span } from "@opentelemetry/api";
import type { PeerInfo } from "../http2/engine.js";
import type { Metadata } from "./metadata.js";
import type { Status } from "./status.js";

/** The four shapes of a gRPC method. */
export type CallKind = "unary" | "client-stream" | "server-stream" | "bidi";

/** What every call has, and what an interceptor sees of it. */
export interface CallInfo {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly kind: CallKind;
  /** What the client sent along; `:authority` is in it too. */
  readonly metadata: Metadata;
  readonly peer: PeerInfo;
  /** Monotonic moment at which the call is cancelled with DEADLINE_EXCEEDED, or undefined. */
  readonly deadlineMs: number | undefined;
  /** The server span, when this call is traced. */
  readonly span: Span | undefined;
  /** The handler's own slot: saves it a map from call to state. */
  context: unknown;
}

/** What ends a call, of any kind. After the end, or after a cancel, all of it does nothing. */
export interface CallEnd extends CallInfo {
  /** True once the call has ended or was cancelled. */
  readonly isOver: boolean;
  /** Metadata to send ahead of the first message. Must come before it. */
  setHead(metadata: Metadata): void;
  /** Ends the call with a status other than OK. */
  fail(status: Status, trailers?: Metadata): void;
  /**
   * Says what to run once when the client resets the call, its connection is gone or its deadline passes. With it the handler promises to stop
   * its work then; without it a cancelled call counts against the stream limit until `reply` or `fail` is called, or `cancelledWorkMs` are over.
   */
  onCancel(run: () => void): void;
}

/** A call with one request message and one reply. */
export interface UnaryCall extends CallEnd {
  /** Ends the call with one message, which must not change afterwards. All replies of one turn of the event loop leave in one write. */
  reply(message: Uint8Array, trailers?: Metadata): void;
  /** The same with the message in several parts, which saves putting them together. */
  replyParts(parts: readonly Uint8Array[], trailers?: Metadata): void;
}

/** A call with a stream of messages on at least one side. */
export interface StreamCall extends CallEnd {
  /** Sends one message, which must not change afterwards. @returns false when more than the high-water mark waits: stop until `onDrain`. */
  send(message: Uint8Array): boolean;
  /** The same with the message in several parts. */
  sendParts(parts: readonly Uint8Array[]): boolean;
  /** Sends the response headers now, before any message. */
  sendHead(): void;
  /** What to run each time the unsent bytes have fallen to half the high-water mark after a send that said false. */
  onDrain(run: () => void): void;
  /** Ends the call with OK after all that was sent. */
  end(trailers?: Metadata): void;
  /** What gets each message. Nothing is read before it is set. `message` is only valid during the call: copy what is to stay. */
  onMessage(run: (message: Uint8Array) => void): void;
  /** What to run when the client has sent its last message and it has been handed over. */
  onHalfClose(run: () => void): void;
  /** No more messages for now: the client's window closes when it is full. */
  pauseReading(): void;
  resumeReading(): void;
  /** Bytes that wait for the client's window or the socket. */
  readonly queuedBytes: number;
}

/** Called synchronously while a read is parsed. `message` is only valid during the call: copy what is to stay. */
export type UnaryHandler = (call: UnaryCall, message: Uint8Array) => void;
/** One request message, many replies. `message` is only valid during the call. */
export type ServerStreamHandler = (call: StreamCall, message: Uint8Array) => void;
/** Many requests; one reply (`send` and `end`) or many. Called when the head of the request has come. */
export type StreamHandler = (call: StreamCall) => void;
/** Looks at a call before its handler gets it. A status refuses it. */
export type Interceptor = (call: CallInfo) => Status | undefined;
