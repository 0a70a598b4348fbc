import type { Span, Tracer } from "@opentelemetry/api";
import { ProtoError } from "@quorate/proto";
import type { CallOptions, WriteRetry } from "./call-options.js";
import { abortedError, ClientError, closedError, errorOfFailure, isTokenRefusal, mayPass } from "./client-error.js";
import { type Backoff, backoffMs, type Clock, pause } from "./clock.js";
import type { Connection, EndpointSet } from "./endpoint-set.js";
import { type Effect, type Rpc, rpcs, type StreamRpc } from "./rpc.js";
import { StatusCode } from "./status-code.js";
import { isAuthOff, type TokenSource } from "./token-source.js";
import { endCall, noteEndpoint, startCall } from "./tracing.js";
import type { UnaryOutcome } from "./transport.js";

/** Settings of all calls of a client. */
export type CallerOptions = {
  readonly timeoutMs: number;
  readonly retryWrites: WriteRetry;
  readonly retryBackoff: Backoff;
  readonly attemptsMax: number;
  readonly hasLeader: boolean;
};

/** What calls need of the world. */
export type CallerPorts = {
  readonly endpoints: EndpointSet;
  readonly tokens: TokenSource;
  readonly clock: Clock;
  readonly random: () => number;
  readonly tracer: Tracer;
};

/** One call on its way through its attempts. */
type Attempts = {
  readonly path: string;
  readonly effect: Effect;
  readonly options: CallOptions;
  readonly deadlineMs: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly span: Span;
  /** Set as soon as one attempt may have been carried out. */
  mayHaveRun: boolean;
};

const apiVersion = "3.7";

/** Carries out calls with one answer: picks endpoints, repeats what may be repeated, keeps the token fresh. */
export class Caller {
  readonly ports: CallerPorts;
  readonly #options: CallerOptions;
  #isClosed = false;

  constructor(options: CallerOptions, ports: CallerPorts) {
    this.#options = options;
    this.ports = ports;
  }

  /** The time a call has unless it says otherwise, in milliseconds. */
  get timeoutMs(): number {
    return this.#options.timeoutMs;
  }

  /** Waits between attempts, of calls and of streams. */
  get retryBackoff(): Backoff {
    return this.#options.retryBackoff;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
  }

  /**
   * Sends a request until it is answered, refused, or must not be repeated.
   * @throws ClientError
   */
  async call<Request, Answer>(
    rpc: Rpc<Request, Answer>,
    request: Partial<Request>,
    options: CallOptions = {},
    withToken = true,
  ): Promise<Answer> {
    if (this.#isClosed) throw closedError();
    const { span, headers } = startCall(this.ports.tracer, rpc.path);
    const deadlineMs = this.ports.clock.nowMs() + (options.timeoutMs ?? this.#options.timeoutMs);
    const attempts: Attempts = {
      path: rpc.path,
      effect: rpc.effect,
      options,
      deadlineMs,
      headers,
      span,
      mayHaveRun: false,
    };
    try {
      const answer = await this.#attempt(attempts, rpc.request.encode(request), withToken);
      const message = decodeAnswer(rpc, answer);
      endCall(span, undefined);
      return message;
    } catch (error) {
      endCall(span, error instanceof ClientError ? error : undefined);
      throw error;
    }
  }

  /** Metadata of a call or stream. */
  metadata(options: CallOptions, headers: ReadonlyMap<string, string>, token: string | undefined): Map<string, string> {
    const metadata = new Map(headers);
    metadata.set("client-api-version", apiVersion);
    if (options.hasLeader ?? this.#options.hasLeader) metadata.set("hasleader", "true");
    if (token !== undefined) metadata.set("token", token);
    for (const [name, value] of Object.entries(options.metadata ?? {})) {
      if (!/^[0-9a-z_.-]+$/.test(name) || name.endsWith("-bin") || !/^[\x20-\x7e]*$/.test(value)) {
        const message = `"${name}" cannot be sent as metadata: names are lower case, values ASCII`;
        throw new ClientError({ code: "client/bad-option", message });
      }
      metadata.set(name, value);
    }
    return metadata;
  }

  async #attempt(attempts: Attempts, message: Uint8Array, withToken: boolean): Promise<Uint8Array> {
    const { endpoints, tokens } = this.ports;
    let renewals = 0;
    let last: Connection | undefined;
    for (let attempt = 1; ; attempt += 1) {
      if (withToken && !tokens.isReady) await this.#waitForToken(attempts);
      const token = withToken ? tokens.current : undefined;
      const connection = endpoints.pick(attempts.options.endpoint, last);
      last = connection;
      noteEndpoint(attempts.span, connection.endpoint, attempt);
      const outcome = await this.#send(attempts, message, connection, token);
      if (outcome.kind === "answer") {
        endpoints.succeeded(connection);
        return outcome.message;
      }
      const error = this.#errorOf(attempts, outcome, connection);
      if (withToken && tokens.canRenew && isTokenRefusal(error) && renewals < 2) {
        renewals += 1;
        tokens.refused(token);
        continue;
      }
      if (mayPass(error, true)) endpoints.failed(connection, error.message);
      await this.#waitOrThrow(attempts, attempt, error);
    }
  }

  /** The fetch goes on for others when this call's signal or deadline ends the wait. */
  async #waitForToken(attempts: Attempts): Promise<void> {
    const { clock, tokens } = this.ports;
    const { signal } = attempts.options;
    const over = new AbortController();
    const fetched = tokens.fetch().finally(() => over.abort());
    const leftMs = attempts.deadlineMs - clock.nowMs();
    const waiting = [
      fetched,
      pause(clock, leftMs, signal === undefined ? over.signal : AbortSignal.any([signal, over.signal])),
    ];
    await Promise.race(waiting);
    if (over.signal.aborted) return fetched;
    fetched.catch(() => {}); // nobody waits any more: whoever asks next gets the error of a new fetch
    over.abort();
    if (signal?.aborted === true) throw abortedError(signal, { method: attempts.path }, attempts.mayHaveRun);
    throw new ClientError({
      code: "client/deadline",
      message: "the deadline passed while a token was fetched",
      status: StatusCode.DeadlineExceeded,
      mayHaveRun: attempts.mayHaveRun,
      method: rpcs.authenticate.path,
    });
  }

  #send(
    attempts: Attempts,
    message: Uint8Array,
    connection: Connection,
    token: string | undefined,
  ): Promise<UnaryOutcome> {
    const { options } = attempts;
    const leftMs = attempts.deadlineMs - this.ports.clock.nowMs();
    return connection.transport.unary(attempts.path, message, {
      metadata: this.metadata(options, attempts.headers, token),
      timeoutMs: Number.isFinite(leftMs) ? Math.max(1, leftMs) : undefined,
      signal: options.signal,
    });
  }

