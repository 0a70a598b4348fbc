import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { encodeHeaders, encodeInteger } from "../../src/hpack/hpack-encoder.js";
import { ErrorCode, FrameType, Setting } from "../../src/http2/protocol.js";
import type { Limits } from "../../src/limits.js";
import { EchoService } from "../support/echo-services.js";
import {
  callFields,
  callHeaders,
  frame,
  grpcMessage,
  RawPeer,
  settings,
  uint32,
  unaryRequest,
} from "../support/raw-peer.js";

const { DATA, HEADERS, PRIORITY, RST_STREAM, PING, WINDOW_UPDATE, CONTINUATION } = FrameType;
const calm = ErrorCode.ENHANCE_YOUR_CALM;

function begin(
  limits: Partial<Limits> = {},
  pairs: readonly (readonly [number, number])[] = [],
): { peer: RawPeer; service: EchoService } {
  const service = new EchoService();
  const peer = new RawPeer(service.services, limits).begin(pairs);
  peer.frames();
  return { peer, service };
}

const cancel = (id: number): Buffer => frame(RST_STREAM, 0, id, uint32(ErrorCode.CANCEL));

describe("rapid reset (CVE-2023-44487): resetBurst", () => {
  it("ends the connection after the burst", () => {
    const { peer } = begin({ resetBurst: 100, resetsPerSecond: 10 });
    for (let i = 0; i < 100; i++)
      peer.send(unaryRequest(2 * i + 1, "/t.S/Careful", Buffer.alloc(0)), cancel(2 * i + 1));
    expect(peer.lines()).toEqual([]);
    expect(peer.engine.counts.streams).toBe(0);
    peer.send(unaryRequest(201, "/t.S/Careful", Buffer.alloc(0)), cancel(201));
    expect(peer.lines()).toEqual([`GOAWAY last=201 code=${calm} too many resets`]);
    expect(peer.engine.counts.goawaysForAbuse).toBe(1);
  });

  it("forgives by time, and for each call that ends well", () => {
    const { peer } = begin({ resetBurst: 100, resetsPerSecond: 10 });
    let id = 1;
    const reset = (count: number): void => {
      for (let i = 0; i < count; i++, id += 2) peer.send(unaryRequest(id, "/t.S/Careful", Buffer.alloc(0)), cancel(id));
    };
    reset(100);
    peer.engine.clock.advance(5000);
    reset(50);
    for (let i = 0; i < 40; i++, id += 2) peer.send(unaryRequest(id, "/t.S/Echo", Buffer.alloc(0)));
    reset(40);
    expect(peer.lines().filter((line) => line.startsWith("GOAWAY"))).toEqual([]);
  });

  it("counts work of cancelled calls against the stream limit until it is over", () => {
    const { peer, service } = begin({ maxConcurrentStreams: 10, cancelledWorkMs: 1000 });
    for (let i = 0; i < 10; i++) peer.send(unaryRequest(2 * i + 1, "/t.S/Hold", Buffer.alloc(0)), cancel(2 * i + 1));
    expect([peer.connection.cancelledWork, peer.engine.counts.streams]).toEqual([10, 0]);
    peer.send(unaryRequest(21, "/t.S/Hold", Buffer.alloc(0)));
    expect(peer.lines()).toEqual([`RST_STREAM 21 code=${ErrorCode.REFUSED_STREAM}`]);
    service.held[0]?.reply(Buffer.alloc(0));
    expect(peer.connection.cancelledWork).toBe(9);
    peer.send(unaryRequest(23, "/t.S/Echo", Buffer.alloc(0)));
    expect(peer.lines().length).toBe(3);
    peer.engine.clock.advance(1100); // handlers that never end do not hold their place for ever
    expect([peer.connection.cancelledWork, peer.engine.deadlines.entries]).toEqual([0, 0]);
  });
});

