import { createServer, connect, type Server, type Socket } from "node:net";

type Pair = { readonly client: Socket; readonly member: Socket };

/** A TCP proxy that mistreats what goes through it. */
export class FaultyProxy implements AsyncDisposable {
  readonly port: number;
  /** Connections taken so far. */
  connections = 0;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #refuses = false;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(targetPort: number): Promise<FaultyProxy> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const proxy = new FaultyProxy(server, address.port);
    server.on("connection", (client) => proxy.#join(client, targetPort));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get open(): number {
    return this.#pairs.size;
  }

  /** Ends all connections in good order. */
  cut(): void {
    for (const { client, member } of this.#pairs) {
      client.end();
      member.end();
      setImmediate(() => client.destroy());
      setImmediate(() => member.destroy());
    }
  }

  /** Ends all connections with RST. */
  reset(): void {
    for (const { client, member } of this.#pairs) {
      client.resetAndDestroy();
      member.resetAndDestroy();
    }
  }

  /** Holds back what comes from the member; after so many bytes more of it, resets. Cuts frames and messages in the middle. */
  resetAfter(bytes: number): void {
    for (const { client, member } of this.#pairs) {
      let left = bytes;
      member.removeAllListeners("data");
      member.on("data", (chunk: Buffer) => {
        client.write(chunk.subarray(0, Math.max(0, left)));
        left -= chunk.length;
        if (left <= 0) setImmediate(() => client.resetAndDestroy());
      });
    }
  }

  /** Lets nothing from the member through for a while. */
  delay(milliseconds: number): void {
    for (const { client, member } of this.#pairs) {
      member.pause();
      client.pause();
      setTimeout(() => {
        member.resume();
        client.resume();
      }, milliseconds);
    }
  }

  /** Nothing gets through any more, in either direction, and nobody is told. */
  freeze(): void {
    for (const { client, member } of this.#pairs) {
      member.pause();
      client.pause();
    }
  }

  /** Connections are closed as soon as they come. */
  refuse(isRefusing: boolean): void {
    this.#refuses = isRefusing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.reset();
  }

  #join(client: Socket, targetPort: number): void {
    this.connections += 1;
    client.on("error", () => {});
    if (this.#refuses) {
      client.resetAndDestroy();
      return;
    }
    const member = connect({ port: targetPort, host: "127.0.0.1", noDelay: true });
    const pair = { client, member };
    this.#pairs.add(pair);
    member.on("error", () => client.destroy());
    client.on("data", (chunk: Buffer) => member.write(chunk));
    member.on("data", (chunk: Buffer) => client.write(chunk));
    const close = () => {
      this.#pairs.delete(pair);
      client.destroy();
      member.destroy();
    };
    client.on("close", close);
    member.on("close", close);
  }
}
