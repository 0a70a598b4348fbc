import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "@quorate/common";
import type { PeerInfo } from "../http2/engine.js";
import { BodyQueue, type BodySource } from "./body-queue.js";
import { type HttpHandler, type HttpInfo, type ResponseSink, runHandler, sendResponse } from "./http-handler.js";

/** As much as Go's server reads of a body that its handler has left unread. */
const unwantedBytesMax = 256 * 1024;

/** One HTTP/1.1 request through a Fetch-style handler. */
export class Http1Exchange implements BodySource, ResponseSink {
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly abortController = new AbortController();
  private readonly body: BodyQueue | undefined;
  private awaitsContinue: boolean;
  private isStarted = false;
  private waitingBytes = 0;

  constructor(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) {
    this.request = request;
    this.response = response;
    this.awaitsContinue = awaitsContinue;
    const { headers } = request;
    const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
    if (hasBody) this.body = new BodyQueue(this);
    response.on("close", () => {
      if (!response.writableFinished) this.gone();
    });
    response.on("error", () => {}); // "close" follows
    request.on("error", () => {}); // told through `bodyFailed` or `gone`
  }

  /** True while the body is not whole. */
  get isReadingBody(): boolean {
    return this.body !== undefined && !this.request.complete && !this.response.writableEnded;
  }

  async run(handler: HttpHandler, from: { peer: PeerInfo; method: string; logger: Logger }): Promise<void> {
    const { request } = this;
    const headers: [string, string][] = [];
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      headers.push([request.rawHeaders[i] as string, request.rawHeaders[i + 1] as string]);
    }
    const info: HttpInfo = {
      ...from.peer,
      protocol: request.httpVersion === "1.0" ? "HTTP/1.0" : "HTTP/1.1",
      method: from.method,
      target: request.url ?? "",
      host: request.headers.host,
    };
    const { signal } = this.abortController;
    const response = await runHandler(handler, { info, headers, body: this.body?.stream, signal }, from.logger);
    await sendResponse(response, this, signal);
  }

  /** The body is not what its headers promise. The handler finds out when it reads, and answers. */
  bodyFailed(error: Error & { code?: string }): void {
    const isChunk = error.code === "HPE_INVALID_CHUNK_SIZE";
    this.body?.fail(new Error(isChunk ? "invalid byte in chunk length" : error.message, { cause: error }));
    this.response.shouldKeepAlive = false;
    this.response.on("finish", () => this.request.socket.destroySoon());
  }

  private gone(): void {
    this.abortController.abort();
    this.body?.fail(new DOMException("the client is gone", "AbortError"));
  }

  wanted(): void {
    if (this.awaitsContinue) {
      this.awaitsContinue = false;
      if (!this.response.headersSent) this.response.writeContinue();
    }
    if (this.isStarted) {
      this.request.resume();
      return;
    }
    this.isStarted = true;
    this.request.on("data", (chunk: Buffer) => {
      this.waitingBytes += chunk.length;
      if (this.waitingBytes > 65_536) this.request.pause();
      this.body?.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
    });
    this.request.on("end", () => this.body?.end());
  }

  taken(bytes: number): void {
    this.waitingBytes -= bytes;
  }

  head(status: number, headers: readonly (readonly [string, string])[], length: number | undefined): void {
    const { response } = this;
    if (response.destroyed || response.headersSent) return;
    const fields: Record<string, string | string[]> = {};
    for (const [name, value] of headers) {
      const known = fields[name];
      fields[name] = known === undefined ? value : [...(Array.isArray(known) ? known : [known]), value];
    }
    const isBodyless = status === 204 || status === 304;
    if (length !== undefined && !isBodyless && fields["content-length"] === undefined)
      fields["content-length"] = String(length);
    if (this.awaitsContinue) fields.connection = "close"; // nobody knows whether the body still comes
    response.writeHead(status, fields);
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    const { response } = this;
    if (response.destroyed || response.write(chunk)) return undefined;
    return new Promise((resolve) => {
      const done = (): void => {
        response.off("drain", done);
        response.off("close", done);
        resolve();
      };
      response.on("drain", done);
      response.on("close", done);
    });
  }

  end(last?: Uint8Array): void {
    if (!this.response.destroyed) this.response.end(last);
    if (!this.request.complete && !this.awaitsContinue) this.throwAway();
  }

  /** Reads what is left of a body that nobody wants, so that the connection can be used again; not of a long one. */
  private throwAway(): void {
    const { request } = this;
    let left = unwantedBytesMax;
    request.on("data", (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) request.socket.destroy();
    });
    request.resume();
  }

  abort(): void {
    this.response.destroy();
  }
}
