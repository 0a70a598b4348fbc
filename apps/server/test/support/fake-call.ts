import type { Span } from "@opentelemetry/api";
import { type CallKind, Code, emptyMetadata, type Metadata, type PeerInfo, type Status } from "@quorate/transport";
import type { StreamCall, UnaryCall } from "@quorate/transport";

const peer = { remoteAddress: "127.0.0.1", remotePort: 40000 } as unknown as PeerInfo;
const ok: Status = { code: Code.OK, message: "" };

/** What both kinds of call share: how it ended, and what the handler wants to hear of. */
class FakeEnd {
  readonly path: string;
  readonly kind: CallKind;
  readonly metadata: Metadata;
  readonly peer = peer;
  readonly deadlineMs = undefined;
  readonly span: Span | undefined;
  context: unknown = undefined;
  /** How the call ended; undefined while it runs. */
  status: Status | undefined;
  /** How often it was ended: more than once is a mistake of the handler. */
  ends = 0;
  #onCancel: (() => void) | undefined;

  constructor(path: string, kind: CallKind, options: CallOptions) {
    this.path = path;
    this.kind = kind;
    this.metadata = options.metadata ?? emptyMetadata;
    this.span = options.span;
  }

  get isOver(): boolean {
    return this.status !== undefined;
  }

  setHead(): void {}

  fail(status: Status): void {
    this.finish({ code: status.code, message: status.message });
  }

  onCancel(run: () => void): void {
    this.#onCancel = run;
  }

  /** The client resets the call. */
  cancel(): void {
    if (this.isOver) return;
    this.status = { code: Code.Canceled, message: "context canceled" };
    this.#onCancel?.();
  }

  protected finish(status: Status): void {
    this.ends += 1;
    if (this.isOver) return;
    this.status = status;
    this.span?.setAttribute("rpc.grpc.status_code", status.code).end();
  }
}

/** What a test may say of a call it makes. */
export type CallOptions = Readonly<{ metadata?: Metadata | undefined; span?: Span | undefined }>;

/** A unary call that a test makes of a handler. */
export class FakeUnary extends FakeEnd implements UnaryCall {
  message: Uint8Array | undefined;

  constructor(path: string, options: CallOptions = {}) {
    super(path, "unary", options);
  }

  reply(message: Uint8Array): void {
    this.replyParts([message]);
  }

  replyParts(parts: readonly Uint8Array[]): void {
    if (!this.isOver) this.message = Buffer.concat(parts);
    this.finish(ok);
  }
}

/** A call with streams. It takes everything until `room` says otherwise. */
export class FakeStream extends FakeEnd implements StreamCall {
  /** Messages sent and not taken by `take` yet, encoded. */
  #sent: Uint8Array[] = [];
  #onMessage: ((message: Uint8Array) => void) | undefined;
  #onHalfClose: (() => void) | undefined;
  #onDrain: (() => void) | undefined;
  /** Bytes the client has room for before `send` says that it is enough. */
  room = Number.POSITIVE_INFINITY;
  /** Bytes and messages sent in all. */
  sentBytes = 0;
  sentMessages = 0;
  isPaused = false;
  #queued = 0;
  #isDraining = false;

  constructor(path: string, kind: CallKind, options: CallOptions = {}) {
    super(path, kind, options);
  }

  get queuedBytes(): number {
    return this.#queued;
  }

  send(message: Uint8Array): boolean {
    return this.sendParts([message]);
  }

  sendParts(parts: readonly Uint8Array[]): boolean {
    if (this.isOver) return true;
    const message = Buffer.concat(parts);
    this.#sent.push(message);
    this.sentBytes += message.length;
    this.sentMessages += 1;
    this.#queued += message.length;
    if (this.#queued > this.room) {
      this.#isDraining = true;
      return false;
    }
    return true;
  }

  sendHead(): void {}

  end(): void {
    this.finish(ok);
  }

  onDrain(run: () => void): void {
    this.#onDrain = run;
  }

  onMessage(run: (message: Uint8Array) => void): void {
    this.#onMessage = run;
  }

  onHalfClose(run: () => void): void {
    this.#onHalfClose = run;
  }

  pauseReading(): void {
    this.isPaused = true;
  }

  resumeReading(): void {
    this.isPaused = false;
  }

  /** The client sends a message. Its buffer is written over afterwards, as a socket's is. */
  receive(message: Uint8Array): void {
    if (!this.isOver) lend(message, (lent) => this.#onMessage?.(lent));
  }

  halfClose(): void {
    if (!this.isOver) this.#onHalfClose?.();
  }

  /** What was sent since the last time. */
  take(): Uint8Array[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  /** The client has read everything that waited. */
  drain(): void {
    this.#queued = 0;
    if (!this.#isDraining) return;
    this.#isDraining = false;
    this.#onDrain?.();
  }
}

/** Hands out a copy of a message that is only good during the call, in a larger buffer, as the transport's are. */
export function lend(message: Uint8Array, use: (lent: Uint8Array) => void): void {
  const buffer = new Uint8Array(message.length + 16).fill(0xee);
  buffer.set(message, 7);
  const lent = buffer.subarray(7, 7 + message.length);
  use(lent);
  buffer.fill(0xee);
}
