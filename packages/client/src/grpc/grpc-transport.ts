import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  connectivityState,
  Metadata,
  type ServiceError,
  status as grpcStatus,
} from "@grpc/grpc-js";
import type { Endpoint } from "../endpoint.js";
import type {
  CallFailure,
  CallSettings,
  DuplexStream,
  ReadStream,
  StreamHandlers,
  Transport,
  UnaryOutcome,
} from "../transport.js";
import { channelCredentials, channelOptions, type KeepAlivePings, type TlsOptions } from "./channel-options.js";

const toBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const closedFailure: CallFailure = {
  status: grpcStatus.UNAVAILABLE,
  message: "the connection was closed by this client",
  wasSent: false,
};
const asIs = (bytes: Buffer): Uint8Array => bytes;

/** The transport of Node: gRPC over HTTP/2 by `@grpc/grpc-js`, one connection to one endpoint, opened by the first call. */
export function createGrpcTransport(
  endpoint: Endpoint,
  options: {
    readonly tls?: TlsOptions | undefined;
    readonly pings?: KeepAlivePings | undefined;
    /** How long a call waits for a connection before it fails as unsent. */
    readonly connectTimeoutMs: number;
  },
): Transport {
  const client = new Client(
    endpoint.target,
    channelCredentials(endpoint, options.tls),
    channelOptions(endpoint, options.tls, options.pings),
  );
  return new GrpcTransport(client, options.connectTimeoutMs);
}

class GrpcTransport implements Transport {
  readonly #client: Client;
  readonly #target: string;
  readonly #connectTimeoutMs: number;
  /** Open calls and streams: closing a channel leaves them running. */
  readonly #open = new Set<{ cancel(): void }>();
  #isClosed = false;

  constructor(client: Client, connectTimeoutMs: number) {
    this.#client = client;
    this.#connectTimeoutMs = connectTimeoutMs;
    this.#target = client.getChannel().getTarget();
  }