describe("made-you-reset (CVE-2025-8671): resetBurst", () => {
  const provocations: [string, (id: number) => Buffer[]][] = [
    ["window updates of zero", (id) => [callHeaders(id, "/t.S/Silent"), frame(WINDOW_UPDATE, 0, id, uint32(0))]],
    [
      "windows that go too far",
      (id) => [callHeaders(id, "/t.S/Silent"), frame(WINDOW_UPDATE, 0, id, uint32(2 ** 31 - 1))],
    ],
    [
      "DATA after the end",
      (id) => [callHeaders(id, "/t.S/Hold"), frame(DATA, 1, id, grpcMessage(Buffer.alloc(0))), frame(DATA, 0, id)],
    ],
    ["malformed heads", (id) => [frame(HEADERS, 5, id, encodeHeaders([[":method", "GET"]]))]],
    [
      "HEADERS in mid-stream",
      (id) => [callHeaders(id, "/t.S/Silent"), frame(HEADERS, 4, id, encodeHeaders([["a", "b"]]))],
    ],
  ];
  for (const [title, frames] of provocations) {
    it(title, () => {
      const { peer } = begin({ resetBurst: 50, resetsPerSecond: 0 });
      for (let i = 0; i <= 50; i++) peer.send(...frames(2 * i + 1));
      const lines = peer.lines();
      expect(lines.at(-1)).toBe(`GOAWAY last=101 code=${calm} too many resets`);
      expect(lines.filter((line) => line.startsWith("RST_STREAM")).length).toBe(50);
      expect(peer.engine.counts.streams).toBe(0);
    });
  }

  it("refused streams count too", () => {
    const { peer } = begin({ resetBurst: 50, resetsPerSecond: 0, maxConcurrentStreams: 1 });
    for (let i = 0; i <= 51; i++) peer.send(callHeaders(2 * i + 1, "/t.S/Silent"));
    expect(peer.lines().at(-1)).toBe(`GOAWAY last=103 code=${calm} too many resets`);
  });
});

describe("CONTINUATION flood (CVE-2024-27316): maxHeaderBlockBytes, maxContinuations", () => {
  it("bounds the bytes of a block", () => {
    const { peer } = begin({ maxHeaderBlockBytes: 50_000 });
    peer.send(frame(HEADERS, 0, 1, Buffer.alloc(16_000)));
    let held = 0;
    for (let i = 0; i < 10; i++) {
      peer.send(frame(CONTINUATION, 0, 1, Buffer.alloc(16_000)));
      held = Math.max(held, peer.reader.heldBytes);
    }
    expect(peer.lines()).toEqual([`GOAWAY last=0 code=${calm} header block too large`]);
    expect(held).toBeLessThan(2 * 50_000);
    expect(peer.connection.block).toBeUndefined();
  });

  it("bounds the frames of a block, empty ones too", () => {
    const { peer } = begin({ maxContinuations: 20 });
    peer.send(frame(HEADERS, 0, 1, [0x83]), ...Array.from({ length: 20 }, () => frame(CONTINUATION, 0, 1)));
    expect(peer.lines()).toEqual([]);
    peer.send(frame(CONTINUATION, 0, 1));
    expect(peer.lines()).toEqual([`GOAWAY last=0 code=${calm} header block too large`]);
  });

  it("bounds the time of a block", () => {
    const { peer } = begin({ headersMs: 1000 });
    peer.send(frame(HEADERS, 0, 1, [0x83]));
    peer.engine.clock.advance(1300);
    expect(peer.lines()).toEqual([`GOAWAY last=0 code=${calm} slow header block`]);
  });
});

