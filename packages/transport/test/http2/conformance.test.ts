import { describe, expect, it } from "vitest";
import { encodeHeaders } from "../../src/hpack/hpack-encoder.js";
import { clientPreface, ErrorCode, Flag, FrameType, Setting } from "../../src/http2/protocol.js";
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

const { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION } =
  FrameType;

function begin(): { peer: RawPeer; service: EchoService } {
  const service = new EchoService();
  const peer = new RawPeer(service.services).begin();
  peer.frames();
  return { peer, service };
}

const block = encodeHeaders(callFields("/t.S/Echo"));
const okHead = ":status=200 content-type=application/grpc";

describe("the beginning of a connection", () => {
  it("sends SETTINGS first, opens the window, acknowledges the client's settings", () => {
    const peer = new RawPeer(new EchoService().services).begin();
    const frames = peer.frames();
    expect(frames.map(({ type, flags }) => [type, flags])).toEqual([
      [SETTINGS, 0],
      [WINDOW_UPDATE, 0],
      [SETTINGS, Flag.ACK],
    ]);
    const pairs = new Map<number, number>();
    const { payload } = frames[0]!;
    for (let at = 0; at < payload.length; at += 6) pairs.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    expect([...pairs.keys()].sort()).toEqual([
      Setting.MAX_CONCURRENT_STREAMS,
      Setting.INITIAL_WINDOW_SIZE,
      Setting.MAX_HEADER_LIST_SIZE,
    ]);
  });

  it("ends when the preface is another", () => {
    const peer = new RawPeer(new EchoService().services).send(Buffer.from("GET / HTTP/1.1\r\n\r\n......"));
    expect(peer.lines().at(-1)).toBe(`GOAWAY last=0 code=${ErrorCode.PROTOCOL_ERROR} bad preface`);
    expect(peer.wire.isEnded).toBe(true);
  });

  it("ends when another frame comes before SETTINGS", () => {
    const peer = new RawPeer(new EchoService().services).send(clientPreface, frame(PING, 0, 0, Buffer.alloc(8)));
    expect(peer.lines().at(-1)).toBe(`GOAWAY last=0 code=${ErrorCode.PROTOCOL_ERROR} settings must come first`);
  });

  it("is over after the time for the handshake", () => {
    const service = new EchoService();
    const peer = new RawPeer(service.services, { handshakeMs: 1000 });
    peer.frames();
    peer.engine.clock.advance(900);
    expect(peer.lines()).toEqual([]);
    peer.engine.clock.advance(400);
    expect(peer.lines()).toEqual([`GOAWAY last=0 code=${ErrorCode.SETTINGS_TIMEOUT} no settings`]);
    peer.engine.clock.advance(6000);
    expect(peer.wire.isDestroyed).toBe(true);
  });
});

