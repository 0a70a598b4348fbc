import { silentLogger } from "@quorate/common";
import { describe, expect, it } from "vitest";
import { GrpcApplication } from "../../src/grpc/grpc-application.js";
import { encodeHeaders } from "../../src/hpack/hpack-encoder.js";
import { HttpApplication } from "../../src/http/http2-exchange.js";
import { FrameType, Setting } from "../../src/http2/protocol.js";
import type { HttpHandler, Limits } from "../../src/index.js";
import { EchoService } from "../support/echo-services.js";
import { frame, RawPeer, uint32, unaryRequest } from "../support/raw-peer.js";

const { DATA, HEADERS, RST_STREAM, WINDOW_UPDATE } = FrameType;

function begin(
  handler: HttpHandler,
  options: { window?: number; limits?: Partial<Limits>; isHttpOnly?: boolean } = {},
): { peer: RawPeer; service: EchoService } {
  const service = new EchoService();
  const application = new GrpcApplication({
    services: service.services,
    http: new HttpApplication(handler, { logger: silentLogger }),
    isHttpOnly: options.isHttpOnly ?? false,
    tracing: undefined,
    onHandled: undefined,
    logger: silentLogger,
  });
  const peer = new RawPeer(service.services, options.limits, { application, isTls: true });
  peer.begin(options.window === undefined ? [] : [[Setting.INITIAL_WINDOW_SIZE, options.window]]);
  peer.frames();
  return { peer, service };
}

function request(
  id: number,
  method: string,
  path: string,
  options: { end?: boolean; extra?: [string, string][] } = {},
): Buffer {
  const fields: [string, string][] = [
    [":method", method],
    [":scheme", "https"],
    [":path", path],
    [":authority", "h:1"],
    ...(options.extra ?? []),
  ];
  return frame(HEADERS, options.end === false ? 4 : 5, id, encodeHeaders(fields));
}

