import type { Logger } from "@quorate/common";
import { encodeHeaders } from "../hpack/hpack-encoder.js";
import type { Application } from "../http2/application.js";
import { ErrorCode } from "../http2/protocol.js";
import type { RequestHead } from "../http2/request-head.js";
import type { Stream, StreamConsumer } from "../http2/stream.js";
import { BodyQueue, type BodySource } from "./body-queue.js";
import { type HttpHandler, type HttpInfo, type ResponseSink, runHandler, sendResponse } from "./http-handler.js";

/** Hands requests of HTTP/2 connections to a Fetch-style handler. */
export class HttpApplication implements Application {
  private readonly handler: HttpHandler;
  private readonly logger: Logger;

  constructor(handler: HttpHandler, ports: { logger: Logger }) {
    this.handler = handler;
    this.logger = ports.logger;
  }

  open(stream: Stream, head: RequestHead, isEnded: boolean): StreamConsumer {
    const exchange = new HttpExchange(stream, isEnded);
    stream.consumer = exchange;
    void exchange.run(head, this.handler, this.logger);
    return exchange;
  }
}

/** Headers that HTTP/2 has no place for. */
const connectionHeaders = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

const continueBlock = encodeHeaders([[":status", "100"]]);

/** What a waiting chunk costs beside its bytes, so that many small ones are counted for what they are. */
const chunkOverhead = 256;

/** One request that is not gRPC, on one stream. */
class HttpExchange implements StreamConsumer, BodySource, ResponseSink {
  private readonly stream: Stream;
  private readonly abortController = new AbortController();
  private readonly body: BodyQueue | undefined;
  private room: (() => void) | undefined;
  private isHead = false;
  private awaitsContinue = false;

  constructor(stream: Stream, isEnded: boolean) {
    this.stream = stream;
    if (!isEnded) this.body = new BodyQueue(this);
  }

  async run(head: RequestHead, handler: HttpHandler, logger: Logger): Promise<void> {
    const info: HttpInfo = {
      ...this.stream.connection.peer,
      protocol: "HTTP/2",
      method: head.method,
      target: head.path,
      host: head.authority ?? head.metadata.get("host"),
    };
    this.isHead = head.method === "HEAD";
    this.awaitsContinue = head.metadata.get("expect")?.toLowerCase() === "100-continue";
    const headers = head.metadata.wireFields.filter(([name]) => name !== ":authority");
    if (info.host !== undefined && head.authority !== undefined) headers.push(["host", info.host]);
    const { signal } = this.abortController;
    const response = await runHandler(handler, { info, headers, body: this.body?.stream, signal }, logger);
    await sendResponse(response, this, signal);
  }

  wanted(): void {
    if (!this.awaitsContinue) return; // the client has window until the queue holds that much
    this.awaitsContinue = false;
    if (!this.stream.isHeadSent) this.stream.sendInterim(continueBlock);
  }

  taken(bytes: number): void {
    this.stream.connection.hold(-bytes - chunkOverhead);
    this.stream.consumed(bytes);
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.stream.connection.hold(end - start + chunkOverhead))
      this.body?.push(Uint8Array.prototype.slice.call(bytes, start, end));
    else {
      this.stream.connection.hold(start - end - chunkOverhead);
      this.stream.reset(ErrorCode.ENHANCE_YOUR_CALM);
    }
  }

  onEnd(): void {
    this.body?.end();
  }

  onAbort(): void {
    this.abortController.abort();
    this.body?.fail(new DOMException("the client is gone", "AbortError"));
    this.onRoom();
  }

  onRoom(): void {
    this.room?.();
    this.room = undefined;
  }

  head(status: number, headers: readonly (readonly [string, string])[], length: number | undefined): void {
    const fields: (readonly [string, string])[] = [[":status", String(status)]];
    for (const field of headers) if (!connectionHeaders.has(field[0])) fields.push(field);
    const isBodyless = status === 204 || status === 304;
    if (length !== undefined && !isBodyless && !headers.some(([name]) => name === "content-length")) {
      fields.push(["content-length", String(length)]);
    }
    this.stream.sendHead(encodeHeaders(fields), false);
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.isHead || this.stream.isLocalClosed) return undefined;
    this.stream.write(chunk);
    if (this.stream.push()) return undefined;
    return new Promise((resolve) => {
      this.room = resolve;
    });
  }

  end(last?: Uint8Array): void {
    if (last !== undefined && !this.isHead) this.stream.write(last);
    this.stream.end(undefined);
  }

  abort(): void {
    this.stream.reset(ErrorCode.INTERNAL_ERROR);
  }
}
