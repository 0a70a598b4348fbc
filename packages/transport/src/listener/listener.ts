import { createServer, type Server, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock, Logger, Meter, Random, Tracer } from "@quorate/common";
import type { CallInfo } from "../grpc/call.js";
import { GrpcApplication } from "../grpc/grpc-application.js";
import { GrpcServices } from "../grpc/registry.js";
import { CallTracing } from "../grpc/tracing.js";
import { HttpApplication } from "../http/http2-exchange.js";
import type { HttpHandler } from "../http/http-handler.js";
import { Http1Server } from "../http/http1-server.js";
import { Connection } from "../http2/connection.js";
import { Counts, type Engine } from "../http2/engine.js";
import { FrameReader } from "../http2/frame-reader.js";
import { BufferPool } from "../http2/output.js";
import { defaultLimits, type Limits } from "../limits.js";
import { Wheel } from "../wheel.js";
import { MetricReport } from "./metric-report.js";
import { sniff } from "./sniff.js";
import { peerOf, SocketWire } from "./socket-wire.js";
import { commonNameOf, TlsAcceptor, type TlsOptions } from "./tls.js";

/** What a listener serves, and within which bounds. */
export interface ListenerOptions {
  /** gRPC methods. Filled before `listen`. */
  readonly services?: GrpcServices;
  /** Gets what is not gRPC: HTTP/1.1, and HTTP/2 over TLS. Without it HTTP/1.1 is closed without an answer. */
  readonly http?: HttpHandler;
  /** "combined": gRPC and HTTP (the default); "grpcOnly": HTTP/1.1 is closed without an answer; "httpOnly": so is HTTP/2 in clear, and nothing is gRPC. */
  readonly accepts?: "combined" | "grpcOnly" | "httpOnly";
  readonly tls?: TlsOptions;
  readonly limits?: Partial<Limits>;
  /** True: connections are taken and wait, unread, until `open` is called. */
  readonly startsPaused?: boolean;
  /** The log's message for a handshake that fails. */
  readonly rejectedMessage?: string;
  /** Calls without a sampled `traceparent` get a span too, and the tracer's sampler decides about it. */
  readonly tracesRoots?: boolean;
  /** Called at the end of each call. Counts alone are cheaper: see `GrpcServices.list`. */
  readonly onHandled?: (call: CallInfo, code: number, startedMs: number) => void;
}

/** The world of a listener. */
export interface ListenerPorts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Random;
  readonly meter: Meter;
  readonly tracer?: Tracer;
}

/** Where to listen. `port` 0 lets the system choose. */
export type ListenAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** Running counts of a listener, all its connections together. */
export type ListenerStats = Readonly<Counts> & { readonly inputBytes: number };

/** A server on one or several addresses. */
export interface Listener {
  /** Binds another address. @returns the port bound (0 for a path). @throws the system's error: EADDRINUSE, EACCES, ... */
  listen(address: ListenAddress): Promise<{ port: number }>;
  /** Begins to serve, when `startsPaused` was set. */
  open(): void;
  /** Writes out what replies have gathered, now instead of at the end of this turn of the event loop. */
  flush(): void;
  /** Stops: no new connections, GOAWAY, running calls have `graceMs` to end, then all is cut. */
  stop(options: { readonly graceMs: number }): Promise<void>;
  stats(): ListenerStats;
  /** Carries what was counted since the last call over to the meter. To be called before metrics are read. */
  report(): void;
}

const nothing = Buffer.alloc(0);

type Link = { readonly connection: Connection; readonly reader: FrameReader };

/** Makes a server. Nothing is bound before `listen`. */
export function createListener(options: ListenerOptions, ports: ListenerPorts): Listener {
  return new PortListener(options, ports);
}

