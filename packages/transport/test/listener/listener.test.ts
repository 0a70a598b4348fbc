import { once } from "node:events";
import { connect as connectHttp2, constants } from "node:http2";
import { connect, type Socket } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { clientPreface, FrameType, Setting } from "../../src/http2/protocol.js";
import { createListener, type Limits, type Listener, type ListenerOptions } from "../../src/index.js";
import { EchoService } from "../support/echo-services.js";
import { realPorts } from "../support/ports.js";
import { frame, grpcMessage, settings, unaryRequest } from "../support/raw-peer.js";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const run of cleanups.splice(0).reverse()) await run();
});

async function start(
  options: Omit<ListenerOptions, "services"> & { limits?: Partial<Limits> } = {},
): Promise<{ listener: Listener; port: number; service: EchoService }> {
  const service = new EchoService();
  const listener = createListener({ services: service.services, ...options }, realPorts());
  cleanups.push(() => listener.stop({ graceMs: 0 }));
  const { port } = await listener.listen({ host: "127.0.0.1", port: 0 });
  return { listener, port, service };
}

function open(port: number, bytes: Buffer = Buffer.alloc(0)): { socket: Socket; seen: () => Buffer } {
  const chunks: Buffer[] = [];
  const socket = connect(port, "127.0.0.1");
  cleanups.push(() => socket.destroy());
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.write(bytes);
  return { socket, seen: () => Buffer.concat(chunks) };
}

/** A unary call by node:http2. */
async function call(
  url: string,
  options: Parameters<typeof connectHttp2>[1] = {},
): Promise<{ body: string; status: unknown }> {
  const session = connectHttp2(url, options ?? {});
  session.on("error", () => {}); // its streams say so too
  try {
    const stream = session.request({
      ":method": "POST",
      ":path": "/t.S/Echo",
      "content-type": "application/grpc",
      te: "trailers",
    });
    let body = "";
    let status: unknown;
    stream.on("data", (chunk) => {
      body += chunk.toString("latin1", 5);
    });
    stream.on("trailers", (trailers) => {
      status = trailers["grpc-status"];
    });
    stream.end(grpcMessage(Buffer.from("by node:http2")));
    await once(stream, "close");
    return { body, status };
  } finally {
    session.close();
  }
}

const hello = Buffer.concat([clientPreface, settings()]);

