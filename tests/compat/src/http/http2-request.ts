import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from "node:http2";
import type { Headers } from "./answer-reader.js";
import type { TlsOptions } from "./http1-exchange.js";

export type Http2Request = {
  readonly port: number;
  readonly tls: TlsOptions | undefined;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
};

export type Http2Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly trailers: Headers;
  readonly text: string;
};

/** One request over HTTP/2, by prior knowledge or by ALPN; status 0 when the connection ends without an answer. */
export async function requestHttp2(request: Http2Request, withinMs: number): Promise<Http2Answer> {
  const { tls } = request;
  const session = connect(`${tls === undefined ? "http" : "https"}://127.0.0.1:${request.port}`, {
    rejectUnauthorized: false,
    ...(tls?.certificate === undefined ? {} : { cert: tls.certificate }),
    ...(tls?.key === undefined ? {} : { key: tls.key }),
  });
  session.on("error", () => {
    // The stream, or its absence, tells.
  });
  try {
    return await exchange(session, request, withinMs);
  } finally {
    session.destroy();
  }
}

function exchange(session: ClientHttp2Session, request: Http2Request, withinMs: number): Promise<Http2Answer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let status = 0;
    let headers: Headers = new Map();
    let trailers: Headers = new Map();
    const done = () => {
      clearTimeout(timer);
      resolve({ status, headers, trailers, text: Buffer.concat(chunks).toString("utf8") });
    };
    const timer = setTimeout(done, withinMs);
    const named: Record<string, string> = { ":method": request.method, ":path": request.path };
    for (const [name, value] of Object.entries(request.headers))
      named[name.toLowerCase() === "host" ? ":authority" : name.toLowerCase()] = value;
    const stream = session.request(named, { endStream: request.body === undefined });
    stream.on("response", (received) => {
      status = Number(received[":status"] ?? 0);
      headers = toHeaders(received);
    });
    stream.on("trailers", (received) => {
      trailers = toHeaders(received);
    });
    stream.on("data", (bytes: Buffer) => chunks.push(bytes));
    stream.on("error", done);
    stream.on("close", done);
    session.on("close", done);
    if (request.body !== undefined) stream.end(request.body);
  });
}

function toHeaders(received: IncomingHttpHeaders): Headers {
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(received)) {
    if (!name.startsWith(":") && value !== undefined)
      headers.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  return headers;
}