  async unary(path: string, message: Uint8Array, settings: CallSettings): Promise<UnaryOutcome> {
    if (this.#isClosed) return { kind: "failed", failure: closedFailure };
    const startMs = Date.now();
    if (this.#client.getChannel().getConnectivityState(true) !== connectivityState.READY) {
      const failure = await this.#connect(settings);
      if (failure !== undefined) return { kind: "failed", failure };
      if (this.#isClosed) return { kind: "failed", failure: closedFailure };
    }
    const leftMs = settings.timeoutMs === undefined ? undefined : settings.timeoutMs - (Date.now() - startMs);
    return this.#unary(path, message, { ...settings, timeoutMs: leftMs });
  }

  serverStream(path: string, message: Uint8Array, settings: CallSettings, handlers: StreamHandlers): ReadStream {
    if (this.#isClosed) return closedStream(handlers);
    const call = this.#client.makeServerStreamRequest(
      path,
      toBuffer,
      asIs,
      message,
      toMetadata(settings),
      toDeadline(settings),
    );
    return this.#read(call, settings, handlers);
  }

  bidi(path: string, settings: CallSettings, handlers: StreamHandlers): DuplexStream {
    if (this.#isClosed) return closedStream(handlers);
    const call: ClientDuplexStream<Uint8Array, Uint8Array> = this.#client.makeBidiStreamRequest(
      path,
      toBuffer,
      asIs,
      toMetadata(settings),
      toDeadline(settings),
    );
    const reading = this.#read(call, settings, handlers);
    return {
      ...reading,
      send(message) {
        if (!call.writableEnded && !call.destroyed) call.write(message);
      },
      endSending: () => call.end(),
    };
  }

  close(): void {
    this.#isClosed = true;
    for (const call of this.#open) call.cancel();
    this.#client.close();
  }

  #unary(path: string, message: Uint8Array, settings: CallSettings): Promise<UnaryOutcome> {
    return new Promise((resolve) => {
      const { signal } = settings;
      const abort = () => call.cancel();
      const call = this.#client.makeUnaryRequest(
        path,
        toBuffer,
        asIs,
        message,
        toMetadata(settings),
        toDeadline(settings),
        (error, answer) => {
          this.#open.delete(call);
          signal?.removeEventListener("abort", abort);
          if (answer !== undefined && error === null) resolve({ kind: "answer", message: answer });
          else resolve({ kind: "failed", failure: toFailure(error, call.getPeer(), this.#target) });
        },
      );
      this.#open.add(call);
      if (signal?.aborted === true) abort();
      else signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /**
   * Waits for a connection without a call, so that one that ends meanwhile is known to have sent nothing: grpc-js does not tell
   * whether a call that was cancelled had left. A refused connection ends the wait, too: the call then fails with the reason.
   */
  #connect(settings: CallSettings): Promise<CallFailure | undefined> {
    const channel = this.#client.getChannel();
    const { signal, timeoutMs = Number.POSITIVE_INFINITY } = settings;
    const waitMs = Math.min(timeoutMs, this.#connectTimeoutMs);
    return new Promise((resolve) => {
      const unsent = (status: number, message: string) => finish({ status, message, wasSent: false });
      const abort = () => unsent(grpcStatus.CANCELLED, "cancelled before there was a connection");
      const timer = setTimeout(() => {
        if (waitMs === timeoutMs) unsent(grpcStatus.DEADLINE_EXCEEDED, "no connection before the deadline");
        else unsent(grpcStatus.UNAVAILABLE, `no connection within ${waitMs} ms`);
      }, waitMs);
      let isOver = false;
      function finish(failure: CallFailure | undefined): void {
        if (isOver) return;
        isOver = true;
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        resolve(failure);
      }
      function look(): void {
        if (isOver) return;
        const state = channel.getConnectivityState(true);
        if (state === connectivityState.IDLE || state === connectivityState.CONNECTING) {
          channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, look);
        } else finish(undefined);
      }
      if (signal?.aborted === true) return abort();
      signal?.addEventListener("abort", abort, { once: true });
      look();
    });
  }

  #read(call: ClientReadableStream<Uint8Array>, settings: CallSettings, handlers: StreamHandlers): ReadStream {
    const { signal } = settings;
    const abort = () => call.cancel();
    let isOver = false;
    const end = (failure: CallFailure | undefined) => {
      if (isOver) return;
      isOver = true;
      this.#open.delete(call);
      signal?.removeEventListener("abort", abort);
      handlers.onEnd(failure);
    };
    this.#open.add(call);
    call.on("data", (message: Uint8Array) => {
      if (!isOver) handlers.onMessage(message);
    });
    // An error may come beside messages that are still buffered; they are dropped, as if the cut had come a moment earlier.
    call.on("error", (error: ServiceError) => end(toFailure(error, call.getPeer(), this.#target)));
    call.on("end", () => end(undefined));
    if (signal?.aborted === true) abort();
    else signal?.addEventListener("abort", abort, { once: true });
    return { pause: () => call.pause(), resume: () => call.resume(), cancel: abort };
  }
}

function toMetadata(settings: CallSettings): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of settings.metadata) metadata.set(name, value);
  return metadata;
}

function toDeadline(settings: CallSettings): { deadline?: number } {
  return settings.timeoutMs === undefined ? {} : { deadline: Date.now() + Math.max(0, settings.timeoutMs) };
}

/**
 * grpc-js names the other side's address once a call has its HTTP/2 stream, and the channel's target before: a call that still
 * says the target has sent nothing.
 */
function toFailure(error: ServiceError | null, peer: string, target: string): CallFailure {
  const wasSent = peer !== target;
  if (error === null) return { status: grpcStatus.INTERNAL, message: "the answer has no message", wasSent };
  return { status: error.code ?? grpcStatus.UNKNOWN, message: error.details ?? error.message, wasSent };
}

/** What a closed channel answers; grpc-js would throw. */
function closedStream(handlers: StreamHandlers): DuplexStream {
  queueMicrotask(() => handlers.onEnd(closedFailure));
  const nothing = () => {};
  return { pause: nothing, resume: nothing, cancel: nothing, send: nothing, endSending: nothing };
}
