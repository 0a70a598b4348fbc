import { describe, expect, it } from "vitest";
import { encodeHeaders } from "../../src/hpack/hpack-encoder.js";
import { ErrorCode, FrameType } from "../../src/http2/protocol.js";
import { EchoService } from "../support/echo-services.js";
import { callFields, callHeaders, frame, grpcMessage, RawPeer, uint32, unaryRequest } from "../support/raw-peer.js";

const { DATA, HEADERS, WINDOW_UPDATE } = FrameType;

function begin(): { peer: RawPeer; service: EchoService } {
  const service = new EchoService();
  const peer = new RawPeer(service.services).begin();
  peer.frames();
  return { peer, service };
}

const block = encodeHeaders(callFields("/t.S/Echo"));
const okHead = ":status=200 content-type=application/grpc";

describe("stream errors", () => {
  const fieldsWith = (...extra: [string, string][]): Buffer => encodeHeaders([...callFields("/t.S/Echo"), ...extra]);
  const literal = (name: string, value: string): Buffer =>
    Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);
  const malformed: [string, Buffer][] = [
    ["a name in upper case", Buffer.concat([block, literal("Upper", "x")])],
    ["an empty name", Buffer.concat([block, literal("", "x")])],
    ["a pseudo-header after others", Buffer.concat([block, encodeHeaders([[":path", "/x"]])])],
    ["a pseudo-header twice", encodeHeaders([[":method", "POST"], ...callFields("/t.S/Echo")])],
    ["an unknown pseudo-header", encodeHeaders([[":status", "200"], ...callFields("/t.S/Echo")])],
    [
      "no path",
      encodeHeaders([
        [":method", "POST"],
        [":scheme", "http"],
      ]),
    ],
    [
      "an empty path",
      encodeHeaders([
        [":method", "POST"],
        [":scheme", "http"],
        [":path", ""],
      ]),
    ],
    [
      "no method",
      encodeHeaders([
        [":scheme", "http"],
        [":path", "/"],
      ]),
    ],
    [
      "no scheme",
      encodeHeaders([
        [":method", "POST"],
        [":path", "/"],
      ]),
    ],
    ["connection", fieldsWith(["connection", "close"])],
    ["transfer-encoding", fieldsWith(["transfer-encoding", "chunked"])],
    ["upgrade", fieldsWith(["upgrade", "h2c"])],
    ["te other than trailers", fieldsWith(["te", "gzip"])],
    ["a line feed in a value", fieldsWith(["x", "a\nb"])],
    ["a content-length that is none", fieldsWith(["content-length", "x"])],
    ["two lengths", fieldsWith(["content-length", "1"], ["content-length", "2"])],
  ];
  for (const [title, bytes] of malformed) {
    it(`resets a request with ${title}, and goes on`, () => {
      const { peer } = begin();
      peer.send(frame(HEADERS, 5, 1, bytes), unaryRequest(3, "/t.S/Echo", Buffer.from("k")));
      expect(peer.lines()).toEqual([
        "RST_STREAM 1 code=1",
        `HEADERS 3 ${okHead}`,
        "DATA 3 6",
        "HEADERS 3 end grpc-status=0",
      ]);
    });
  }

  it("resets a stream whose window update is zero or goes too far", () => {
    const { peer } = begin();
    peer.send(callHeaders(1, "/t.S/Stream"), frame(WINDOW_UPDATE, 0, 1, uint32(0)));
    peer.send(callHeaders(3, "/t.S/Stream"), frame(WINDOW_UPDATE, 0, 3, uint32(2 ** 31 - 1)));
    expect(peer.lines()).toEqual([
      `RST_STREAM 1 code=${ErrorCode.PROTOCOL_ERROR}`,
      `RST_STREAM 3 code=${ErrorCode.FLOW_CONTROL_ERROR}`,
    ]);
  });

  it("resets DATA after the end of the request", () => {
    const { peer } = begin();
    peer.send(callHeaders(1, "/t.S/Hold"), frame(DATA, 1, 1, grpcMessage(Buffer.alloc(0))), frame(DATA, 0, 1, [1]));
    expect(peer.lines()).toEqual([`RST_STREAM 1 code=${ErrorCode.STREAM_CLOSED}`]);
  });

  it("resets a second HEADERS without END_STREAM", () => {
    const { peer } = begin();
    peer.send(callHeaders(1, "/t.S/Stream"), frame(HEADERS, 4, 1, encodeHeaders([["x", "y"]])));
    expect(peer.lines()).toEqual([`RST_STREAM 1 code=${ErrorCode.PROTOCOL_ERROR}`]);
  });

  it("resets a body that is not as long as announced", () => {
    const { peer } = begin();
    const extra = [["content-length", "7"]] as const;
    peer.send(callHeaders(1, "/t.S/Echo", { extra }), frame(DATA, 1, 1, grpcMessage(Buffer.from("a"))));
    peer.send(callHeaders(3, "/t.S/Echo", { extra }), frame(DATA, 0, 3, Buffer.alloc(8)));
    peer.send(callHeaders(5, "/t.S/Echo", { extra, end: true }));
    expect(peer.lines()).toEqual([1, 3, 5].map((id) => `RST_STREAM ${id} code=${ErrorCode.PROTOCOL_ERROR}`));
  });

  it("refuses streams above the limit", () => {
    const service = new EchoService();
    const peer = new RawPeer(service.services, { maxConcurrentStreams: 2 }).begin();
    peer.frames();
    peer.send(...[1, 3, 5].map((id) => unaryRequest(id, "/t.S/Hold", Buffer.alloc(0))));
    expect(peer.lines()).toEqual([`RST_STREAM 5 code=${ErrorCode.REFUSED_STREAM}`]);
    service.held[0]?.reply(Buffer.alloc(0));
    peer.send(unaryRequest(7, "/t.S/Hold", Buffer.alloc(0)));
    expect(service.held.length).toBe(3);
  });

  it("drops what comes for a stream that it has ended early, and counts it in flow control", () => {
    const { peer } = begin();
    peer.send(callHeaders(1, "/no.Such/Method"));
    expect(peer.lines()).toEqual([
      `HEADERS 1 end ${okHead} grpc-status=12 grpc-message=unknown service no.Such`,
      `RST_STREAM 1 code=${ErrorCode.NO_ERROR}`,
    ]);
    const before = peer.connection.receiveWindow;
    peer.send(frame(DATA, 0, 1, Buffer.alloc(1000)), frame(DATA, 1, 1, Buffer.alloc(1000)));
    expect(peer.lines()).toEqual([]);
    expect(before - peer.connection.receiveWindow).toBe(2000);
    peer.send(...Array.from({ length: 600 }, () => frame(DATA, 0, 1, Buffer.alloc(16_000))));
    expect(peer.lines()).toEqual([expect.stringMatching(/^WINDOW_UPDATE 0 \d+$/)]);
  });
});