describe("HPACK bomb: maxHeaderListBytes", () => {
  it("resets the stream, keeps nothing of the list and goes on", () => {
    const { peer } = begin({ maxHeaderListBytes: 20_000 });
    const value = Buffer.alloc(4000, "x");
    const head = Buffer.concat([Buffer.from([0x40, 1, 0x61]), encodeLength(value.length), value]);
    peer.send(frame(HEADERS, 5, 1, Buffer.concat([head, Buffer.alloc(12_000, 0xbe)]))); // 48 MB when written out
    expect(peer.lines()).toEqual([`RST_STREAM 1 code=${ErrorCode.FRAME_SIZE_ERROR}`]);
    expect(peer.reader.heldBytes).toBeLessThan(10_000);
    peer.send(unaryRequest(3, "/t.S/Echo", Buffer.alloc(0)));
    expect(peer.lines().length).toBe(3);
  });

  it("bounds the dynamic table by headerTableBytes however many fields come", () => {
    const { peer } = begin();
    for (let i = 0; i < 200; i++) {
      const fields = Buffer.concat(
        Array.from({ length: 100 }, (_, j) => Buffer.from([0x40, 2, 0x61 + (i % 26), 0x61 + (j % 26), 1, 0x61])),
      );
      peer.send(frame(HEADERS, 5, 2 * i + 1, Buffer.concat([encodeHeaders(callFields("/t.S/Echo")), fields])));
    }
    expect(peer.connection.decoder.heldBytes).toBeLessThanOrEqual(4096);
  });
});

function encodeLength(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  return bytes.subarray(0, encodeInteger(length, 0x7f, 0, bytes, 0));
}

describe("broken HPACK: COMPRESSION_ERROR", () => {
  const blocks: [string, number[]][] = [
    ["a table size above the setting", [0x3f, 0xe2, 0x1f]],
    ["a table size change after a field", [0x83, 0x20]],
    ["Huffman padding of eight bits", [0x40, 1, 0x61, 0x82, 0x1f, 0xff]],
    ["Huffman EOS", [0x40, 1, 0x61, 0x84, 0xff, 0xff, 0xff, 0xff]],
    ["an endless integer", [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]],
  ];
  for (const [title, bytes] of blocks) {
    it(title, () => {
      const { peer } = begin();
      peer.send(frame(HEADERS, 5, 1, bytes));
      expect(peer.lines()).toEqual([
        expect.stringMatching(new RegExp(`^GOAWAY last=1 code=${ErrorCode.COMPRESSION_ERROR} `)),
      ]);
    });
  }
});