describe("a listener", () => {
  it("answers node:http2", async () => {
    const { port } = await start();
    expect(await call(`http://127.0.0.1:${port}`)).toEqual({ body: "by node:http2", status: "0" });
  });

  it("listens on several addresses, on a path too", async () => {
    const { listener } = await start();
    const second = await listener.listen({ host: "127.0.0.1", port: 0 });
    const directory = mkdtempSync(join(tmpdir(), "transport-"));
    cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
    const path = join(directory, "socket");
    expect(await listener.listen({ path })).toEqual({ port: 0 });
    expect((await call(`http://127.0.0.1:${second.port}`)).status).toBe("0");
    expect((await call("http://localhost", { createConnection: () => connect(path) })).status).toBe("0");
  });

  it("says when a port is taken", async () => {
    const { port } = await start();
    const other = createListener({}, realPorts());
    await expect(other.listen({ host: "127.0.0.1", port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    await other.stop({ graceMs: 0 });
  });

  it("lets connections wait until it is opened", async () => {
    const { listener, port, service } = await start({ startsPaused: true });
    const { socket, seen } = open(port, Buffer.concat([hello, unaryRequest(1, "/t.S/Echo", Buffer.from("early"))]));
    await once(socket, "connect");
    await expect.poll(() => listener.stats().connections).toBe(1);
    expect([seen().length, listener.stats().bytesIn]).toEqual([0, 0]);
    listener.open();
    await expect.poll(() => service.seen).toEqual(["echo early"]);
  });

  it("closes what it does not speak, and what says nothing in time", async () => {
    const { port } = await start({ limits: { handshakeMs: 60 } });
    for (const bytes of ["\x16\x03\x01", "\0\0\0", "PRI * HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "", "PRI *"]) {
      const { socket, seen } = open(port, Buffer.from(bytes, "latin1"));
      await once(socket, "close");
      expect([bytes, seen().length]).toEqual([bytes, 0]);
    }
  });

  it("takes both protocols byte by byte from a socket", async () => {
    const { port, service } = await start({ http: (_, { target }) => new Response(`seen ${target}`) });
    const trickle = async (bytes: Buffer): Promise<{ socket: Socket; seen: () => Buffer }> => {
      const peer = open(port);
      peer.socket.setNoDelay(true);
      for (const byte of bytes) {
        peer.socket.write(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
      return peer;
    };
    const text = await trickle(Buffer.from("GET /slowly HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    await once(text.socket, "close");
    expect(text.seen().toString()).toMatch(/seen \/slowly$/);
    await trickle(Buffer.concat([hello, unaryRequest(1, "/t.S/Echo", Buffer.from("slowly"))]));
    await expect.poll(() => service.seen).toEqual(["echo slowly"]);
  });

  it("with grpcOnly closes HTTP/1.1, with httpOnly HTTP/2 in clear", async () => {
    const http = (): Response => new Response("site");
    const grpc = await start({ http, accepts: "grpcOnly" });
    const get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    const first = open(grpc.port, Buffer.from(get));
    await once(first.socket, "close");
    expect(first.seen().length).toBe(0);
    expect((await call(`http://127.0.0.1:${grpc.port}`)).status).toBe("0");
    const site = await start({ http, accepts: "httpOnly" });
    const second = open(site.port, hello);
    await once(second.socket, "close");
    expect(second.seen().length).toBe(0);
    const third = open(site.port, Buffer.from(get));
    await once(third.socket, "close");
    expect(third.seen().toString()).toMatch(/site$/);
  });

  it("closes connections above the limit", async () => {
    const { port, listener } = await start({ limits: { maxConnections: 1 } });
    open(port, hello);
    await expect.poll(() => listener.stats().connections).toBe(1);
    const { socket } = open(port, hello);
    await once(socket, "close");
    expect(listener.stats().connections).toBe(1);
  });

  it("drops the connection that has stalled longest when too much waits to be sent", async () => {
    const { port, listener, service } = await start({ limits: { queuedBytesTotal: 500_000 } });
    const shut = Buffer.concat([clientPreface, settings([[Setting.INITIAL_WINDOW_SIZE, 0]])]);
    const first = open(port, Buffer.concat([shut, unaryRequest(1, "/t.S/Hold", Buffer.alloc(0))]));
    await expect.poll(() => service.held.length).toBe(1);
    service.held[0]?.reply(Buffer.alloc(300_000));
    open(port, Buffer.concat([shut, unaryRequest(1, "/t.S/Hold", Buffer.alloc(0))]));
    await expect.poll(() => service.held.length).toBe(2);
    const closed = once(first.socket, "close");
    service.held[1]?.reply(Buffer.alloc(300_000));
    await closed;
    expect(listener.stats()).toMatchObject({ droppedForMemory: 1, queuedBytes: 300_005 });
  });

  it("writes at once when told to flush", async () => {
    const { port, listener, service } = await start();
    const { seen } = open(port, Buffer.concat([hello, unaryRequest(1, "/t.S/Hold", Buffer.alloc(0))]));
    await expect.poll(() => service.held.length).toBe(1);
    const { bytesOut } = listener.stats();
    service.held[0]?.reply(Buffer.from("now"));
    expect(listener.stats().bytesOut).toBe(bytesOut);
    listener.flush();
    expect(listener.stats().bytesOut).toBeGreaterThan(bytesOut);
    await expect.poll(() => seen().includes("now")).toBe(true);
  });
});

describe("stopping", () => {
  it("says GOAWAY twice, lets running calls end, refuses connections", async () => {
    const { port, listener, service } = await start();
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    cleanups.push(() => session.destroy());
    const goaways: number[][] = [];
    session.on("goaway", (code, lastId) => goaways.push([code, lastId]));
    const stream = session.request({ ":method": "POST", ":path": "/t.S/Hold", "content-type": "application/grpc" });
    stream.end(grpcMessage(Buffer.from("x")));
    let trailers: unknown;
    stream.on("trailers", (seen) => {
      trailers = seen["grpc-status"];
    });
    stream.resume();
    await expect.poll(() => service.held.length).toBe(1);
    const stopped = listener.stop({ graceMs: 60_000 });
    await expect
      .poll(() => goaways)
      .toEqual([
        [constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1],
        [constants.NGHTTP2_NO_ERROR, 1],
      ]);
    service.held[0]?.reply(Buffer.from("done"));
    await once(stream, "close");
    await stopped;
    expect(trailers).toBe("0");
    await expect(call(`http://127.0.0.1:${port}`)).rejects.toThrow();
  });

  it("cuts what still runs after the grace, idle connections and silent ones at once", async () => {
    const { port, listener, service } = await start({ http: () => new Response("x") });
    const held = open(port, Buffer.concat([hello, unaryRequest(1, "/t.S/Careful", Buffer.alloc(0))]));
    await expect.poll(() => service.held.length).toBe(1);
    const silent = open(port);
    const idle = open(port, Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    await expect.poll(() => idle.seen().length).toBeGreaterThan(0);
    await expect.poll(() => listener.stats().connections).toBe(3);
    const gone = [held, silent, idle].map(({ socket }) => once(socket, "close"));
    await listener.stop({ graceMs: 50 });
    await Promise.all(gone);
    expect(service.seen).toEqual(["cancelled"]);
    expect(listener.stats()).toMatchObject({ connections: 0, streams: 0 });
  });

  it("sends the second GOAWAY although the client never answers the PING", async () => {
    const { port, listener } = await start();
    const { socket, seen } = open(port, hello);
    await expect.poll(() => seen().length).toBeGreaterThan(0);
    const stopped = listener.stop({ graceMs: 100 });
    await once(socket, "close");
    await stopped;
    expect(seen().includes("graceful_stop")).toBe(true);
    expect(seen().includes(frame(FrameType.GOAWAY, 0, 0).subarray(3, 4))).toBe(true);
  });
});
