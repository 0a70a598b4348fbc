import { describe, expect, it } from "vitest";
import { ErrorCode, FrameType, Setting } from "../../src/http2/protocol.js";
import type { Limits } from "../../src/limits.js";
import { EchoService } from "../support/echo-services.js";
import { callHeaders, frame, grpcMessage, RawPeer, settings, uint32, unaryRequest } from "../support/raw-peer.js";

const { DATA, WINDOW_UPDATE } = FrameType;

function begin(options: { window?: number; limits?: Partial<Limits> } = {}): { peer: RawPeer; service: EchoService } {
  const service = new EchoService();
  const pairs = options.window === undefined ? [] : [[Setting.INITIAL_WINDOW_SIZE, options.window] as const];
  const peer = new RawPeer(service.services, options.limits).begin(pairs);
  peer.frames();
  return { peer, service };
}

const dataBytes = (peer: RawPeer, id?: number): number =>
  peer
    .frames()
    .filter((one) => one.type === DATA && (id === undefined || one.id === id))
    .reduce((sum, one) => sum + one.payload.length, 0);
const open = (id: number, bytes: number): Buffer => frame(WINDOW_UPDATE, 0, id, uint32(bytes));

describe("sending", () => {
  it("sends no more than the stream's window, and goes on as it opens", () => {
    const { peer, service } = begin({ window: 10 });
    peer.send(unaryRequest(1, "/t.S/Hold", Buffer.alloc(0)));
    service.held[0]?.reply(Buffer.alloc(100, "r"));
    expect(peer.lines()).toEqual(["HEADERS 1 :status=200 content-type=application/grpc", "DATA 1 10"]);
    expect(peer.engine.counts.queuedBytes).toBe(95);
    expect(peer.send(open(1, 80)).lines()).toEqual(["DATA 1 80"]);
    expect(peer.send(open(1, 80)).lines()).toEqual(["DATA 1 15", "HEADERS 1 end grpc-status=0"]);
    expect([peer.engine.counts.queuedBytes, peer.engine.counts.streams]).toEqual([0, 0]);
  });

  it("sends no more than the connection's window, each waiting stream a frame in turn", () => {
    const { peer, service } = begin({ window: 1 << 20 });
    peer.send(unaryRequest(1, "/t.S/Hold", Buffer.alloc(0)), unaryRequest(3, "/t.S/Hold", Buffer.alloc(0)));
    const { bytesOut } = peer.engine.counts;
    for (const call of service.held) call.reply(Buffer.alloc(100_000));
    expect(dataBytes(peer)).toBe(65_535);
    expect(peer.engine.counts.bytesOut - bytesOut).toBe(65_535 + 4 * 9 + 9 + 19 + 9 + 2); // four DATA frames, two heads
    peer.send(open(0, 50_000));
    const ids = peer.frames().map(({ id, payload }) => [id, payload.length]);
    expect(ids).toEqual([
      [1, 16_384],
      [3, 16_384],
      [1, 16_384],
      [3, 848],
    ]);
    expect(dataBytes(peer.send(open(0, 1 << 20)))).toBe(2 * 100_005 - 65_535 - 50_000);
    expect(peer.engine.counts.streams).toBe(0);
  });

  it("lets windows go below zero when the setting shrinks in mid-stream", () => {
    const { peer, service } = begin({ window: 100 });
    peer.send(unaryRequest(1, "/t.S/Hold", Buffer.alloc(0)));
    service.held[0]?.reply(Buffer.alloc(195));
    expect(dataBytes(peer)).toBe(100);
    peer.send(settings([[Setting.INITIAL_WINDOW_SIZE, 40]])); // -60
    expect(dataBytes(peer.send(open(1, 60)))).toBe(0);
    expect(dataBytes(peer.send(open(1, 1)))).toBe(1);
    expect(dataBytes(peer.send(settings([[Setting.INITIAL_WINDOW_SIZE, 1000]])))).toBe(99);
  });

  it("frames as large as the client allows", () => {
    const { peer } = begin({ window: 1 << 20 });
    peer.send(settings([[Setting.MAX_FRAME_SIZE, 30_000]]), unaryRequest(1, "/t.S/Echo", Buffer.alloc(16_000)));
    const echo = Buffer.concat([
      callHeaders(3, "/t.S/Echo"),
      frame(DATA, 0, 3, grpcMessage(Buffer.alloc(25_000)).subarray(0, 16_384)),
    ]);
    peer.send(echo, frame(DATA, 1, 3, grpcMessage(Buffer.alloc(25_000)).subarray(16_384)));
    expect(peer.lines().filter((line) => line.startsWith("DATA 3"))).toEqual(["DATA 3 25005"]);
  });

  it("says when a stream is full and when there is room again", () => {
    const { peer, service } = begin({ window: 1000, limits: { streamHighWaterBytes: 10_000 } });
    peer.send(callHeaders(1, "/t.S/Silent"));
    const [call] = service.streams;
    let drained = 0;
    call?.onDrain(() => drained++);
    expect(call?.send(Buffer.alloc(5000))).toBe(true);
    expect(call?.send(Buffer.alloc(5000))).toBe(true);
    expect(call?.send(Buffer.alloc(5000))).toBe(false);
    expect(call?.queuedBytes).toBe(15_015 - 1000);
    peer.send(open(1, 9000));
    expect(drained).toBe(0);
    peer.send(open(1, 2000));
    expect(drained).toBe(1);
    peer.send(open(1, 10_000));
    expect([drained, call?.queuedBytes]).toEqual([1, 0]);
  });

  it("keeps DATA back while the socket is full, and sends it when it has drained", () => {
    const { peer, service } = begin({ window: 1 << 24, limits: { socketHighWaterBytes: 50_000 } });
    peer.send(open(0, 1 << 24), unaryRequest(1, "/t.S/Hold", Buffer.alloc(0)));
    peer.wire.isStuck = true;
    service.held[0]?.reply(Buffer.alloc(1_000_000));
    expect(dataBytes(peer)).toBeLessThan(50_000 + 16_384 + 64);
    peer.wire.unstick();
    expect(dataBytes(peer)).toBeGreaterThan(900_000);
    expect(peer.engine.counts.streams).toBe(0);
  });

  it("ends a large answer of a client that has gone away", () => {
    const { peer, service } = begin({ window: 0 });
    peer.send(unaryRequest(1, "/t.S/Hold", Buffer.alloc(0)));
    service.held[0]?.reply(Buffer.alloc(1000));
    expect(peer.engine.counts.queuedBytes).toBe(1005);
    peer.connection.closed();
    expect([peer.engine.counts.queuedBytes, peer.engine.counts.streams]).toEqual([0, 0]);
  });
});

