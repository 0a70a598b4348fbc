import { type CallKind, Code, emptyMetadata, type PeerInfo, type Status } from "@quorate/transport";
import type { StreamCall, UnaryCall } from "@quorate/transport";

const peer = { remoteAddress: "10.0.0.100", remotePort: 40_000 } as PeerInfo;

/** What ends a call that a client makes: an answer, a status, or the connection's end. */
class CallBase {
  readonly path: string;
  readonly kind: CallKind;
  readonly metadata = emptyMetadata;
  readonly peer = peer;
  readonly deadlineMs = undefined;
  readonly span = undefined;
  context: unknown = undefined;
  #cancelled: (() => void) | undefined;
  protected over = false;

  constructor(path: string, kind: CallKind) {
    this.path = path;
    this.kind = kind;
  }

  get isOver(): boolean {
    return this.over;
  }

  setHead(): void {}

  onCancel(run: () => void): void {
    this.#cancelled = run;
  }

  /** The client has gone: the server hears of it when it can. */
  cancel(): void {
    if (this.over) return;
    this.over = true;
    this.#cancelled?.();
  }

  /** The server's process is dead: nothing that its code still does counts. */
  drop(): void {
    this.over = true;
  }
}

/** How a unary call ended. */
export type Ending = Readonly<{ message: Uint8Array } | { status: Status }>;

/** A call with one answer. */
export class SimUnary extends CallBase implements UnaryCall {
  readonly #ended: (ending: Ending) => void;

  constructor(path: string, ended: (ending: Ending) => void) {
    super(path, "unary");
    this.#ended = ended;
  }

  reply(message: Uint8Array): void {
    this.replyParts([message]);
  }

  replyParts(parts: readonly Uint8Array[]): void {
    if (this.over) return;
    this.over = true;
    this.#ended({ message: Buffer.concat(parts) });
  }

  fail(status: Status): void {
    if (this.over) return;
    this.over = true;
    this.#ended({ status });
  }
}

/** A call with streams, whose client reads everything at once. */
export class SimStream extends CallBase implements StreamCall {
  readonly queuedBytes = 0;
  readonly #message: (message: Uint8Array) => void;
  readonly #ended: (status: Status) => void;
  #toServer: ((message: Uint8Array) => void) | undefined;

  constructor(path: string, client: { message: (message: Uint8Array) => void; ended: (status: Status) => void }) {
    super(path, "bidi");
    this.#message = client.message;
    this.#ended = client.ended;
  }

  send(message: Uint8Array): boolean {
    return this.sendParts([message]);
  }

  sendParts(parts: readonly Uint8Array[]): boolean {
    if (!this.over) this.#message(Buffer.concat(parts));
    return true;
  }

  sendHead(): void {}

  end(): void {
    this.fail({ code: Code.OK, message: "" });
  }

  fail(status: Status): void {
    if (this.over) return;
    this.over = true;
    this.#ended(status);
  }

  onDrain(): void {}

  onMessage(run: (message: Uint8Array) => void): void {
    this.#toServer = run;
  }

  onHalfClose(): void {}

  pauseReading(): void {}

  resumeReading(): void {}

  /** The client sends a message. */
  write(message: Uint8Array): void {
    if (!this.over) this.#toServer?.(message);
  }
}