describe("floods of frames that carry nothing (CVE-2019-9511 to 9518): idleFrameBurst", () => {
  const floods: [string, () => Buffer][] = [
    ["PING", () => frame(PING, 0, 0, Buffer.alloc(8))],
    ["SETTINGS", () => settings([[Setting.INITIAL_WINDOW_SIZE, 65_535]])],
    ["PRIORITY", () => frame(PRIORITY, 0, 1, [0, 0, 0, 0, 0])],
    ["empty DATA", () => frame(DATA, 0, 1)],
    ["empty DATA of a stream that was reset", () => frame(DATA, 0, 5)],
    ["acknowledgements of PINGs that were not sent", () => frame(PING, 1, 0, Buffer.alloc(8))],
    ["acknowledgements of SETTINGS that were not sent", () => frame(FrameType.SETTINGS, 1, 0)],
    ["unknown frames", () => frame(0x99, 0, 0)],
    ["window updates by the byte", () => frame(WINDOW_UPDATE, 0, 1, uint32(1))],
    ["resets of streams that have ended", () => cancel(3)],
  ];
  for (const [title, make] of floods) {
    it(`${title}: GOAWAY after the burst`, () => {
      const { peer } = begin({ idleFrameBurst: 200, idleFramesPerSecond: 0, keepAliveMinPingMs: 0 });
      peer.send(
        callHeaders(1, "/t.S/Silent"),
        unaryRequest(3, "/t.S/Echo", Buffer.alloc(0)),
        callHeaders(5, "/no.S/M"),
      );
      peer.frames();
      for (let i = 0; i < 400; i++) peer.send(make());
      const frames = peer.frames();
      expect(frames.length).toBeLessThanOrEqual(202);
      expect(frames.at(-1)?.type).toBe(FrameType.GOAWAY);
      expect(String(frames.at(-1)?.payload.subarray(8))).toBe("too many idle frames");
    });
  }

  it("one SETTINGS frame that says the window a thousand times touches the streams once, and counts them", () => {
    const { peer } = begin({ idleFrameBurst: 100, idleFramesPerSecond: 0 });
    peer.send(...Array.from({ length: 640 }, (_, i) => callHeaders(2 * i + 1, "/t.S/Silent")));
    const many = settings(Array.from({ length: 1000 }, (_, i) => [Setting.INITIAL_WINDOW_SIZE, 1000 + i]));
    peer.send(many);
    expect(peer.connection.streams.get(1)?.sendWindow).toBe(1999);
    peer.frames();
    for (let i = 0; i < 10; i++) peer.send(settings([[Setting.INITIAL_WINDOW_SIZE, i]]));
    expect(peer.lines().at(-1)).toContain("too many idle frames");
  });

  it("stops reading from a peer that does not read: socketStopReadingBytes", () => {
    const { peer } = begin({ socketStopReadingBytes: 1000, keepAliveMinPingMs: 0, idleFrameBurst: 1e9 });
    peer.send(callHeaders(1, "/t.S/Silent"));
    peer.frames();
    peer.wire.isStuck = true;
    let sent = 0;
    while (!peer.wire.isPaused && sent < 10_000) {
      peer.send(frame(PING, 0, 0, Buffer.alloc(8)));
      sent++;
    }
    expect(sent).toBe(Math.ceil(1001 / 17));
    expect(peer.wire.backlog).toBeLessThan(1000 + 17);
    peer.wire.unstick();
    expect(peer.wire.isPaused).toBe(false);
  });

  it("too many pings: GOAWAY too_many_pings", () => {
    const { peer } = begin({ keepAliveMinPingMs: 5000 });
    const ping = frame(PING, 0, 0, Buffer.alloc(8));
    peer.send(callHeaders(1, "/t.S/Silent"));
    for (let i = 0; i < 5; i++) {
      peer.engine.clock.advance(6000);
      peer.send(ping);
    }
    expect(peer.lines()).toEqual(Array(5).fill("PING 0 ack"));
    peer.send(ping, ping, ping);
    expect(peer.lines().at(-1)).toBe(`GOAWAY last=1 code=${calm} too_many_pings`);
  });

  it("pings without a stream are too many, unless keepAliveWithoutStreams", () => {
    for (const keepAliveWithoutStreams of [false, true]) {
      const { peer } = begin({ keepAliveMinPingMs: 5000, keepAliveWithoutStreams });
      for (let i = 0; i < 5; i++) {
        peer.engine.clock.advance(6000);
        peer.send(frame(PING, 0, 0, Buffer.alloc(8)));
      }
      expect(peer.lines().some((line) => line.includes("too_many_pings"))).toBe(!keepAliveWithoutStreams);
    }
  });

  it("sending headers or data takes strikes back", () => {
    const { peer } = begin();
    for (let i = 0; i < 10; i++) {
      peer.send(
        frame(PING, 0, 0, Buffer.alloc(8)),
        frame(PING, 0, 0, Buffer.alloc(8)),
        unaryRequest(2 * i + 1, "/t.S/Echo", Buffer.alloc(0)),
      );
    }
    expect(peer.lines().filter((line) => line.startsWith("GOAWAY"))).toEqual([]);
  });
});