class PortListener implements Listener {
  private readonly options: ListenerOptions;
  private readonly ports: ListenerPorts;
  private readonly limits: Limits;
  private readonly counts = new Counts();
  private readonly engine: Engine;
  private readonly application: GrpcApplication;
  private readonly tls: TlsAcceptor | undefined;
  private readonly http1: Http1Server | undefined;
  private readonly servers: Server[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly links = new Set<Link>();
  private readonly metrics: MetricReport;
  private isOpen: boolean;
  private isStopping = false;
  private onEmpty: (() => void) | undefined;
  /** Sockets of which nothing is known yet: not opened, or their first bytes have not come. */
  private readonly beginners = new Set<Socket>();
  private dirty: { flush(): void }[] = [];

  constructor(options: ListenerOptions, ports: ListenerPorts) {
    this.options = options;
    this.ports = ports;
    this.limits = { ...defaultLimits, ...options.limits };
    this.metrics = new MetricReport(options.services, ports);
    this.isOpen = options.startsPaused !== true;
    this.tls =
      options.tls === undefined
        ? undefined
        : new TlsAcceptor(options.tls, {
            handshakeMs: this.limits.handshakeMs,
            secured: (socket) => this.serveSecured(socket),
            failed: (socket, reason) => this.rejected(socket, reason),
          });
    const { clock, logger, random, tracer } = ports;
    const { http } = options;
    this.http1 =
      http === undefined || options.accepts === "grpcOnly" ? undefined : new Http1Server(http, this.limits, ports);
    this.engine = {
      limits: this.limits,
      clock,
      logger,
      random,
      pool: new BufferPool(),
      counts: this.counts,
      deadlines: new Wheel({ tickMs: 10, slots: 1024 }, ports),
      timers: new Wheel({ tickMs: 250, slots: 256 }, ports),
      flushLater: (connection) => this.flushLater(connection),
      relieve: () => this.relieve(),
    };
    this.application = new GrpcApplication({
      services: options.services ?? new GrpcServices(),
      http: http === undefined || options.accepts === "grpcOnly" ? undefined : new HttpApplication(http, ports),
      isHttpOnly: options.accepts === "httpOnly",
      tracing:
        tracer === undefined ? undefined : new CallTracing({ tracesRoots: options.tracesRoots === true }, { tracer }),
      onHandled: options.onHandled,
      logger,
    });
  }

  async listen(address: ListenAddress): Promise<{ port: number }> {
    const server = createServer({ noDelay: true, allowHalfOpen: false }, (socket) => this.take(socket));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen("path" in address ? { path: address.path } : { host: address.host, port: address.port }, () => {
        server.off("error", reject);
        resolve();
      });
    });
    server.on("error", (error) => this.ports.logger.warn("listener failed", { error: error.message }));
    this.servers.push(server);
    const bound = server.address();
    return { port: typeof bound === "object" && bound !== null ? bound.port : 0 };
  }

  open(): void {
    if (this.isOpen) return;
    this.isOpen = true;
    for (const socket of [...this.beginners]) this.serve(socket);
  }

  private take(socket: Socket): void {
    if (this.sockets.size >= this.limits.maxConnections || this.isStopping) {
      socket.destroy();
      return;
    }
    this.sockets.add(socket);
    this.counts.connections++;
    this.counts.connectionsTotal++;
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => {
      this.sockets.delete(socket);
      this.beginners.delete(socket);
      this.counts.connections--;
      if (this.sockets.size === 0) this.onEmpty?.();
    });
    this.beginners.add(socket);
    if (this.isOpen) this.serve(socket);
  }

  private serve(socket: Socket): void {
    const { tls } = this;
    sniff(socket, this.afterHandshake, (protocol, bytes) => {
      this.beginners.delete(socket);
      if (protocol === "tls" && tls !== undefined) {
        socket.unshift(bytes);
        this.serveTls(tls, socket);
      } else if (tls !== undefined && tls.options.allowsPlain !== true) socket.destroy();
      else this.serveProtocol(socket, protocol, bytes, undefined);
    });
  }

  private readonly afterHandshake = (run: () => void): ReturnType<Clock["after"]> =>
    this.ports.clock.after(this.limits.handshakeMs, run);

  private serveTls(acceptor: TlsAcceptor, socket: Socket): void {
    try {
      acceptor.accept(socket);
    } catch (error) {
      this.rejected(socket, (error as Error).message);
    }
  }

  private serveSecured(socket: TLSSocket): void {
    const isVerified = (this.options.tls?.clientCertificate ?? "none") !== "none";
    const identity = { commonName: isVerified ? commonNameOf(socket) : undefined };
    socket.on("error", () => {}); // "close" follows
    if (socket.alpnProtocol === "h2") this.serveHttp2(socket, nothing, identity);
    else sniff(socket, this.afterHandshake, (protocol, bytes) => this.serveProtocol(socket, protocol, bytes, identity));
  }

  private rejected(socket: Socket, reason: string): void {
    this.ports.logger.warn(this.options.rejectedMessage ?? "rejected connection", {
      "remote-addr": `${socket.remoteAddress}:${socket.remotePort}`,
      error: reason,
    });
    socket.destroy();
  }

  private serveProtocol(
    socket: Socket,
    protocol: string,
    bytes: Buffer,
    identity: { commonName: string | undefined } | undefined,
  ): void {
    const { accepts } = this.options;
    if (protocol === "http2" && (accepts !== "httpOnly" || identity !== undefined))
      this.serveHttp2(socket, bytes, identity);
    else if (protocol === "http1" && this.http1 !== undefined)
      this.http1.accept(socket, bytes, peerOf(socket, identity));
    else socket.destroy();
  }

  private serveHttp2(socket: Socket, bytes: Buffer, identity: { commonName: string | undefined } | undefined): void {
    if (socket.destroyed) return;
    const connection = new Connection(this.engine, this.application, new SocketWire(socket), peerOf(socket, identity));
    const reader = new FrameReader(connection);
    const link = { connection, reader };
    this.links.add(link);
    connection.onClosed = () => this.links.delete(link);
    socket.on("end", () => connection.close());
    socket.on("close", () => connection.closed());
    socket.on("data", (chunk: Buffer) => reader.receive(chunk));
    if (bytes.length > 0) reader.receive(bytes);
    if (this.isStopping) connection.drain();
  }

  private flushLater(connection: { flush(): void }): void {
    if (this.dirty.length === 0) setImmediate(this.flushAll);
    this.dirty.push(connection);
  }

  private readonly flushAll = (): void => {
    const { dirty } = this;
    this.dirty = [];
    for (let i = 0; i < dirty.length; i++) (dirty[i] as Connection).flush();
  };

  flush(): void {
    if (this.dirty.length === 0) return;
    const { dirty } = this;
    for (let i = 0; i < dirty.length; i++) (dirty[i] as Connection).flush();
  }

  /** Drops the connection that has waited longest for its peer to take what is queued. */
  private relieve(): void {
    let worst: Connection | undefined;
    for (const { connection } of this.links) {
      if (connection.queuedBytes === 0 || connection.isEnding) continue;
      if (worst === undefined || connection.stalledSinceMs < worst.stalledSinceMs) worst = connection;
    }
    if (worst === undefined) return;
    this.counts.droppedForMemory++;
    this.ports.logger.warn("dropped a connection that does not read", { "queued-bytes": worst.queuedBytes });
    worst.wire.destroy();
    worst.closed();
  }

  async stop({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.isStopping = true;
    const closed = this.servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const socket of this.beginners) socket.destroy();
    for (const { connection } of this.links) connection.drain();
    this.http1?.stop();
    const timer = this.ports.clock.after(graceMs, () => this.cut());
    await Promise.all(closed); // a server has closed when its last connection has
    timer.cancel();
    this.cut();
    if (this.sockets.size > 0) {
      await new Promise<void>((resolve) => {
        this.onEmpty = resolve;
      });
    }
    this.engine.deadlines.close();
    this.engine.timers.close();
  }

  private cut(): void {
    for (const socket of this.sockets) socket.destroy();
    for (const { connection } of [...this.links]) connection.closed(); // handlers hear of it now
  }

  report(): void {
    this.metrics.run(this.counts);
  }

  stats(): ListenerStats {
    let inputBytes = 0;
    for (const { reader } of this.links) inputBytes += reader.heldBytes;
    return { ...this.counts, inputBytes };
  }
}
