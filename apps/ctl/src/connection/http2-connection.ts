import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";
import type { Endpoint } from "@quorate/client";
import { closedTooSoon, explainFailure, openSocket } from "./socket.js";
import type { TransportOptions } from "./transport-options.js";

/** So much may be on its way to us before it is read: large answers do not wait for acknowledgements. */
const windowBytes = 4 * 1024 * 1024;

/** One HTTP/2 connection. It counts as ready when the other side has spoken HTTP/2, so that what fails before was not sent. */
export class Http2Connection {
  readonly #session: ClientHttp2Session;
  readonly #options: TransportOptions;
  readonly #ready: Promise<string | undefined>;
  #streams = 0;
  #isOver = false;
  #hasBegun = false;
  /** Answers `whenReady`, once. */
  #settle: (problem: string | undefined) => void = () => {};
  #problem: string | undefined;
  #pingTimer: NodeJS.Timeout | undefined;

  constructor(endpoint: Endpoint, options: TransportOptions) {
    this.#options = options;
    const isTls = endpoint.isTls || (!endpoint.url.includes("://") && options.tls !== undefined);
    const how = { isTls, tls: options.tls };
    const socket = openSocket(endpoint, how);
    this.#session = openSession(endpoint, isTls, socket);
    this.#ready = this.#waitForPeer();
    const closed = () => this.#end(this.#hasBegun ? "the member closed the connection" : closedTooSoon(how));
    const failed = (error: Error) => this.#end(explainFailure(error, how));
    // HTTP/2 does not pass on all that happens below it.
    socket.on("error", failed);
    socket.on("close", closed);
    this.#session.on("error", failed);
    this.#session.on("close", closed);
    this.#session.on("goaway", () => this.#end("the member closes the connection"));
  }

  /** No new calls can be made. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Why it ended. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** @returns why there is no connection, or `undefined` when there is one. */
  whenReady(signal: AbortSignal): Promise<string | undefined> {
    if (signal.aborted) return Promise.resolve("cancelled");
    const aborted = new Promise<string>((resolve) => {
      signal.addEventListener("abort", () => resolve("cancelled"), { once: true });
    });
    return Promise.race([this.#ready, aborted]);
  }

  request(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    const stream = this.#session.request(headers, { endStream: false });
    this.#streams += 1;
    if (this.#streams === 1) this.#watchSilence();
    stream.once("close", () => {
      this.#streams -= 1;
      if (this.#streams === 0) clearTimeout(this.#pingTimer);
    });
    return stream;
  }

  close(): void {
    clearTimeout(this.#pingTimer);
    this.#end("the connection was closed by this program");
    this.#session.destroy();
  }

  #waitForPeer(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#end(`no connection within ${this.#options.connectTimeoutMs} ms`);
        this.#session.destroy();
      }, this.#options.connectTimeoutMs);
      this.#settle = (problem) => {
        clearTimeout(timer);
        resolve(problem);
      };
      this.#session.once("remoteSettings", () => {
        this.#hasBegun = true;
        this.#session.setLocalWindowSize(windowBytes);
        this.#settle(undefined);
      });
    });
  }

  /** While calls are open, a connection that gives no sign of life is given up. */
  #watchSilence(): void {
    const { everyMs, timeoutMs } = this.#options.pings;
    clearTimeout(this.#pingTimer);
    this.#pingTimer = setTimeout(() => {
      if (this.#session.destroyed) return;
      const silence = setTimeout(() => {
        this.#end(`no sign of life within ${timeoutMs} ms`);
        this.#session.destroy();
      }, timeoutMs);
      this.#session.ping(() => {
        clearTimeout(silence);
        if (this.#streams > 0 && !this.#isOver) this.#watchSilence();
      });
    }, everyMs);
  }

  #end(problem: string): void {
    this.#isOver = true;
    this.#problem ??= problem;
    this.#settle(this.#problem);
  }
}

function openSession(endpoint: Endpoint, isTls: boolean, socket: Socket): ClientHttp2Session {
  const host = endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host;
  const authority = endpoint.port === undefined ? "localhost" : `${host}:${endpoint.port}`;
  return connect(`${isTls ? "https" : "http"}://${authority}`, {
    settings: { enablePush: false, initialWindowSize: windowBytes, maxFrameSize: 1024 * 1024 },
    createConnection: () => socket,
  });
}
