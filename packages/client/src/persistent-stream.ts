import type { Span } from "@opentelemetry/api";
import type { StreamOptions } from "./call-options.js";
import type { Caller } from "./caller.js";
import { ClientError, errorOfFailure, isTokenRefusal, mayPass } from "./client-error.js";
import { backoffMs } from "./clock.js";
import type { Connection } from "./endpoint-set.js";
import { StatusCode } from "./status-code.js";
import { endCall, noteEndpoint, startCall } from "./tracing.js";
import type { CallFailure, DuplexStream } from "./transport.js";

/** What the owner of a persistent stream is told. */
export interface PersistentStreamHooks {
  /** A new stream is there and knows nothing: say everything again. */
  onOpen(): void;
  onMessage(message: Uint8Array): void;
  /** What was said on the stream counts no longer. A new one comes by itself unless `isFinal`. */
  onBroken(error: ClientError, isFinal: boolean): void;
}

const renewalsMax = 2;
/** A stream on which nothing has come for so long after it was opened is given up. */
const firstAnswerMs = 10_000;

/** Statuses that another attempt would meet again. */
const finalStatuses = new Set<number>([
  StatusCode.InvalidArgument,
  StatusCode.NotFound,
  StatusCode.PermissionDenied,
  StatusCode.FailedPrecondition,
  StatusCode.OutOfRange,
  StatusCode.Unimplemented,
  StatusCode.Unauthenticated,
]);

type Live = { stream: DuplexStream; connection: Connection; span: Span; token: string | undefined };

/** A stream of both directions that is opened again, elsewhere if need be, whenever it breaks, until it is stopped. */
export class PersistentStream {
  readonly #caller: Caller;
  readonly #path: string;
  readonly #options: StreamOptions;
  readonly #hooks: PersistentStreamHooks;
  #state: "idle" | "opening" | "open" | "waiting" = "idle";
  #live: Live | undefined;
  /** Callbacks of streams before this one count no longer. */
  #generation = 0;
  #failures = 0;
  #renewals = 0;
  #timer: { cancel(): void } | undefined;

  constructor(caller: Caller, path: string, options: StreamOptions, hooks: PersistentStreamHooks) {
    this.#caller = caller;
    this.#path = path;
    this.#options = options;
    this.#hooks = hooks;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** URL of the endpoint in use. */
  get endpoint(): string {
    return this.#live?.connection.endpoint.url ?? "";
  }

  start(): void {
    if (this.#state === "idle") void this.#open();
  }

  /** Only while it is open: what a stream before was told is to be said in `onOpen`. */
  send(message: Uint8Array): void {
    this.#live?.stream.send(message);
  }

  /** Ends the stream without a word to the hooks. `start` opens it again. */
  stop(): void {
    this.#generation += 1;
    this.#timer?.cancel();
    this.#state = "idle";
    this.#failures = 0;
    this.#endLive(undefined);
  }

  /** The member answers: the next break is the first one again. */
  proved(): void {
    if (this.#live === undefined || (this.#failures === 0 && this.#timer === undefined)) return;
    this.#failures = 0;
    this.#renewals = 0;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#caller.ports.endpoints.succeeded(this.#live.connection);
  }

  /** Leaves a stream that is not what it should be and opens another. */
  restart(why: ClientError): void {
    if (this.#state === "open") this.#broken(this.#generation, why);
  }

  async #open(): Promise<void> {
    const generation = ++this.#generation;
    this.#state = "opening";
    const { clock, endpoints, tokens, tracer } = this.#caller.ports;
    try {
      if (!tokens.isReady) await tokens.fetch();
      if (generation !== this.#generation) return;
      const connection = endpoints.pick(this.#options.endpoint);
      const { span, headers } = startCall(tracer, this.#path);
      noteEndpoint(span, connection.endpoint, this.#failures + 1);
      const token = tokens.current;
      const metadata = this.#caller.metadata(this.#options, headers, token);
      const stream = connection.transport.bidi(
        this.#path,
        { metadata, timeoutMs: undefined, signal: undefined },
        {
          onMessage: (message) => {
            if (generation === this.#generation) this.#hooks.onMessage(message);
          },
          onEnd: (failure) => this.#broken(generation, this.#errorOf(failure, connection)),
        },
      );
      this.#live = { stream, connection, span, token };
    } catch (error) {
      // No token, or no such endpoint: the same fate as a stream that could not be opened.
      if (!(error instanceof ClientError)) throw error;
      this.#broken(generation, error);
      return;
    }
    this.#state = "open";
    this.#timer = clock.after(firstAnswerMs, () => this.#broken(generation, this.#silence()));
    this.#hooks.onOpen();
  }

  #broken(generation: number, error: ClientError): void {
    if (generation !== this.#generation) return;
    const { clock, endpoints, tokens, random } = this.#caller.ports;
    this.#generation += 1;
    this.#timer?.cancel();
    const live = this.#live;
    if (live !== undefined && mayPass(error, true)) endpoints.failed(live.connection, error.message);
    this.#endLive(error);
    const others = this.#options.endpoint === undefined && endpoints.size > 1;
    let isFinal =
      this.#caller.isClosed ||
      (finalStatuses.has(error.status ?? -1) && !mayPass(error, others)) ||
      error.code === "client/bad-endpoint";
    if (isTokenRefusal(error) && tokens.canRenew && this.#renewals < renewalsMax) {
      this.#renewals += 1;
      tokens.refused(live?.token);
      isFinal = false;
    }
    this.#failures += 1;
    this.#state = isFinal ? "idle" : "waiting";
    if (!isFinal) {
      const waitMs = backoffMs(this.#caller.retryBackoff, this.#failures, random());
      this.#timer = clock.after(waitMs, () => void this.#open());
    }
    this.#hooks.onBroken(error, isFinal);
  }

  #endLive(error: ClientError | undefined): void {
    const live = this.#live;
    this.#live = undefined;
    this.#timer = undefined;
    if (live === undefined) return;
    endCall(live.span, error);
    live.stream.cancel();
  }

  #errorOf(failure: CallFailure | undefined, connection: Connection): ClientError {
    const place = { method: this.#path, endpoint: connection.endpoint.url };
    if (failure !== undefined) return errorOfFailure(failure, place);
    const message = "the member ended the stream";
    return new ClientError({ ...place, code: "etcd/unavailable", message, status: StatusCode.Unavailable });
  }

  #silence(): ClientError {
    const message = `nothing was answered within ${firstAnswerMs} ms`;
    return new ClientError({
      code: "etcd/unavailable",
      message,
      status: StatusCode.Unavailable,
      method: this.#path,
      endpoint: this.endpoint,
    });
  }
}
