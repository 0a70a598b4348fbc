import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from "node:http2";
import { connect as connectSocket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Endpoint } from "@quorate/client";
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
  #problem: string | undefined;
  #pingTimer: NodeJS.Timeout | undefined;

  constructor(endpoint: Endpoint, options: TransportOptions) {
    this.#options = options;
    const isTls = endpoint.isTls || (!endpoint.url.includes("://") && options.tls !== undefined);
    this.#session = openConnection(endpoint, isTls, options);
    this.#session.on("goaway", () => this.#end("the member closes the connection"));
    this.#session.on("close", () => this.#end("the member closed the connection"));
    this.#session.on("error", (error) => this.#end(explain(error, isTls)));
    this.#ready = this.#waitForPeer(isTls);
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
    this.#isOver = true;
    this.#session.destroy();
  }

  #waitForPeer(isTls: boolean): Promise<string | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#end(`no connection within ${this.#options.connectTimeoutMs} ms`);
        this.#session.destroy();
        resolve(this.#problem);
      }, this.#options.connectTimeoutMs);
      const finish = (problem: string | undefined) => {
        clearTimeout(timer);
        resolve(problem);
      };
      this.#session.once("remoteSettings", () => {
        this.#session.setLocalWindowSize(windowBytes);
        finish(undefined);
      });
      this.#session.once("error", (error) => finish(explain(error, isTls)));
      this.#session.once("close", () => finish(this.#problem ?? silent(isTls)));
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
  }
}

function openConnection(endpoint: Endpoint, isTls: boolean, options: TransportOptions): ClientHttp2Session {
  const isUnix = endpoint.port === undefined;
  const host = endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host;
  const authority = `${isTls ? "https" : "http"}://${isUnix ? "localhost" : `${host}:${endpoint.port}`}`;
  const settings = { settings: { enablePush: false, initialWindowSize: windowBytes, maxFrameSize: 1024 * 1024 } };
  const { ca, cert, key, insecureSkipVerify } = options.tls ?? {};
  const tls = {
    ...(ca === undefined ? {} : { ca: Buffer.from(ca) }),
    ...(cert === undefined ? {} : { cert: Buffer.from(cert) }),
    ...(key === undefined ? {} : { key: Buffer.from(key) }),
    ...(insecureSkipVerify === true ? { rejectUnauthorized: false } : {}),
  };
  if (isUnix) {
    const path = endpoint.host;
    const createConnection = () =>
      isTls ? connectTls({ ...tls, path, ALPNProtocols: ["h2"], servername: "localhost" }) : connectSocket(path);
    return connect(authority, { ...settings, createConnection });
  }
  return connect(authority, isTls ? { ...settings, ...tls } : settings);
}

function silent(isTls: boolean): string {
  return isTls
    ? "the connection was closed before HTTP/2 began"
    : "the connection was closed before HTTP/2 began: does the member want TLS (https://, --cacert)?";
}

/** What to look for, in a sentence, for the failures people meet. */
function explain(error: Error, isTls: boolean): string {
  const code = "code" in error ? String(error.code) : "";
  switch (code) {
    case "ECONNREFUSED":
      return `${error.message}: nobody listens there`;
    case "ENOTFOUND":
      return `${error.message}: the name is not known`;
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return "the member does not speak TLS there: use http://";
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return `${error.message}: name the authority of the member's certificate with --cacert`;
    case "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED":
    case "ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE":
    case "ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE":
      return `${error.message}: the member wants a certificate of this client, with --cert and --key`;
    case "ECONNRESET":
    case "ERR_HTTP2_ERROR":
    case "EPIPE":
      return isTls ? error.message : `${error.message}: does the member want TLS (https://, --cacert)?`;
    default:
      return error.message;
  }
}
