import { Http1Exchange, type TlsOptions } from "./http1-exchange.js";
import { upgradeHeaders } from "./websocket-frames.js";

export type Http1Request = {
  readonly method: string;
  readonly path: string;
  readonly port: number;
  readonly tls: TlsOptions | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly isChunked: boolean;
  readonly isUnfinished: boolean;
  readonly isWebSocket: boolean;
};

const expectWaitMs = 1_000;

/** Sends a request and leaves the exchange open for its answer. */
export async function sendHttp1(request: Http1Request): Promise<Http1Exchange> {
  const exchange = await Http1Exchange.open(request.port, { tls: request.tls, isHead: request.method === "HEAD" });
  const body = Buffer.from(request.body ?? "");
  const given = new Set(Object.keys(request.headers).map((name) => name.toLowerCase()));
  const own: Record<string, string> = { Host: `127.0.0.1:${request.port}` };
  if (request.isWebSocket) Object.assign(own, upgradeHeaders());
  else own.Connection = "close";
  const isChunked = request.isChunked || request.isUnfinished;
  if (isChunked) own["Transfer-Encoding"] = "chunked";
  else if (request.body !== undefined || /^(POST|PUT)$/.test(request.method))
    own["Content-Length"] = String(body.length);
  let head = `${request.method} ${request.path} HTTP/1.1\r\n`;
  for (const [name, value] of Object.entries(own)) if (!given.has(name.toLowerCase())) head += `${name}: ${value}\r\n`;
  for (const [name, value] of Object.entries(request.headers)) head += `${name}: ${value}\r\n`;
  const framed = isChunked
    ? Buffer.concat([chunkOf(body), Buffer.from(request.isUnfinished ? "" : "0\r\n\r\n")])
    : body;
  const expects = Object.entries(request.headers).some(
    ([name, value]) => name.toLowerCase() === "expect" && value !== "",
  );
  if (!expects) {
    exchange.send(Buffer.concat([Buffer.from(`${head}\r\n`), framed]));
    return exchange;
  }
  // The body goes after a 100, or after silence; an answer of another kind saves it.
  exchange.send(`${head}\r\n`);
  await exchange.until(() => exchange.answer.interim.length > 0 || exchange.answer.hasHead, expectWaitMs);
  if (!exchange.answer.hasHead) exchange.send(framed);
  return exchange;
}

/** One chunk of a chunked body; nothing for no bytes, since an empty chunk is the end. */
export function chunkOf(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return bytes;
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}
