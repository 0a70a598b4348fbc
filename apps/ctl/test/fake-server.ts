import { readFileSync, rmSync } from "node:fs";
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";

/** A file of the fixtures. */
export const fixture = (name: string): string => new URL(`fixtures/${name}`, import.meta.url).pathname;
export const pem = (name: string): Uint8Array => readFileSync(fixture(name));

/** One call as the server sees it. */
export type ServerCall = {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The messages of the request, once it is complete. */
  readonly messages: readonly Buffer[];
  readonly stream: ServerHttp2Stream;
  readonly session: ServerHttp2Session;
  send(message: Uint8Array): void;
  end(status?: number, message?: string): void;
};

/** A gRPC server that does what a test says. */
export class FakeServer implements AsyncDisposable {
  readonly calls: ServerCall[] = [];
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #handle: (call: ServerCall) => void;
  readonly #path: string | undefined;

  private constructor(server: Http2Server, handle: (call: ServerCall) => void, path: string | undefined) {
    this.#server = server;
    this.#handle = handle;
    this.#path = path;
    server.on("session", (session) => {
      this.#sessions.add(session);
      session.on("close", () => this.#sessions.delete(session));
      session.on("error", () => {}); // what is cut on purpose
    });
    server.on("stream", (stream, headers) => this.#onStream(stream, headers));
  }

  /** @param options.tls "server": it has a certificate; "mutual": it wants one, too. @param options.path a socket in the file system. */
  static async start(
    handle: (call: ServerCall) => void,
    options: { tls?: "server" | "mutual"; path?: string } = {},
  ): Promise<FakeServer> {
    const { tls, path } = options;
    const certificates = { key: pem("server.key"), cert: pem("server.crt"), ca: pem("ca.crt") } as const;
    const server =
      tls === undefined
        ? createServer()
        : createSecureServer({
            ...Object.fromEntries(Object.entries(certificates).map(([name, bytes]) => [name, Buffer.from(bytes)])),
            requestCert: tls === "mutual",
            rejectUnauthorized: tls === "mutual",
          });
    const fake = new FakeServer(server, handle, path);
    server.on("sessionError", () => {});
    await new Promise<void>((resolve) => {
      if (path === undefined) server.listen(0, "127.0.0.1", resolve);
      else server.listen(path, resolve);
    });
    return fake;
  }

  /** "127.0.0.1:port" */
  get address(): string {
    return this.#path === undefined
      ? `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
      : `unix://${this.#path}`;
  }

  get connections(): number {
    return this.#sessions.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    if (this.#path !== undefined) rmSync(this.#path, { force: true });
  }

  #onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const chunks: Buffer[] = [];
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const call: ServerCall = {
        path: String(headers[":path"]),
        headers,
        messages: cut(Buffer.concat(chunks)),
        stream,
        session: stream.session as ServerHttp2Session,
        send(message) {
          if (!stream.headersSent) respond(stream);
          stream.write(framed(message));
        },
        end(status = 0, text = "") {
          const trailers = { "grpc-status": `${status}`, "grpc-message": encodeURIComponent(text) };
          if (!stream.headersSent) {
            stream.respond({ ":status": 200, "content-type": "application/grpc", ...trailers }, { endStream: true });
            return;
          }
          stream.on("wantTrailers", () => stream.sendTrailers(trailers));
          stream.end();
        },
      };
      this.calls.push(call);
      this.#handle(call);
    });
  }
}

function respond(stream: ServerHttp2Stream): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
}

export function framed(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function cut(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    messages.push(bytes.subarray(at + 5, end));
    at = end;
  }
  return messages;
}
