import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "@quorate/common";
import type { PeerInfo } from "../http2/engine.js";
import type { Limits } from "../limits.js";
import { answerTo, badRequest, unknownCoding } from "./http1-errors.js";
import { Http1Exchange } from "./http1-exchange.js";
import type { HttpHandler } from "./http-handler.js";
import { nodeHttp } from "./node-http.js";

/** What stands in for a method that Node's parser does not know, in the first request of a connection. */
const substituteMethod = "SOURCE";

/**
 * HTTP/1.1 by `node:http`, for sockets that somebody else has accepted. Broken requests are answered as Go's server does it.
 */
export class Http1Server {
  private readonly handler: HttpHandler;
  private readonly logger: Logger;
  private readonly server: Server;
  private readonly peers = new WeakMap<Socket, PeerInfo>();
  private readonly methods = new WeakMap<Socket, string>();
  private readonly running = new Map<Socket, Http1Exchange>();
  private isStopping = false;

  constructor(handler: HttpHandler, limits: Limits, ports: { logger: Logger }) {
    this.handler = handler;
    this.logger = ports.logger;
    this.server = nodeHttp.createServer({
      maxHeaderSize: limits.maxHeaderListBytes,
      headersTimeout: limits.headersMs,
      requestTimeout: 0, // a watch through HTTP may last
      keepAliveTimeout: limits.idleMs,
      connectionsCheckingInterval: 1000,
      requireHostHeader: false, // looked at in `refusalOf`
    });
    this.server.on("request", (request, response) => this.serve(request, response, "none"));
    this.server.on("checkContinue", (request, response) => this.serve(request, response, "continue"));
    this.server.on("checkExpectation", (request, response) => this.serve(request, response, "other"));
    this.server.on("connect", (request: IncomingMessage, socket: Socket) => this.serveConnect(request, socket));
    this.server.on("clientError", (error: Error, socket: Socket) => this.onClientError(error, socket));
    this.server.maxHeadersCount = 0; // bytes are bounded
    this.server.emit("listening"); // starts its watch over slow requests
  }

  /** Serves a socket from which `bytes` have been read already. */
  accept(socket: Socket, bytes: Buffer, peer: PeerInfo): void {
    this.peers.set(socket, peer);
    socket.on("close", () => this.running.delete(socket));
    const [known, method] = knownMethod(bytes);
    if (method !== undefined) this.methods.set(socket, method);
    if (known.length > 0) socket.unshift(known);
    this.server.emit("connection", socket);
    socket.resume();
  }

  /** Closes idle connections, the others after their running request. */
  stop(): void {
    this.isStopping = true;
    this.server.close(); // closes what is idle, and says that it never listened, to nobody
  }

  private serve(request: IncomingMessage, response: ServerResponse, expectation: "none" | "continue" | "other"): void {
    const { socket } = request;
    const peer = this.peers.get(socket) as PeerInfo;
    const refusal = refusalOf(request);
    if (refusal !== undefined) {
      socket.end(refusal);
      return;
    }
    if (expectation === "other" && request.headers.expect !== "") {
      response.writeHead(417, { connection: "close", "content-length": 0 }).end();
      return;
    }
    const method = this.methods.get(socket) ?? request.method ?? "";
    this.methods.delete(socket);
    const exchange = new Http1Exchange(request, response, expectation === "continue");
    this.running.set(socket, exchange);
    response.on("close", () => {
      if (this.running.get(socket) !== exchange) return;
      this.running.delete(socket);
      if (this.isStopping) socket.end();
    });
    if (this.isStopping) response.shouldKeepAlive = false;
    void exchange.run(this.handler, { peer, method, logger: this.logger });
  }

  private serveConnect(request: IncomingMessage, socket: Socket): void {
    const response = new nodeHttp.ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.on("finish", () => socket.end());
    this.serve(request, response, "none");
  }

  private onClientError(error: Error, socket: Socket): void {
    const exchange = this.running.get(socket);
    if (exchange?.isReadingBody) return exchange.bodyFailed(error);
    if (exchange !== undefined || !socket.writable) {
      socket.destroy();
      return;
    }
    const answer = answerTo(error);
    if (answer === undefined) socket.destroy();
    else socket.end(answer);
  }
}

/** The answer to what Go refuses and Node lets through. */
function refusalOf(request: IncomingMessage): string | undefined {
  const coding = request.headers["transfer-encoding"];
  if (coding !== undefined && coding.toLowerCase() !== "chunked") return unknownCoding();
  if (request.httpVersion === "1.0") return undefined;
  const { rawHeaders } = request;
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]?.toLowerCase() === "host") hosts++;
  if (hosts === 0) return badRequest("missing required Host header");
  return hosts > 1 ? badRequest(undefined) : undefined;
}

/** Any token is a method to Go; Node's parser knows a list. @returns the bytes with a method it knows, and the real one if that differs. */
function knownMethod(bytes: Buffer): readonly [Buffer, string | undefined] {
  const end = bytes.indexOf(0x20);
  if (end <= 0) return [bytes, undefined];
  const method = bytes.toString("latin1", 0, end);
  if (/^[A-Z-]+$/.test(method)) return [bytes, undefined];
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method)) return [bytes, undefined];
  return [Buffer.concat([Buffer.from(substituteMethod), bytes.subarray(end)]), method];
}