describe("what is legal and odd", () => {
  it("ignores unknown frames, flags and settings", () => {
    const { peer } = begin();
    peer.send(
      frame(0x77, 0xff, 3, [1, 2, 3]),
      settings([[0x7777, 9]]),
      frame(HEADERS, 0x84, 1, block),
      frame(DATA, 0xc1, 1, grpcMessage(Buffer.from("a"))),
    );
    expect(peer.lines()).toEqual(["SETTINGS 0 ack", `HEADERS 1 ${okHead}`, "DATA 1 6", "HEADERS 1 end grpc-status=0"]);
  });

  it("drops padding and priority", () => {
    const { peer } = begin();
    const message = grpcMessage(Buffer.from("pad"));
    peer.send(
      frame(PRIORITY, 0, 5, [0, 0, 0, 0, 1]),
      frame(
        HEADERS,
        Flag.END_HEADERS | Flag.PADDED | Flag.PRIORITY,
        1,
        Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 9]), block, Buffer.alloc(3)]),
      ),
      frame(DATA, Flag.END_STREAM | Flag.PADDED, 1, Buffer.concat([Buffer.from([200]), message, Buffer.alloc(200)])),
    );
    expect(peer.lines()).toEqual([`HEADERS 1 ${okHead}`, "DATA 1 8", "HEADERS 1 end grpc-status=0"]);
  });

  it("answers PING", () => {
    const { peer } = begin();
    peer.send(frame(PING, 0, 0, Buffer.from("12345678")));
    const [pong] = peer.frames();
    expect([pong?.type, pong?.flags, String(pong?.payload)]).toEqual([PING, Flag.ACK, "12345678"]);
  });

  it("puts a block together from CONTINUATION frames", () => {
    const { peer } = begin();
    peer.send(
      frame(HEADERS, 0, 1, block.subarray(0, 3)),
      frame(CONTINUATION, 0, 1, block.subarray(3, 4)),
      frame(CONTINUATION, 0, 1),
    );
    peer.send(
      frame(CONTINUATION, Flag.END_HEADERS, 1, block.subarray(4)),
      frame(DATA, 1, 1, grpcMessage(Buffer.alloc(0))),
    );
    expect(peer.lines()).toEqual([`HEADERS 1 ${okHead}`, "DATA 1 5", "HEADERS 1 end grpc-status=0"]);
  });

  it("takes trailers that end a request", () => {
    const { peer } = begin();
    const trailers = encodeHeaders([["checksum", "1"]]);
    peer.send(
      callHeaders(1, "/t.S/Echo"),
      frame(DATA, 0, 1, grpcMessage(Buffer.from("t"))),
      frame(HEADERS, 5, 1, trailers),
    );
    expect(peer.lines()).toEqual([`HEADERS 1 ${okHead}`, "DATA 1 6", "HEADERS 1 end grpc-status=0"]);
  });

  it("answers the second time with one byte a block", () => {
    const { peer } = begin();
    peer.send(
      unaryRequest(1, "/t.S/Echo", Buffer.from("a")),
      unaryRequest(3, "/t.S/Echo", Buffer.from("b")),
      unaryRequest(5, "/t.S/Echo", Buffer.from("c")),
    );
    const frames = peer.frames();
    expect(frames.filter(({ type }) => type === HEADERS).map(({ payload }) => payload.length)).toEqual([
      19, 15, 2, 1, 2, 1,
    ]);
    expect(
      frames.filter(({ id }) => id === 5).map(({ fields, payload }) => fields ?? payload.toString("latin1", 5)),
    ).toEqual([
      [
        [":status", "200"],
        ["content-type", "application/grpc"],
      ],
      "c",
      [["grpc-status", "0"]],
    ]);
  });

  it("heeds a smaller header table of the client, and names the smallest it was", () => {
    const { peer } = begin();
    peer.send(unaryRequest(1, "/t.S/Echo", Buffer.alloc(0)));
    peer.frames();
    peer.send(
      settings([
        [Setting.HEADER_TABLE_SIZE, 0],
        [Setting.HEADER_TABLE_SIZE, 300],
      ]),
      unaryRequest(3, "/t.S/Echo", Buffer.alloc(0)),
    );
    const [, head, , tail] = peer.frames();
    expect([...(head?.payload.subarray(0, 4) ?? [])]).toEqual([0x20, 0x3f, 0x80 | ((300 - 31) % 128), 2]);
    expect(head?.fields).toEqual([
      [":status", "200"],
      ["content-type", "application/grpc"],
    ]);
    expect(tail?.fields).toEqual([["grpc-status", "0"]]);
  });

  it("gathers the answers of one read into one write", () => {
    const { peer } = begin();
    const { writes } = peer.wire;
    peer.send(...Array.from({ length: 50 }, (_, i) => unaryRequest(2 * i + 1, "/t.S/Echo", Buffer.from("x"))));
    expect(peer.wire.writes).toBe(writes + 1);
    expect(peer.frames().length).toBe(150);
  });

  it("gathers answers given later into one write at the end of the turn", () => {
    const { peer, service } = begin();
    peer.send(...Array.from({ length: 20 }, (_, i) => unaryRequest(2 * i + 1, "/t.S/Hold", Buffer.from("x"))));
    const { writes } = peer.wire;
    for (const call of service.held) call.reply(Buffer.from("y"));
    expect(peer.wire.writes).toBe(writes);
    peer.turn();
    expect(peer.wire.writes).toBe(writes + 1);
  });
});

