import { gunzipSync } from "node:zlib";

/** Names in lower case; values of a repeated header are joined with ", ". */
export type Headers = ReadonlyMap<string, string>;

/** Reads one HTTP/1.1 answer as it comes: interim answers, head, body (chunked, counted, or up to the end), trailers. */
export class AnswerReader {
  readonly interim: number[] = [];
  status = 0;
  headers: Headers = new Map();
  trailers: Headers = new Map();
  /** The whole answer is here. After the end of the connection that is always so. */
  isComplete = false;
  /** What comes after a 101: the other protocol's bytes. */
  upgraded: Buffer = Buffer.alloc(0);
  readonly #body: Buffer[] = [];
  readonly #isHead: boolean;
  #rest: Buffer = Buffer.alloc(0);
  #left: number | "chunked" | "to-the-end" | undefined;

  constructor(options: { isHead: boolean }) {
    this.#isHead = options.isHead;
  }

  get hasHead(): boolean {
    return this.status !== 0;
  }

  /** Bytes of the body so far, chunk framing taken out. */
  get body(): Buffer {
    return Buffer.concat(this.#body);
  }

  /** The body as text, unpacked when it is gzip. */
  get text(): string {
    return (this.headers.get("content-encoding") === "gzip" ? gunzipSync(this.body) : this.body).toString("utf8");
  }

  push(bytes: Buffer): void {
    if (this.status === 101) {
      this.upgraded = Buffer.concat([this.upgraded, bytes]);
      return;
    }
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (!this.hasHead && this.#readHead());
    if (this.hasHead && this.status !== 101) this.#readBody();
  }

  end(): void {
    this.isComplete = true;
  }

  #readHead(): boolean {
    const end = this.#rest.indexOf("\r\n\r\n");
    if (end < 0) return false;
    const [first = "", ...lines] = this.#rest.subarray(0, end).toString("latin1").split("\r\n");
    this.#rest = this.#rest.subarray(end + 4);
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1] ?? Number.NaN);
    if (Number.isNaN(status)) throw new Error(`not an HTTP answer: ${JSON.stringify(first.slice(0, 200))}`);
    if (status < 200 && status !== 101) {
      this.interim.push(status);
      return true;
    }
    this.status = status;
    this.headers = parseHeaders(lines);
    if (status === 101) this.upgraded = this.#rest;
    else if (this.#isHead || status === 204 || status === 304) this.#left = 0;
    else if (/\bchunked\b/i.test(this.headers.get("transfer-encoding") ?? "")) this.#left = "chunked";
    else if (this.headers.has("content-length")) this.#left = Number(this.headers.get("content-length"));
    else this.#left = "to-the-end";
    return true;
  }

  #readBody(): void {
    if (this.#left === "to-the-end") {
      this.#body.push(this.#rest);
      this.#rest = Buffer.alloc(0);
    } else if (this.#left === "chunked") {
      while (this.#readChunk());
    } else {
      const taken = this.#rest.subarray(0, this.#left ?? 0);
      this.#body.push(taken);
      this.#rest = this.#rest.subarray(taken.length);
      this.#left = (this.#left ?? 0) - taken.length;
      if (this.#left === 0) this.isComplete = true;
    }
  }

  #readChunk(): boolean {
    const lineEnd = this.#rest.indexOf("\r\n");
    if (lineEnd < 0 || this.isComplete) return false;
    const size = Number.parseInt(this.#rest.subarray(0, lineEnd).toString("latin1"), 16);
    if (size === 0) {
      const isBare = this.#rest.subarray(lineEnd, lineEnd + 4).toString("latin1") === "\r\n\r\n";
      const end = isBare ? lineEnd : this.#rest.indexOf("\r\n\r\n", lineEnd + 2);
      if (end < 0) return false;
      this.trailers = parseHeaders(
        this.#rest
          .subarray(lineEnd + 2, Math.max(end, lineEnd + 2))
          .toString("latin1")
          .split("\r\n"),
      );
      this.isComplete = true;
      return false;
    }
    if (this.#rest.length < lineEnd + 2 + size + 2) return false;
    this.#body.push(this.#rest.subarray(lineEnd + 2, lineEnd + 2 + size));
    this.#rest = this.#rest.subarray(lineEnd + 2 + size + 2);
    return true;
  }
}

function parseHeaders(lines: readonly string[]): Headers {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}
