import { AssertionError, type Logger } from "@quorate/common";
import type { PeerInfo } from "../http2/engine.js";

/** What a Fetch `Request` does not say, or says in another form than it came in. */
export interface HttpInfo extends PeerInfo {
  readonly protocol: "HTTP/1.0" | "HTTP/1.1" | "HTTP/2";
  /** As sent, in its case. `request.method` is "UNKNOWN" where Fetch knows no such method (CONNECT, TRACE, `get`). */
  readonly method: string;
  /** The request target as sent, before any URL was made of it: `/x/../version`, `//version`, `*`, `http://host/path`. */
  readonly target: string;
  /** Host header or `:authority`; undefined when there is none. */
  readonly host: string | undefined;
}

/**
 * Answers requests that are not gRPC. `request.signal` aborts when the client is gone. A body is read from the client only as far as the
 * handler reads it (and only then is a client that said `Expect: 100-continue` told to send it).
 */
export type HttpHandler = (request: Request, info: HttpInfo) => Promise<Response> | Response;

/** What a `Request` is made of. */
export interface RequestParts {
  readonly info: HttpInfo;
  /** Name and value pairs, names in any case. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: ReadableStream<Uint8Array> | undefined;
  readonly signal: AbortSignal;
}

const plainMethods = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]);

/** Makes a Fetch request. Its URL serves for reading the query; the exact target is in `info`. */
export function toRequest({ info, headers, body, signal }: RequestParts): Request {
  const method = plainMethods.has(info.method) ? info.method : "UNKNOWN";
  const bag = new Headers();
  for (const [name, value] of headers) appendHeader(bag, name, value);
  const takesBody = body !== undefined && method !== "GET" && method !== "HEAD"; // Fetch allows none there
  return new Request(urlOf(info), {
    method,
    headers: bag,
    signal,
    ...(takesBody ? { body, duplex: "half" } : {}),
  } as RequestInit);
}

function appendHeader(bag: Headers, name: string, value: string): void {
  const known = name.toLowerCase() === "cookie" ? bag.get("cookie") : null;
  if (known === null) bag.append(name, value);
  else bag.set("cookie", `${known}; ${value}`); // HTTP/2 may send crumbs (RFC 9113 section 8.2.3)
}

function urlOf(info: HttpInfo): string {
  const scheme = info.isTls ? "https" : "http";
  for (const base of [`${scheme}://${info.host ?? "localhost"}`, `${scheme}://localhost`]) {
    const text = info.target.startsWith("/")
      ? `${base}${info.target}`
      : info.target === "*"
        ? `${base}/*`
        : info.target;
    const url = URL.parse(text);
    if (url !== null && url.username === "" && url.password === "") return text; // Fetch takes no URL with a user in it
  }
  return `${scheme}://localhost/`;
}

/** Runs a handler. What it throws becomes a 500; a broken invariant is thrown on and ends the process. */
export async function runHandler(handler: HttpHandler, parts: RequestParts, logger: Logger): Promise<Response> {
  try {
    return await handler(toRequest(parts), parts.info);
  } catch (error) {
    if (error instanceof AssertionError) throw error;
    if (!parts.signal.aborted) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      logger.error("http handler failed", { "url.path": parts.info.target, error: text });
    }
    const headers = { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" };
    return new Response("Internal Server Error\n", { status: 500, headers });
  }
}

/** Where a response goes. */
export interface ResponseSink {
  /** `length`: bytes of the whole body where known. */
  head(status: number, headers: readonly (readonly [string, string])[], length: number | undefined): void;
  /** @returns undefined to go on, or a promise to wait for. */
  write(chunk: Uint8Array): Promise<void> | undefined;
  /** `last`: a chunk to end with. */
  end(last?: Uint8Array): void;
  /** The body failed half way: the client must not take it for whole. */
  abort(): void;
}

/** Sends a response. A body that is one piece goes out with its length; others as they come. */
export async function sendResponse(response: Response, sink: ResponseSink, signal: AbortSignal): Promise<void> {
  const headers = [...response.headers];
  const reader = response.body?.getReader();
  if (reader === undefined) {
    sink.head(response.status, headers, 0);
    return sink.end();
  }
  const cancel = (): void => void reader.cancel().catch(() => {}); // the client is gone: nobody is left to tell
  signal.addEventListener("abort", cancel);
  try {
    const first = await reader.read();
    let next = reader.read();
    next.catch(() => {}); // awaited below
    const isWhole = first.done || (await isDoneSoon(next));
    if (signal.aborted) return;
    sink.head(response.status, headers, isWhole ? (first.value?.length ?? 0) : undefined);
    if (isWhole) return sink.end(first.value);
    if (first.value !== undefined) await sink.write(first.value);
    for (let part = await next; !part.done && !signal.aborted; part = await next) {
      await sink.write(part.value);
      next = reader.read();
    }
    sink.end();
  } catch {
    sink.abort(); // the source of the body failed; its owner knows why
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

/** Whether a read that has begun turns out to be the end within this turn of the event loop. */
async function isDoneSoon(read: Promise<{ done: boolean }>): Promise<boolean> {
  const turn = new Promise<undefined>((resolve) => setImmediate(resolve, undefined));
  return (await Promise.race([read, turn]))?.done === true;
}
