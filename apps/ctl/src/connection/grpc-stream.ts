import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from "node:http2";
import {
  type CallFailure,
  type CallSettings,
  type DuplexStream,
  StatusCode,
  type StreamHandlers,
} from "@quorate/client";
import type { Http2Connection } from "./http2-connection.js";
import { MessageReader } from "./message-reader.js";

const prefixBytes = 5;

/** One call: messages in both directions, and one end. It may be written to before there is a connection. */
export class GrpcStream implements DuplexStream {
  readonly #path: string;
  readonly #settings: CallSettings;
  readonly #limits: { readonly requestBytesMax: number; readonly answerBytesMax: number };
  readonly #handlers: StreamHandlers;
  readonly #reader: MessageReader;
  readonly #over = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #abort = () => this.cancel();
  #waiting: Uint8Array[] = [];
  #isHalfClosed = false;
  #isPaused = false;
  #stream: ClientHttp2Stream | undefined;
  #connection: Http2Connection | undefined;
  #status: CallFailure | "ok" | undefined;
  #lastError: string | undefined;

  constructor(
    path: string,
    settings: CallSettings,
    limits: { readonly requestBytesMax: number; readonly answerBytesMax: number },
    handlers: StreamHandlers,
  ) {
    this.#path = path;
    this.#settings = settings;
    this.#limits = limits;
    this.#handlers = handlers;
    this.#reader = new MessageReader(limits.answerBytesMax, (message) => {
      if (!this.isOver) this.#handlers.onMessage(message);
    });
    if (settings.timeoutMs !== undefined) {
      const late = () => this.#failHere(StatusCode.DeadlineExceeded, "the deadline passed");
      if (settings.timeoutMs <= 0) queueMicrotask(late);
      else this.#timer = setTimeout(late, Math.min(2 ** 31 - 1, settings.timeoutMs));
    }
    if (settings.signal?.aborted === true) queueMicrotask(this.#abort);
    else settings.signal?.addEventListener("abort", this.#abort, { once: true });
  }

  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Aborted when the call is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Sends what has been written so far, and what comes. */
  start(connection: Http2Connection): void {
    try {
      this.#stream = connection.request(headersOf(this.#path, this.#settings));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.fail({ status: StatusCode.Unavailable, message: connection.problem ?? message, wasSent: false });
      return;
    }
    this.#connection = connection;
    this.#listen(this.#stream);
    for (const message of this.#waiting) this.#stream.write(message);
    this.#waiting = [];
    if (this.#isHalfClosed) this.#stream.end();
    if (this.#isPaused) this.#stream.pause();
  }

  send(message: Uint8Array): void {
    if (this.isOver || this.#isHalfClosed) return;
    const { requestBytesMax } = this.#limits;
    if (message.length > requestBytesMax) {
      const why = `trying to send message larger than max (${message.length} vs. ${requestBytesMax})`;
      queueMicrotask(() => this.#failHere(StatusCode.ResourceExhausted, why));
      return;
    }
    const framed = Buffer.allocUnsafe(prefixBytes + message.length);
    framed[0] = 0;
    framed.writeUInt32BE(message.length, 1);
    framed.set(message, prefixBytes);
    if (this.#stream === undefined) this.#waiting.push(framed);
    else this.#stream.write(framed);
  }

  endSending(): void {
    this.#isHalfClosed = true;
    this.#stream?.end();
  }

  pause(): void {
    this.#isPaused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#stream?.resume();
  }

  cancel(): void {
    this.#failHere(StatusCode.Canceled, "the call was cancelled");
  }

  /** Ends the call. */
  fail(failure: CallFailure | undefined): void {
    if (this.isOver) return;
    this.#over.abort();
    clearTimeout(this.#timer);
    this.#settings.signal?.removeEventListener("abort", this.#abort);
    this.#handlers.onEnd(failure);
  }

  #failHere(status: number, message: string): void {
    const wasSent = this.#stream !== undefined;
    this.#stream?.close(constants.NGHTTP2_CANCEL);
    this.fail({ status, message, wasSent });
  }

  #listen(stream: ClientHttp2Stream): void {
    stream.on("response", (headers) => this.#readHeaders(headers));
    stream.on("trailers", (headers) => this.#readStatus(headers));
    stream.on("data", (chunk: Buffer) => {
      if (this.isOver) return;
      const problem = this.#reader.push(chunk);
      if (problem !== undefined) this.#failHere(problem.status, problem.message);
    });
    stream.on("error", (error: Error) => {
      this.#lastError = error.message;
    });
    stream.on("end", () => {
      if (this.#status !== undefined) this.#finish(this.#status);
    });
    stream.on("close", () => this.#finish(this.#status ?? this.#cut(stream)));
  }

  #readHeaders(headers: IncomingHttpHeaders & { ":status"?: number | undefined }): void {
    if (headers["grpc-status"] !== undefined) this.#readStatus(headers);
    else if (headers[":status"] !== 200) {
      const message = `unexpected HTTP status code received from server: ${headers[":status"]}`;
      this.#failHere(httpStatus(headers[":status"]), message);
    } else if (headers["content-type"]?.startsWith("application/grpc") !== true) {
      const message = `unexpected content-type "${headers["content-type"] ?? ""}": is a member listening there?`;
      this.#failHere(StatusCode.Unknown, message);
    }
  }

  #readStatus(headers: IncomingHttpHeaders): void {
    const status = Number(headers["grpc-status"]);
    if (status === StatusCode.OK) this.#status = "ok";
    else {
      const text = headers["grpc-message"];
      this.#status = { status, message: decodeMessage(typeof text === "string" ? text : ""), wasSent: true };
    }
  }

  #finish(status: CallFailure | "ok"): void {
    if (status !== "ok") return this.fail(status);
    if (!this.#reader.isEmpty) {
      return this.fail({
        status: StatusCode.Internal,
        message: "the answer ends in the middle of a message",
        wasSent: true,
      });
    }
    this.fail(undefined);
  }

  /** The stream ended without a status. */
  #cut(stream: ClientHttp2Stream): CallFailure {
    const wasSent = stream.rstCode !== constants.NGHTTP2_REFUSED_STREAM;
    const why = this.#connection?.problem ?? this.#lastError ?? `stream closed with code ${stream.rstCode}`;
    return { status: StatusCode.Unavailable, message: `error reading from server: ${why}`, wasSent };
  }
}

function headersOf(path: string, settings: CallSettings): Record<string, string> {
  const headers: Record<string, string> = {
    ":method": "POST",
    ":path": path,
    te: "trailers",
    "content-type": "application/grpc",
    "user-agent": "quoratectl/0.1.0",
  };
  if (settings.timeoutMs !== undefined) headers["grpc-timeout"] = timeoutHeader(settings.timeoutMs);
  for (const [name, value] of settings.metadata) headers[name] = value;
  return headers;
}

/** At most eight digits and a unit. */
function timeoutHeader(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms));
  return whole < 1e8 ? `${whole}m` : `${Math.min(99_999_999, Math.ceil(whole / 1_000))}S`;
}

function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone percent sign: shown as it came
  }
}

/** gRPC's status for an answer that is not gRPC. */
function httpStatus(status: number | undefined): number {
  switch (status) {
    case 400:
      return StatusCode.Internal;
    case 401:
      return StatusCode.Unauthenticated;
    case 403:
      return StatusCode.PermissionDenied;
    case 404:
      return StatusCode.Unimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return StatusCode.Unavailable;
    default:
      return StatusCode.Unknown;
  }
}