/** Lets promises and `setImmediate` run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

async function linesOf(peer: RawPeer): Promise<string[]> {
  await settle();
  return peer.lines();
}

describe("HTTP/2 requests through a fetch-style handler", () => {
  it("answers with status, headers, length and body", async () => {
    const { peer } = begin(
      (_, info) => new Response(`${info.method} ${info.target} ${info.host}`, { status: 201, headers: { "x-y": "z" } }),
    );
    peer.send(request(1, "GET", "/a/../b?c"));
    expect(await linesOf(peer)).toEqual([
      "HEADERS 1 :status=201 content-type=text/plain;charset=UTF-8 x-y=z content-length=17",
      "DATA 1 end 17",
    ]);
  });

  it("answers bodyless statuses, empty bodies and HEAD", async () => {
    const { peer } = begin((_, { target }) =>
      target === "/204"
        ? new Response(null, { status: 204 })
        : target === "/none"
          ? new Response()
          : new Response("body"),
    );
    peer.send(request(1, "GET", "/204"), request(3, "GET", "/none"), request(5, "HEAD", "/"));
    expect((await linesOf(peer)).sort()).toEqual([
      "DATA 1 end 0",
      "DATA 3 end 0",
      "DATA 5 end 0",
      "HEADERS 1 :status=204",
      "HEADERS 3 :status=200 content-length=0",
      "HEADERS 5 :status=200 content-type=text/plain;charset=UTF-8 content-length=4",
    ]);
  });

  it("sends 100 only when the handler reads the body", async () => {
    const { peer } = begin(async (got, { target }) => new Response(target === "/read" ? await got.text() : "unread"));
    const extra: [string, string][] = [["expect", "100-continue"]];
    peer.send(request(1, "POST", "/read", { end: false, extra }), request(3, "POST", "/other", { end: false, extra }));
    const lines = await linesOf(peer);
    expect(lines.filter((line) => line.startsWith("HEADERS 1"))).toEqual(["HEADERS 1 :status=100"]);
    expect(lines.filter((line) => line.startsWith("HEADERS 3")).length).toBe(1);
    peer.send(frame(DATA, 1, 1, Buffer.from("b")));
    expect((await linesOf(peer))[0]).toMatch(/^HEADERS 1 :status=200/);
  });

  it("joins cookie crumbs", async () => {
    const { peer } = begin((got) => new Response(got.headers.get("cookie")));
    peer.send(
      request(1, "GET", "/", {
        extra: [
          ["cookie", "a=1"],
          ["cookie", "b=2"],
        ],
      }),
    );
    await settle();
    expect(peer.frames().at(-1)?.payload.toString()).toBe("a=1; b=2");
  });

  it("answers before the body has come, and streams both ways", async () => {
    const { peer } = begin((got) => new Response(got.body));
    peer.send(request(1, "POST", "/", { end: false }));
    await settle();
    peer.send(frame(DATA, 0, 1, Buffer.from("one")));
    await settle();
    peer.send(frame(DATA, 0, 1, Buffer.from("two")));
    expect(await linesOf(peer)).toEqual(["HEADERS 1 :status=200", "DATA 1 3", "DATA 1 3"]);
    peer.send(frame(DATA, 1, 1));
    expect(await linesOf(peer)).toEqual(["DATA 1 end 0"]);
    expect([peer.engine.counts.heldBytes, peer.engine.counts.streams]).toEqual([0, 0]);
  });

  it("waits for the client's window before it asks the body for more", async () => {
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled++;
        controller.enqueue(new Uint8Array(10_000));
      },
    });
    const { peer } = begin(() => new Response(body), { window: 5000, limits: { streamHighWaterBytes: 20_000 } });
    peer.send(request(1, "GET", "/endless"));
    await settle();
    await settle();
    expect(pulled).toBeLessThan(7);
    expect(peer.engine.counts.queuedBytes).toBeLessThanOrEqual(40_000);
    const before = pulled;
    peer.send(frame(WINDOW_UPDATE, 0, 1, uint32(30_000)));
    await settle();
    expect(pulled).toBeGreaterThan(before);
    peer.send(frame(RST_STREAM, 0, 1, uint32(8)));
    await settle();
    const after = pulled;
    await settle();
    expect([pulled, peer.engine.counts.queuedBytes]).toEqual([after, 0]);
  });

  it("holds what the handler does not read, within the window, and lets go at the end", async () => {
    const { peer } = begin(() => new Promise(() => {}), { limits: { streamWindowBytes: 20_000 } });
    peer.send(request(1, "POST", "/", { end: false }), frame(DATA, 0, 1, Buffer.alloc(15_000)));
    expect(peer.engine.counts.heldBytes).toBeGreaterThanOrEqual(15_000);
    peer.send(frame(DATA, 0, 1, Buffer.alloc(6000)));
    expect(await linesOf(peer)).toEqual(["RST_STREAM 1 code=3"]);
    expect(peer.engine.counts.heldBytes).toBe(0);
  });

  it("aborts the request's signal on reset, fails its body, and does not answer", async () => {
    const seen: string[] = [];
    const { peer } = begin(async (got) => {
      got.signal.addEventListener("abort", () => seen.push("aborted"));
      await got.text().catch((error: Error) => seen.push(error.name));
      return new Response("late");
    });
    peer.send(request(1, "POST", "/", { end: false }));
    await settle();
    peer.send(frame(RST_STREAM, 0, 1, uint32(8)));
    expect(await linesOf(peer)).toEqual([]);
    expect(seen.sort()).toEqual(["AbortError", "aborted"]);
  });

  it("resets the stream when the response's body fails", async () => {
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        controller.enqueue(Buffer.from("begun"));
        await settle();
        controller.error(new Error("disk"));
      },
    });
    const { peer } = begin(() => new Response(body));
    peer.send(request(1, "GET", "/"));
    await settle();
    await settle();
    expect((await linesOf(peer)).at(-1)).toBe("RST_STREAM 1 code=2");
  });

  it("answers 500 when the handler throws", async () => {
    const { peer } = begin(() => {
      throw new Error("secret");
    });
    peer.send(request(1, "GET", "/"));
    expect((await linesOf(peer))[0]).toMatch(/^HEADERS 1 :status=500 /);
  });

  it("leaves gRPC to the services, unless there is to be none", async () => {
    const { peer, service } = begin(() => new Response("site"));
    peer.send(unaryRequest(1, "/t.S/Echo", Buffer.from("g")));
    expect(service.seen).toEqual(["echo g"]);
    const site = begin(() => new Response("site"), { isHttpOnly: true });
    site.peer.send(unaryRequest(1, "/t.S/Echo", Buffer.from("g")));
    await settle();
    expect(site.peer.frames().at(-1)?.payload.toString()).toBe("site");
    expect(site.service.seen).toEqual([]);
  });
});