describe("a peer that keeps its window shut: queuedBytesPerConnection, queuedBytesTotal", () => {
  it("resets the stream that goes over the connection's bound", () => {
    const { peer, service } = begin({ queuedBytesPerConnection: 100_000 }, [[Setting.INITIAL_WINDOW_SIZE, 0]]);
    peer.send(...Array.from({ length: 5 }, (_, i) => unaryRequest(2 * i + 1, "/t.S/Hold", Buffer.alloc(0))));
    for (const call of service.held) call.reply(Buffer.alloc(30_000));
    expect(peer.lines().filter((line) => line.startsWith("RST"))).toEqual(
      [7, 9].map((id) => `RST_STREAM ${id} code=${calm}`),
    );
    expect(peer.connection.queuedBytes).toBeLessThanOrEqual(100_000);
  });

  it("asks for relief when all connections together are over", () => {
    const { peer, service } = begin({ queuedBytesTotal: 50_000 }, [[Setting.INITIAL_WINDOW_SIZE, 0]]);
    peer.send(unaryRequest(1, "/t.S/Hold", Buffer.alloc(0)), unaryRequest(3, "/t.S/Hold", Buffer.alloc(0)));
    service.held[0]?.reply(Buffer.alloc(30_000));
    expect(peer.engine.relieved).toBe(0);
    service.held[1]?.reply(Buffer.alloc(30_000));
    expect(peer.engine.relieved).toBe(1);
  });

  it("one-byte windows end in GOAWAY and not in a frame per byte for ever: idleFrameBurst", () => {
    const { peer, service } = begin({ idleFrameBurst: 100, idleFramesPerSecond: 0 }, [
      [Setting.INITIAL_WINDOW_SIZE, 0],
    ]);
    peer.send(unaryRequest(1, "/t.S/Hold", Buffer.alloc(0)));
    service.held[0]?.reply(Buffer.alloc(10_000));
    for (let i = 0; i < 1000; i++) peer.send(frame(WINDOW_UPDATE, 0, 1, uint32(1)));
    const frames = peer.frames();
    expect(frames.filter(({ type }) => type === DATA).length).toBeLessThanOrEqual(100);
    expect(frames.at(-1)?.type).toBe(FrameType.GOAWAY);
    expect(peer.engine.counts.queuedBytes).toBe(0);
  });
});

describe("requests that never end: heldBytesPerConnection, heldBytesTotal, maxReceiveBytes", () => {
  const half = (id: number, length: number, sent: number): Buffer[] => {
    const body = grpcMessage(Buffer.alloc(length)).subarray(0, 5 + sent);
    const frames = [callHeaders(id, "/t.S/Echo")];
    for (let at = 0; at < body.length; at += 16_000) frames.push(frame(DATA, 0, id, body.subarray(at, at + 16_000)));
    return frames;
  };

  it("believes what has come, not what a prefix promises", () => {
    const { peer } = begin();
    for (let i = 0; i < 50; i++) peer.send(...half(2 * i + 1, 4_000_000, 1));
    expect(peer.engine.counts.heldBytes).toBeLessThanOrEqual(50 * 65_536);
  });

  it("refuses the stream that goes over the bound", () => {
    const { peer } = begin({ heldBytesPerConnection: 500_000 });
    for (let i = 0; i < 10; i++) peer.send(...half(2 * i + 1, 1_000_000, 100_000));
    expect(peer.lines().filter((line) => line.includes("grpc-status=8")).length).toBeGreaterThan(5);
    expect(peer.engine.counts.heldBytes).toBeLessThanOrEqual(500_000);
  });

  it("refuses a message over the limit before it has come", () => {
    const { peer } = begin({ maxReceiveBytes: 1000 });
    peer.send(callHeaders(1, "/t.S/Echo"), frame(DATA, 0, 1, grpcMessage(Buffer.alloc(1001)).subarray(0, 6)));
    expect(peer.lines()[0]).toContain(
      "grpc-status=8 grpc-message=grpc: received message larger than max (1001 vs. 1000)",
    );
  });

  it("applies the limit to the inflated size, while inflating", () => {
    const { peer, service } = begin({ maxReceiveBytes: 100_000 });
    const extra = [["grpc-encoding", "gzip"]] as const;
    const bomb = gzipSync(Buffer.alloc(10_000_000));
    expect(bomb.length).toBeLessThan(16_000);
    peer.send(callHeaders(1, "/t.S/Echo", { extra }), frame(DATA, 1, 1, grpcMessage(bomb, 1)));
    expect(peer.lines()[0]).toContain("grpc-status=8");
    peer.send(callHeaders(3, "/t.S/Echo", { extra }), frame(DATA, 1, 3, grpcMessage(gzipSync(Buffer.from("fine")), 1)));
    expect(service.seen).toEqual(["echo fine"]);
    peer.send(callHeaders(5, "/t.S/Echo", { extra }), frame(DATA, 1, 5, grpcMessage(Buffer.from("not gzip"), 1)));
    expect(peer.lines().find((line) => line.startsWith("HEADERS 5"))).toContain("grpc-status=13");
  });
});
