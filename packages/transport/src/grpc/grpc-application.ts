import { AssertionError, type Logger } from "@quorate/common";
import type { Application } from "../http2/application.js";
import type { RequestHead } from "../http2/request-head.js";
import type { Stream, StreamConsumer } from "../http2/stream.js";
import type { CallInfo } from "./call.js";
import { Exchange, type ExchangeHost } from "./exchange.js";
import { Metadata } from "./metadata.js";
import type { GrpcServices, HandledRoute } from "./registry.js";
import { Code, type Status } from "./status.js";
import type { CallTracing } from "./tracing.js";
import { trailersOnlyBlock } from "./trailers.js";

/** What a request head leads to; kept in the head, so that equal heads are looked at once. */
type Target =
  | { readonly kind: "call"; readonly route: HandledRoute }
  | { readonly kind: "refusal"; readonly block: Buffer }
  | { readonly kind: "http" };

/** What a gRPC application needs beside its services. */
export interface GrpcApplicationOptions {
  readonly services: GrpcServices;
  /** Gets what is not gRPC when the connection is secure. Undefined: it is refused with 415. */
  readonly http: Application | undefined;
  /** True: all requests over TLS go to `http`, none is gRPC. */
  readonly isHttpOnly: boolean;
  readonly tracing: CallTracing | undefined;
  readonly onHandled: ((call: CallInfo, code: number, startedMs: number) => void) | undefined;
  readonly logger: Logger;
}

/** Routes requests of HTTP/2 connections: gRPC to its handlers, all else to the HTTP application or a refusal in grpc-go's words. */
export class GrpcApplication implements Application, ExchangeHost {
  readonly onEnded: ((exchange: Exchange, code: number) => void) | undefined;
  private readonly options: GrpcApplicationOptions;

  constructor(options: GrpcApplicationOptions) {
    this.options = options;
    const { onHandled, tracing } = options;
    if (onHandled === undefined && tracing === undefined) return;
    this.onEnded = (exchange, code) => {
      if (exchange.span !== undefined) tracing?.end(exchange, code);
      onHandled?.(exchange, code, exchange.startedMs);
    };
  }

  open(stream: Stream, head: RequestHead, isEnded: boolean): StreamConsumer | undefined {
    let target = head.route as Target | undefined;
    if (target === undefined) {
      target = this.targetOf(head, stream.connection.peer.isTls);
      head.route = target;
    }
    if (target.kind === "http") return this.options.http?.open(stream, head, isEnded);
    if (target.kind === "refusal") {
      stream.sendHead(target.block, true);
      return undefined;
    }
    const exchange = new Exchange(stream, head, target.route, this);
    stream.consumer = exchange;
    this.options.tracing?.begin(exchange);
    const refusal = this.options.services.hasInterceptors ? this.options.services.refusalOf(exchange) : undefined;
    if (refusal === undefined) exchange.begin();
    else exchange.fail(refusal);
    return exchange;
  }

  /** What a handler that throws answers. A broken invariant is not answered: it ends the process. */
  failureOf(error: unknown, route: HandledRoute): Status {
    if (error instanceof AssertionError) throw error;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.options.logger.error("grpc handler failed", { "rpc.method": route.path, error: text });
    return { code: Code.Internal, message: "internal error" };
  }

  private targetOf(head: RequestHead, isTls: boolean): Target {
    const { http, isHttpOnly, services } = this.options;
    if (isHttpOnly && http !== undefined) return { kind: "http" };
    if (!isGrpc(head.contentType)) {
      if (isTls && http !== undefined) return { kind: "http" };
      const message = `invalid gRPC request content-type ${JSON.stringify(head.contentType)}`;
      return refusalOf("415", { code: Code.InvalidArgument, message });
    }
    if (head.timeoutProblem !== undefined) {
      return refusalOf("400", { code: Code.Internal, message: `malformed grpc-timeout: ${head.timeoutProblem}` });
    }
    if (head.method !== "POST") {
      const message = `Received a HEADERS frame with :method ${JSON.stringify(head.method)} which should be POST`;
      return refusalOf("405", { code: Code.Internal, message });
    }
    const found = services.find(head.path);
    if ("code" in found) return refusalOf("200", found);
    if (head.encoding !== "identity" && head.encoding !== "gzip") {
      const message = `grpc: Decompressor is not installed for grpc-encoding ${JSON.stringify(head.encoding)}`;
      return refusalOf("200", { code: Code.Unimplemented, message }, acceptEncoding);
    }
    return { kind: "call", route: found };
  }
}

const acceptEncoding = Metadata.fromWire([["grpc-accept-encoding", "gzip"]]);

function refusalOf(httpStatus: string, status: Status, trailers?: Metadata): Target {
  return { kind: "refusal", block: trailersOnlyBlock(httpStatus, status, trailers) };
}

/** `application/grpc`, alone or with `+proto`, `;charset` and the like. */
function isGrpc(contentType: string): boolean {
  if (!contentType.startsWith("application/grpc")) return false;
  const next = contentType[16];
  return next === undefined || next === "+" || next === ";";
}