describe("connection errors", () => {
  const half = frame(HEADERS, 0, 1, block);
  const done = unaryRequest(1, "/t.S/Echo", Buffer.alloc(0));
  const cases: [string, Buffer[], number, string][] = [
    [
      "a frame larger than allowed",
      [frame(DATA, 0, 1, Buffer.alloc(16_385))],
      ErrorCode.FRAME_SIZE_ERROR,
      "frame too large",
    ],
    [
      "HEADERS of stream 0",
      [frame(HEADERS, 4, 0, block)],
      ErrorCode.PROTOCOL_ERROR,
      "headers of a stream that no client opens",
    ],
    [
      "HEADERS of an even stream",
      [frame(HEADERS, 4, 2, block)],
      ErrorCode.PROTOCOL_ERROR,
      "headers of a stream that no client opens",
    ],
    ["DATA of stream 0", [frame(DATA, 0, 0)], ErrorCode.PROTOCOL_ERROR, "data of stream 0"],
    ["DATA of an idle stream", [frame(DATA, 0, 5)], ErrorCode.PROTOCOL_ERROR, "data of an idle stream"],
    [
      "RST_STREAM of an idle stream",
      [frame(RST_STREAM, 0, 5, uint32(8))],
      ErrorCode.PROTOCOL_ERROR,
      "reset of an idle stream",
    ],
    [
      "RST_STREAM of a wrong size",
      [half, frame(CONTINUATION, 4, 1), frame(RST_STREAM, 0, 1, [1])],
      ErrorCode.FRAME_SIZE_ERROR,
      "reset of a wrong size",
    ],
    [
      "WINDOW_UPDATE of an idle stream",
      [frame(WINDOW_UPDATE, 0, 5, uint32(8))],
      ErrorCode.PROTOCOL_ERROR,
      "window update of an idle stream",
    ],
    [
      "a frame inside a header block",
      [half, frame(PING, 0, 0, Buffer.alloc(8))],
      ErrorCode.PROTOCOL_ERROR,
      "frame inside a header block",
    ],
    [
      "another stream's CONTINUATION",
      [half, frame(CONTINUATION, 4, 3)],
      ErrorCode.PROTOCOL_ERROR,
      "continuation of nothing",
    ],
    ["CONTINUATION without HEADERS", [frame(CONTINUATION, 4, 1)], ErrorCode.PROTOCOL_ERROR, "continuation of nothing"],
    [
      "HEADERS of a closed stream",
      [done, frame(HEADERS, 5, 1, block)],
      ErrorCode.STREAM_CLOSED,
      "headers of a closed stream",
    ],
    [
      "padding longer than DATA",
      [callHeaders(1, "/t.S/Echo"), frame(DATA, 8, 1, [9, 1])],
      ErrorCode.PROTOCOL_ERROR,
      "padding longer than the frame",
    ],
    [
      "padding longer than HEADERS",
      [frame(HEADERS, 12, 1, [99, 1])],
      ErrorCode.PROTOCOL_ERROR,
      "padding or priority longer than the frame",
    ],
    ["SETTINGS of a stream", [frame(SETTINGS, 0, 1)], ErrorCode.PROTOCOL_ERROR, "settings of a stream"],
    ["SETTINGS of a wrong size", [frame(SETTINGS, 0, 0, [1])], ErrorCode.FRAME_SIZE_ERROR, "settings of a wrong size"],
    [
      "a SETTINGS acknowledgement with content",
      [frame(SETTINGS, 1, 0, Buffer.alloc(6))],
      ErrorCode.FRAME_SIZE_ERROR,
      "settings acknowledgement with content",
    ],
    [
      "push neither on nor off",
      [settings([[Setting.ENABLE_PUSH, 2]])],
      ErrorCode.PROTOCOL_ERROR,
      "push is neither on nor off",
    ],
    [
      "a window setting too large",
      [settings([[Setting.INITIAL_WINDOW_SIZE, 2 ** 31]])],
      ErrorCode.FLOW_CONTROL_ERROR,
      "initial window too large",
    ],
    [
      "a frame size setting out of range",
      [settings([[Setting.MAX_FRAME_SIZE, 100]])],
      ErrorCode.PROTOCOL_ERROR,
      "frame size out of range",
    ],
    ["PUSH_PROMISE", [frame(PUSH_PROMISE, 4, 1, uint32(2))], ErrorCode.PROTOCOL_ERROR, "push promise from a client"],
    ["PING of a wrong size", [frame(PING, 0, 0, [1])], ErrorCode.FRAME_SIZE_ERROR, "ping of a wrong size"],
    ["PING of a stream", [frame(PING, 0, 1, Buffer.alloc(8))], ErrorCode.PROTOCOL_ERROR, "ping of a stream"],
    ["PRIORITY of a wrong size", [frame(PRIORITY, 0, 1, [1])], ErrorCode.FRAME_SIZE_ERROR, "priority of a wrong size"],
    ["GOAWAY of a stream", [frame(GOAWAY, 0, 1, Buffer.alloc(8))], ErrorCode.PROTOCOL_ERROR, "goaway of a stream"],
    ["a broken header block", [frame(HEADERS, 4, 1, [0x80])], ErrorCode.COMPRESSION_ERROR, "index 0"],
    [
      "a window update of zero",
      [frame(WINDOW_UPDATE, 0, 0, uint32(0))],
      ErrorCode.PROTOCOL_ERROR,
      "window update of zero",
    ],
    [
      "a window above 2^31-1",
      [frame(WINDOW_UPDATE, 0, 0, uint32(2 ** 31 - 1))],
      ErrorCode.FLOW_CONTROL_ERROR,
      "connection window too large",
    ],
    [
      "a stream window above 2^31-1 by a setting",
      [
        callHeaders(1, "/t.S/Stream"),
        frame(WINDOW_UPDATE, 0, 1, uint32(2 ** 31 - 1 - 65_535)),
        settings([[Setting.INITIAL_WINDOW_SIZE, 70_000]]),
      ],
      ErrorCode.FLOW_CONTROL_ERROR,
      "stream window too large",
    ],
  ];
  for (const [title, frames, code, reason] of cases) {
    it(title, () => {
      const { peer } = begin();
      peer.send(...frames);
      const last = peer.connection.lastStreamId;
      expect(peer.lines().at(-1)).toBe(`GOAWAY last=${last} code=${code} ${reason}`);
      expect(peer.wire.isEnded).toBe(true);
      peer.send(unaryRequest(101, "/t.S/Echo", Buffer.alloc(0)));
      expect(peer.lines()).toEqual([]);
      expect(peer.engine.counts.streams).toBe(0);
    });
  }
});