  #errorOf(attempts: Attempts, outcome: UnaryOutcome & { kind: "failed" }, connection: Connection): ClientError {
    const place = { method: attempts.path, endpoint: connection.endpoint.url };
    const error = errorOfFailure(outcome.failure, place);
    if (attempts.effect === "write") attempts.mayHaveRun ||= error.mayHaveRun;
    if (this.#isClosed)
      return new ClientError({ ...partsOf(closedError()), mayHaveRun: attempts.mayHaveRun, ...place });
    const { signal } = attempts.options;
    if (signal?.aborted === true) return abortedError(signal, place, attempts.mayHaveRun);
    return new ClientError({ ...partsOf(error), ...deadlineParts(error), mayHaveRun: attempts.mayHaveRun });
  }

  /** Returns when the call may be tried once more. */
  async #waitOrThrow(attempts: Attempts, attempt: number, error: ClientError): Promise<void> {
    const { clock, random } = this.ports;
    if (!this.#mayRepeat(attempts, error) || attempt >= this.#options.attemptsMax) throw error;
    const waitMs = backoffMs(this.#options.retryBackoff, attempt, random());
    if (clock.nowMs() + waitMs >= attempts.deadlineMs) {
      throw new ClientError({
        ...partsOf(error),
        code: "client/deadline",
        message: `gave up before the deadline, after ${attempt} attempts; the last said: ${error.message}`,
        status: StatusCode.DeadlineExceeded,
        cause: error,
      });
    }
    const { signal } = attempts.options;
    await pause(clock, waitMs, signal);
    if (signal?.aborted === true) throw abortedError(signal, partsOf(error), attempts.mayHaveRun);
    if (this.#isClosed) throw new ClientError({ ...partsOf(closedError()), mayHaveRun: attempts.mayHaveRun });
  }

  #mayRepeat(attempts: Attempts, error: ClientError): boolean {
    const others = attempts.options.endpoint === undefined && this.ports.endpoints.size > 1;
    if (!mayPass(error, others)) return false;
    if (attempts.effect === "read") return true;
    switch (attempts.options.retryWrites ?? this.#options.retryWrites) {
      case "never":
        return false;
      case "always":
        return true;
      case "unsent":
        return !attempts.mayHaveRun;
    }
  }
}

/** Fetches tokens by name and password. */
export function authenticateBy(caller: () => Caller) {
  return async (user: string, password: string, signal: AbortSignal | undefined): Promise<string | undefined> => {
    try {
      const answer = await caller().call(rpcs.authenticate, { name: user, password }, { signal }, false);
      return answer.token;
    } catch (error) {
      if (error instanceof ClientError && isAuthOff(error)) return undefined;
      throw error;
    }
  };
}

/** @throws ClientError "client/bad-answer" */
export function decodeAnswer<Request, Answer>(
  rpc: StreamRpc<Request, Answer> & { readonly effect?: Effect },
  bytes: Uint8Array,
): Answer {
  try {
    return rpc.answer.decode(bytes);
  } catch (error) {
    if (!(error instanceof ProtoError)) throw error;
    throw new ClientError({
      code: "client/bad-answer",
      message: `the answer to ${rpc.path} is not a ${rpc.answer.name}`,
      mayHaveRun: rpc.effect === "write",
      method: rpc.path,
      cause: error,
    });
  }
}

function deadlineParts(error: ClientError): Partial<ClientError> {
  return error.code === "etcd/deadline-exceeded"
    ? { code: "client/deadline", message: `the deadline has passed: ${error.message}` }
    : {};
}

function partsOf(error: ClientError) {
  const { code, message, status, mayHaveRun, method, endpoint, compactRevision, cause } = error;
  return { code, message, status, mayHaveRun, method, endpoint, compactRevision, cause };
}
