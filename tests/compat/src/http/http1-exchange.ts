import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { AnswerReader } from "./answer-reader.js";

/** How to use TLS: nothing is verified; with `certificate` and `key` (PEM) the client shows who it is. */
export type TlsOptions = { readonly certificate?: Buffer; readonly key?: Buffer };

/** One request and its answer on a connection of its own, over a raw socket: what is sent is exactly what the case says. */
export class Http1Exchange {
  readonly answer: AnswerReader;
  readonly #socket: Socket;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket, isHead: boolean) {
    this.answer = new AnswerReader({ isHead });
    this.#socket = socket;
    socket.on("data", (bytes) => {
      try {
        this.answer.push(bytes);
      } catch (error) {
        socket.destroy(error instanceof Error ? error : undefined);
      }
      this.#wake?.();
    });
    const end = () => {
      this.answer.end();
      this.#wake?.();
    };
    socket.on("error", end); // a reset is an end without an answer
    socket.on("close", end);
    socket.on("end", end);
  }

  static async open(port: number, options: { tls?: TlsOptions | undefined; isHead?: boolean }): Promise<Http1Exchange> {
    const { tls } = options;
    const socket =
      tls === undefined
        ? connect(port, "127.0.0.1")
        : connectTls({
            host: "127.0.0.1",
            port,
            rejectUnauthorized: false,
            ALPNProtocols: ["http/1.1"],
            ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
            ...(tls.key === undefined ? {} : { key: tls.key }),
          });
    const exchange = new Http1Exchange(socket, options.isHead ?? false);
    await new Promise<void>((resolve) => {
      socket.once(tls === undefined ? "connect" : "secureConnect", resolve);
      socket.once("close", () => resolve()); // told by the answer: it is complete and has no head
    });
    socket.setNoDelay(true);
    return exchange;
  }

  send(bytes: string | Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Waits until `isDone` says so or the connection has ended. @returns whether it is so now */
  async until(isDone: () => boolean, withinMs: number): Promise<boolean> {
    const end = performance.now() + withinMs;
    while (!isDone() && !this.answer.isComplete) {
      const left = end - performance.now();
      if (left <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    return isDone();
  }
}