describe("receiving", () => {
  it("gives window back on the stream while a long message comes, and on the connection", () => {
    const limits = { streamWindowBytes: 40_000, connectionWindowBytes: 70_000, maxReceiveBytes: 200_000 };
    const { peer, service } = begin({ limits });
    const message = grpcMessage(Buffer.alloc(100_000, "m"));
    peer.send(callHeaders(1, "/t.S/Echo"));
    let streamWindow = 40_000;
    let connectionWindow = 70_000;
    for (let at = 0; at < message.length; ) {
      const size = Math.min(10_000, streamWindow, connectionWindow, message.length - at);
      expect(size).toBeGreaterThan(0);
      peer.send(frame(DATA, at + size === message.length ? 1 : 0, 1, message.subarray(at, at + size)));
      at += size;
      streamWindow -= size;
      connectionWindow -= size;
      for (const one of peer.frames()) {
        if (one.type !== WINDOW_UPDATE) continue;
        if (one.id === 0) connectionWindow += one.payload.readUInt32BE(0);
        else streamWindow += one.payload.readUInt32BE(0);
      }
    }
    expect(service.seen).toEqual([`echo ${"m".repeat(100_000)}`]);
  });

  it("resets a stream that sends more than its window", () => {
    const { peer } = begin({ limits: { streamWindowBytes: 20_000 } });
    peer.send(
      callHeaders(1, "/t.S/Silent"),
      frame(DATA, 0, 1, Buffer.alloc(16_000)),
      frame(DATA, 0, 1, Buffer.alloc(5000)),
    );
    expect(peer.lines()).toEqual([`RST_STREAM 1 code=${ErrorCode.FLOW_CONTROL_ERROR}`]);
  });

  it("ends a connection that sends more than its window", () => {
    const { peer } = begin({ limits: { connectionWindowBytes: 70_000, streamWindowBytes: 65_535 } });
    peer.connection.receiveWindow = 10;
    peer.send(callHeaders(1, "/t.S/Silent"), frame(DATA, 0, 1, Buffer.alloc(11)));
    expect(peer.lines()).toEqual([`GOAWAY last=1 code=${ErrorCode.FLOW_CONTROL_ERROR} connection window exceeded`]);
  });

  it("holds what a paused handler does not read, within the stream's window, and hands it over later", () => {
    const { peer, service } = begin({ limits: { streamWindowBytes: 100_000 } });
    peer.send(callHeaders(1, "/t.S/Stream"));
    const [call] = service.streams;
    call?.pauseReading();
    peer.send(frame(DATA, 0, 1, grpcMessage(Buffer.from("a"))), frame(DATA, 1, 1, grpcMessage(Buffer.from("b"))));
    expect([service.seen, peer.engine.counts.heldBytes]).toEqual([[], 12]);
    call?.resumeReading();
    expect([service.seen, peer.engine.counts.heldBytes]).toEqual([["message a", "message b", "half-closed"], 0]);
  });

  it("stops within a read when the handler pauses", () => {
    const { peer, service } = begin();
    peer.send(callHeaders(1, "/t.S/Silent"));
    const [call] = service.streams;
    const seen: string[] = [];
    call?.onMessage((message) => {
      seen.push(String(Buffer.from(message)));
      if (seen.length === 1) call.pauseReading();
    });
    peer.send(frame(DATA, 0, 1, Buffer.concat(["a", "b", "c"].map((text) => grpcMessage(Buffer.from(text))))));
    expect(seen).toEqual(["a"]);
    call?.resumeReading();
    expect(seen).toEqual(["a", "b", "c"]);
    expect(peer.engine.counts.heldBytes).toBe(0);
  });

  it("lets go of what is held when the client goes", () => {
    const { peer, service } = begin();
    peer.send(
      callHeaders(1, "/t.S/Silent"),
      frame(DATA, 0, 1, Buffer.alloc(500)),
      callHeaders(3, "/t.S/Hold"),
      frame(DATA, 0, 3, [0, 0, 1, 0, 0, 1]),
    );
    expect(peer.engine.counts.heldBytes).toBeGreaterThan(500);
    expect(service.streams.length).toBe(1);
    peer.connection.closed();
    expect(peer.engine.counts.heldBytes).toBe(0);
  });
});
