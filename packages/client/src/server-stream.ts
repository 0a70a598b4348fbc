import { AsyncQueue } from "./async-queue.js";
import type { StreamOptions } from "./call-options.js";
import type { Caller } from "./caller.js";
import { abortedError, ClientError, closedError, errorOfFailure, isTokenRefusal } from "./client-error.js";
import { pause } from "./clock.js";
import { StatusCode } from "./status-code.js";
import { endCall, noteEndpoint, startCall } from "./tracing.js";
import type { CallFailure, ReadStream } from "./transport.js";

/** Messages kept for a reader who is slower than the member; then the member is held up. */
const keptMessagesMax = 8;
const attemptsMax = 5;

/** A request whose answer is several messages. "once": a stream of both directions that is asked one thing. */
export type StreamRequest = { readonly path: string; readonly message: Uint8Array; readonly kind: "server" | "once" };

/**
 * Reads what a member streams. Before the first message the request is repeated like a read; afterwards a failure is the reader's
 * to judge. Leaving the loop cancels the stream.
 * @throws ClientError
 */
export async function* readStream(
  caller: Caller,
  request: StreamRequest,
  options: StreamOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { clock, random, tokens } = caller.ports;
  for (let attempt = 1; ; attempt += 1) {
    if (caller.isClosed) throw closedError();
    if (!tokens.isReady) await tokens.fetch();
    let isBegun = false;
    try {
      for await (const message of openOnce(caller, request, options, attempt)) {
        isBegun = true;
        yield message;
      }
      return;
    } catch (error) {
      if (isBegun || !(error instanceof ClientError) || attempt >= attemptsMax) throw error;
      if (isTokenRefusal(error) && tokens.canRenew) continue;
      if (error.status !== StatusCode.Unavailable) throw error;
      await pause(clock, 50 * attempt * (1 - random() / 2), options.signal);
      if (options.signal?.aborted === true) throw abortedError(options.signal, { method: request.path }, false);
    }
  }
}

/** One attempt. */
function openOnce(
  caller: Caller,
  request: StreamRequest,
  options: StreamOptions,
  attempt: number,
): AsyncQueue<Uint8Array> {
  const { endpoints, tokens, tracer } = caller.ports;
  const token = tokens.current;
  const connection = endpoints.pick(options.endpoint);
  const { span, headers } = startCall(tracer, request.path);
  noteEndpoint(span, connection.endpoint, attempt);
  let isPaused = false;
  let stream: ReadStream | undefined;
  const queue = new AsyncQueue<Uint8Array>({
    onRead() {
      if (!isPaused || queue.length > keptMessagesMax / 2) return;
      isPaused = false;
      stream?.resume();
    },
    onReturn: () => stream?.cancel(),
  });
  const handlers = {
    onMessage(message: Uint8Array) {
      queue.push(message);
      if (isPaused || queue.length < keptMessagesMax) return;
      isPaused = true;
      stream?.pause();
    },
    onEnd(failure: CallFailure | undefined) {
      const place = { method: request.path, endpoint: connection.endpoint.url };
      const error = streamError(caller, failure, options, place);
      if (error === undefined) endpoints.succeeded(connection);
      else if (error.status === StatusCode.Unavailable) endpoints.failed(connection, error.message);
      if (error !== undefined && isTokenRefusal(error)) tokens.refused(token);
      endCall(span, queue.isOver ? undefined : error);
      queue.finish(error);
    },
  };
  const settings = {
    metadata: caller.metadata(options, headers, token),
    timeoutMs: Number.isFinite(options.timeoutMs) ? options.timeoutMs : undefined,
    signal: options.signal,
  };
  if (request.kind === "server") {
    stream = connection.transport.serverStream(request.path, request.message, settings, handlers);
  } else {
    const duplex = connection.transport.bidi(request.path, settings, handlers);
    duplex.send(request.message);
    stream = duplex;
  }
  return queue;
}

/** The error of a stream that ended, seen from this side. Streams that are opened this way change nothing. */
function streamError(
  caller: Caller,
  failure: CallFailure | undefined,
  options: StreamOptions,
  place: { method: string; endpoint: string },
): ClientError | undefined {
  if (failure === undefined) return undefined;
  if (caller.isClosed) return closedError();
  if (options.signal?.aborted === true) return abortedError(options.signal, place, false);
  const error = errorOfFailure({ ...failure, wasSent: failure.wasSent }, place);
  if (error.code !== "etcd/deadline-exceeded") return error;
  const { message, status } = error;
  return new ClientError({ ...place, code: "client/deadline", message: `the deadline has passed: ${message}`, status });
}
