import { describe, expect, it } from "vitest";
import { FrameType } from "../../src/http2/protocol.js";
import type { Limits } from "../../src/limits.js";
import { EchoService } from "../support/echo-services.js";
import { callHeaders, frame, RawPeer, unaryRequest } from "../support/raw-peer.js";

const { PING } = FrameType;

function begin(limits: Partial<Limits> = {}): { peer: RawPeer; service: EchoService } {
  const service = new EchoService();
  const peer = new RawPeer(service.services, limits).begin();
  peer.frames();
  return { peer, service };
}

const sizes = { keepAliveIntervalMs: 60_000, keepAliveTimeoutMs: 20_000 };

describe("the server's own keep-alive", () => {
  it("pings after a silence, once, and goes on when it is answered", () => {
    const { peer } = begin(sizes);
    peer.engine.clock.advance(59_000);
    expect(peer.lines()).toEqual([]);
    peer.engine.clock.advance(2000);
    const [ping] = peer.frames();
    expect([ping?.type, ping?.flags]).toEqual([PING, 0]);
    peer.engine.clock.advance(10_000);
    peer.send(frame(PING, 1, 0, ping?.payload));
    peer.engine.clock.advance(50_000);
    expect([peer.lines(), peer.wire.isDestroyed]).toEqual([[], false]);
    peer.engine.clock.advance(11_000);
    expect(peer.lines()).toEqual(["PING 0"]);
  });

  it("closes when nothing is answered", () => {
    const { peer } = begin(sizes);
    peer.engine.clock.advance(61_000);
    peer.engine.clock.advance(18_000);
    expect(peer.wire.isDestroyed).toBe(false);
    peer.engine.clock.advance(2000);
    expect(peer.wire.isDestroyed).toBe(true);
  });

  it("counts any bytes as a sign of life", () => {
    const { peer } = begin(sizes);
    for (let i = 0; i < 5; i++) {
      peer.engine.clock.advance(50_000);
      peer.send(unaryRequest(2 * i + 1, "/t.S/Echo", Buffer.alloc(0)));
    }
    expect(peer.lines().filter((line) => line.startsWith("PING"))).toEqual([]);
  });

  it("is off with an interval of 0, and then costs no timer", () => {
    const { peer } = begin({ keepAliveIntervalMs: 0 });
    peer.engine.clock.advance(24 * 3_600_000);
    expect(peer.lines()).toEqual([]);
    expect([peer.engine.timers.entries, peer.engine.clock.pending]).toEqual([0, 0]);
  });
});

describe("the graceful end of a connection", () => {
  it("says GOAWAY twice, takes what was on its way before the second, ignores what comes after", () => {
    const { peer, service } = begin();
    peer.send(callHeaders(1, "/t.S/Stream"));
    peer.connection.drain();
    const [first, ping] = peer.frames();
    expect([first?.payload.readUInt32BE(0), first?.payload.toString("latin1", 8)]).toEqual([
      2 ** 31 - 1,
      "graceful_stop",
    ]);
    peer.send(unaryRequest(3, "/t.S/Echo", Buffer.from("late")));
    expect(service.seen).toEqual(["echo late"]);
    peer.send(frame(PING, 1, 0, ping?.payload));
    expect(peer.lines().at(-1)).toBe("GOAWAY last=3 code=0 ");
    peer.send(unaryRequest(5, "/t.S/Echo", Buffer.from("too late")));
    expect([peer.lines(), service.seen]).toEqual([[], ["echo late"]]);
    expect(peer.wire.isEnded).toBe(false);
    service.streams[0]?.end();
    expect(peer.wire.isEnded).toBe(true);
    expect(peer.lines()).toEqual([
      "HEADERS 1 :status=200 content-type=application/grpc",
      "HEADERS 1 end grpc-status=0",
      "RST_STREAM 1 code=0",
    ]);
  });

  it("does not wait for ever for the answer to its PING", () => {
    const { peer } = begin();
    peer.connection.drain();
    peer.frames();
    peer.engine.clock.advance(4000);
    expect(peer.lines()).toEqual([]);
    peer.engine.clock.advance(2000);
    expect(peer.lines()).toEqual(["GOAWAY last=0 code=0 "]);
    expect(peer.wire.isEnded).toBe(true);
  });
});
