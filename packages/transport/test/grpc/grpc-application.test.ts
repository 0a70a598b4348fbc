import { describe, expect, it } from "vitest";
import { HpackDecoder } from "../../src/hpack/hpack-decoder.js";
import { encodeHeaders } from "../../src/hpack/hpack-encoder.js";
import { ErrorCode, FrameType } from "../../src/http2/protocol.js";
import { Code, Metadata, type UnaryCall } from "../../src/index.js";
import { EchoService } from "../support/echo-services.js";
import { callHeaders, frame, grpcMessage, RawPeer, uint32, unaryRequest } from "../support/raw-peer.js";

const { DATA, HEADERS, RST_STREAM } = FrameType;

function begin(): { peer: RawPeer; service: EchoService } {
  const service = new EchoService();
  const peer = new RawPeer(service.services).begin();
  peer.frames();
  return { peer, service };
}

const rest = "content-type=application/grpc";

describe("requests that are not gRPC, in clear", () => {
  type Fields = Record<string, string>;
  const grpc = { "content-type": "application/grpc" };
  const cases: [string, Fields, string][] = [
    [
      "GET without a type",
      { ":method": "GET", ":path": "/version" },
      `:status=415 ${rest} grpc-status=3 grpc-message=invalid gRPC request content-type ""`,
    ],
    [
      "POST of JSON",
      { ":method": "POST", ":path": "/t.S/Echo", "content-type": "application/json" },
      `:status=415 ${rest} grpc-status=3 grpc-message=invalid gRPC request content-type "application/json"`,
    ],
    [
      "a type that only begins like gRPC",
      { ":method": "POST", ":path": "/t.S/Echo", "content-type": "application/grpcx" },
      `:status=415 ${rest} grpc-status=3 grpc-message=invalid gRPC request content-type "application/grpcx"`,
    ],
    [
      "GET of a method",
      { ":method": "GET", ":path": "/t.S/Echo", ...grpc },
      `:status=405 ${rest} grpc-status=13 grpc-message=Received a HEADERS frame with :method "GET" which should be POST`,
    ],
    [
      "a broken timeout",
      { ":method": "POST", ":path": "/t.S/Echo", "grpc-timeout": "x", ...grpc },
      `:status=400 ${rest} grpc-status=13 grpc-message=malformed grpc-timeout: transport: timeout string is too short: "x"`,
    ],
    [
      "a path without service",
      { ":method": "POST", ":path": "/version", ...grpc },
      `:status=200 ${rest} grpc-status=12 grpc-message=malformed method name: "/version"`,
    ],
    [
      "an unknown service",
      { ":method": "POST", ":path": "/a.B/C", ...grpc },
      `:status=200 ${rest} grpc-status=12 grpc-message=unknown service a.B`,
    ],
    [
      "an unknown method",
      { ":method": "POST", ":path": "/t.S/Nope", ...grpc },
      `:status=200 ${rest} grpc-status=12 grpc-message=unknown method Nope for service t.S`,
    ],
    [
      "an unknown encoding",
      { ":method": "POST", ":path": "/t.S/Echo", "grpc-encoding": "br", ...grpc },
      `:status=200 ${rest} grpc-status=12 grpc-message=grpc: Decompressor is not installed for grpc-encoding "br" grpc-accept-encoding=gzip`,
    ],
  ];
  for (const [title, fields, answer] of cases) {
    it(title, () => {
      const { peer } = begin();
      peer.send(frame(HEADERS, 5, 1, encodeHeaders([[":scheme", "http"], ...Object.entries(fields)])));
      expect(peer.lines()).toEqual([`HEADERS 1 end ${answer}`]);
    });
  }

  for (const type of ["application/grpc+proto", "application/grpc;charset=utf-8"]) {
    it(`takes ${type} for gRPC`, () => {
      const { peer, service } = begin();
      const fields: [string, string][] = [
        [":method", "POST"],
        [":scheme", "http"],
        [":path", "/t.S/Echo"],
        ["content-type", type],
      ];
      peer.send(frame(HEADERS, 4, 1, encodeHeaders(fields)), frame(DATA, 1, 1, grpcMessage(Buffer.from("typed"))));
      expect(service.seen).toEqual(["echo typed"]);
    });
  }
});

describe("messages", () => {
  const failing: [string, Buffer[], string][] = [
    [
      "no message",
      [frame(DATA, 1, 1)],
      "cardinality violation: received no request message from non-client-streaming RPC",
    ],
    [
      "two messages",
      [frame(DATA, 1, 1, Buffer.concat([grpcMessage(Buffer.alloc(1)), grpcMessage(Buffer.alloc(1))]))],
      "cardinality violation: received multiple request messages for non-client-streaming RPC",
    ],
    ["half a message", [frame(DATA, 1, 1, grpcMessage(Buffer.alloc(10)).subarray(0, 12))], "unexpected EOF"],
    ["half a prefix", [frame(DATA, 1, 1, [0, 0])], "unexpected EOF"],
    [
      "the compressed flag without encoding",
      [frame(DATA, 1, 1, grpcMessage(Buffer.alloc(1), 1))],
      "grpc: compressed flag set with identity or empty encoding",
    ],
    [
      "another flag",
      [frame(DATA, 1, 1, grpcMessage(Buffer.alloc(1), 7))],
      "grpc: received unexpected payload format 7",
    ],
  ];
  for (const [title, frames, text] of failing) {
    it(`refuses ${title} of a unary call`, () => {
      const { peer, service } = begin();
      peer.send(callHeaders(1, "/t.S/Echo"), ...frames);
      expect(peer.lines()[0]).toBe(`HEADERS 1 end :status=200 ${rest} grpc-status=13 grpc-message=${text}`);
      expect(service.seen).toEqual([]);
    });
  }

  it("sends what a handler sends, in parts too, and counts it", () => {
    const { peer, service } = begin();
    peer.send(callHeaders(1, "/t.S/Silent"));
    const [call] = service.streams;
    call?.sendParts([Buffer.from("ab"), Buffer.alloc(0), Buffer.from("c".repeat(60))]);
    call?.end(new Metadata([["tail", "x"]]));
    const frames = peer.frames();
    expect(frames[1]?.payload.toString("latin1")).toBe(`\0\0\0\0\x3eab${"c".repeat(60)}`);
    expect(frames[2]?.fields).toEqual([
      ["grpc-status", "0"],
      ["tail", "x"],
    ]);
    expect(service.services.list().find(({ method }) => method === "Silent")).toMatchObject({
      started: 1,
      sent: 1,
      received: 0,
    });
  });
});

describe("statuses and metadata", () => {
  it("encodes messages by percent, and details in base64", () => {
    const { peer, service } = begin();
    peer.send(unaryRequest(1, "/t.S/Hold", Buffer.alloc(0)));
    service.held[0]?.fail(
      { code: Code.Aborted, message: "50% ü\t", details: Buffer.from([1, 2]) },
      new Metadata([["k", "v"]]),
    );
    expect(peer.frames()[0]?.fields).toEqual([
      [":status", "200"],
      ["content-type", "application/grpc"],
      ["grpc-status", "10"],
      ["grpc-message", "50%25 %C3%BC%09"],
      ["grpc-status-details-bin", "AQI"],
      ["k", "v"],
    ]);
  });

  it("sends a status after messages as trailers, and head metadata before", () => {
    const { peer, service } = begin();
    peer.send(callHeaders(1, "/t.S/Silent"));
    const [call] = service.streams;
    call?.setHead(new Metadata([["h-bin", Buffer.from([255])]]));
    call?.send(Buffer.from("m"));
    call?.fail({ code: Code.OutOfRange, message: "" });
    expect(peer.lines()).toEqual([
      `HEADERS 1 :status=200 ${rest} h-bin=/w`,
      "DATA 1 6",
      "HEADERS 1 end grpc-status=11",
      "RST_STREAM 1 code=0",
    ]);
  });

  it("sends metadata larger than a frame in CONTINUATION frames", () => {
    const { peer, service } = begin();
    peer.send(unaryRequest(1, "/t.S/Hold", Buffer.alloc(0)));
    service.held[0]?.reply(Buffer.alloc(0), new Metadata([["large", "~".repeat(40_000)]]));
    const [, , ...blocks] = peer.frames();
    expect(blocks.map(({ type, flags, payload }) => [type, flags, payload.length > 0])).toEqual([
      [HEADERS, 1, true],
      [FrameType.CONTINUATION, 0, true],
      [FrameType.CONTINUATION, 4, true],
    ]);
    const whole = Buffer.concat(blocks.map(({ payload }) => payload));
    const fields = new HpackDecoder({ tableBytesMax: 4096, listBytesMax: 1 << 20 }).decode(
      whole,
      0,
      whole.length,
    ).fields;
    expect(fields.map(({ name, value }) => [name, value.length])).toEqual([
      ["grpc-status", 1],
      ["large", 40_000],
    ]);
  });

  it("gives handlers what the client sent, without what is gRPC's own", () => {
    const { peer, service } = begin();
    const extra: [string, string][] = [
      ["token", "a"],
      ["token", "b"],
      ["data-bin", "AQI,/w=="],
      ["grpc-accept-encoding", "gzip"],
      ["grpc-timeout", "5S"],
    ];
    peer.send(callHeaders(1, "/t.S/Hold", { extra }), frame(DATA, 1, 1, grpcMessage(Buffer.alloc(0))));
    const { metadata } = service.held[0] as UnaryCall;
    expect(metadata.get("token")).toBe("a");
    expect(metadata.getAll("token")).toEqual(["a", "b"]);
    expect(metadata.getAll("none")).toEqual([]);
    expect(metadata.getBinary("data-bin").map((bytes) => [...bytes])).toEqual([[1, 2], [255]]);
    expect([...metadata.entries()].map(([name]) => name)).toEqual([
      ":authority",
      "content-type",
      "token",
      "token",
      "data-bin",
      "data-bin",
    ]);
  });

  it("refuses metadata that no header may have", () => {
    for (const entry of [
      ["Bad Name", "x"],
      ["grpc-status", "0"],
      ["a", "line\nfeed"],
      ["a-bin", "text"],
      ["a", Buffer.alloc(1)],
    ] as const) {
      expect(() => new Metadata([entry])).toThrow(TypeError);
    }
  });

  it("asks an interceptor that came when connections were there already", () => {
    const { peer, service } = begin();
    service.services.intercept(() => ({ code: Code.Unauthenticated, message: "who?" }));
    peer.send(unaryRequest(1, "/t.S/Echo", Buffer.alloc(0)));
    expect(peer.lines()[0]).toContain("grpc-message=who?");
  });

  it("asks interceptors first", () => {
    const { peer, service } = begin();
    const asked: string[] = [];
    const late = new EchoService();
    late.services.intercept(({ path, kind, metadata }) => {
      asked.push(`${path} ${kind} ${metadata.get("token") ?? "-"}`);
      return metadata.get("token") === undefined ? { code: Code.Unauthenticated, message: "who?" } : undefined;
    });
    const guarded = new RawPeer(late.services).begin();
    guarded.frames();
    guarded.send(unaryRequest(1, "/t.S/Echo", Buffer.alloc(0)));
    guarded.send(
      callHeaders(3, "/t.S/Stream", { extra: [["token", "t"]] }),
      frame(DATA, 1, 3, grpcMessage(Buffer.from("hi"))),
    );
    expect(guarded.lines()[0]).toBe(`HEADERS 1 end :status=200 ${rest} grpc-status=16 grpc-message=who?`);
    expect(asked).toEqual(["/t.S/Echo unary -", "/t.S/Stream bidi t"]);
    expect(late.seen).toEqual(["message hi", "half-closed"]);
    expect([peer.lines(), service.seen]).toEqual([[], []]);
  });

  it("answers INTERNAL for a handler that throws, and goes on", () => {
    const service = new EchoService();
    service.services.unary("/t.S/Throw", () => {
      throw new Error("secret");
    });
    const peer = new RawPeer(service.services).begin();
    peer.frames();
    peer.send(unaryRequest(1, "/t.S/Throw", Buffer.alloc(0)), unaryRequest(3, "/t.S/Echo", Buffer.alloc(0)));
    const lines = peer.lines();
    expect(lines[0]).toBe(`HEADERS 1 end :status=200 ${rest} grpc-status=13 grpc-message=internal error`);
    expect(lines.length).toBe(4);
  });
});

describe("deadlines and cancels", () => {
  const timed = (id: number, path: string, timeout: string): Buffer =>
    Buffer.concat([
      callHeaders(id, path, { extra: [["grpc-timeout", timeout]] }),
      frame(DATA, 1, id, grpcMessage(Buffer.alloc(0))),
    ]);

  it("ends a call at its deadline, without a timer per call", () => {
    const { peer, service } = begin();
    peer.send(...Array.from({ length: 100 }, (_, i) => timed(2 * i + 1, "/t.S/Careful", i < 50 ? "100m" : "1S")));
    expect(peer.engine.clock.pending).toBe(2); // one for all deadlines, one for all connections
    peer.engine.clock.advance(90);
    expect(peer.lines()).toEqual([]);
    peer.engine.clock.advance(30);
    expect(peer.lines()).toEqual(
      Array.from(
        { length: 50 },
        (_, i) => `HEADERS ${2 * i + 1} end :status=200 ${rest} grpc-status=4 grpc-message=context deadline exceeded`,
      ),
    );
    expect(service.seen.length).toBe(50);
    for (const call of service.held) call.reply(Buffer.alloc(0));
    expect(peer.frames().filter(({ type }) => type === DATA).length).toBe(50);
    expect(peer.engine.deadlines.entries).toBe(0);
    expect(service.services.list().find(({ method }) => method === "Careful")?.handled[Code.DeadlineExceeded]).toBe(50);
  });

  it("does not begin a call whose time is over already", () => {
    const { peer, service } = begin();
    peer.send(timed(1, "/t.S/Hold", "0m"));
    expect(peer.lines()[0]).toContain("grpc-status=4");
    expect(service.held).toEqual([]);
  });

  it("sends a deadline in mid-stream as trailers", () => {
    const { peer, service } = begin();
    peer.send(
      callHeaders(1, "/t.S/Stream", { extra: [["grpc-timeout", "50000u"]] }),
      frame(DATA, 0, 1, grpcMessage(Buffer.from("a"))),
    );
    peer.engine.clock.advance(70);
    expect(peer.lines().slice(2)).toEqual([
      "HEADERS 1 end grpc-status=4 grpc-message=context deadline exceeded",
      `RST_STREAM 1 code=${ErrorCode.NO_ERROR}`,
    ]);
    expect(service.seen).toEqual(["message a", "cancelled"]);
  });

  it("tells the handler of a reset and of a connection that is gone; later answers go nowhere", () => {
    const { peer, service } = begin();
    peer.send(unaryRequest(1, "/t.S/Careful", Buffer.alloc(0)), callHeaders(3, "/t.S/Stream"));
    peer.send(frame(RST_STREAM, 0, 1, uint32(8)));
    expect([service.seen, service.held[0]?.isOver]).toEqual([["cancelled"], true]);
    service.held[0]?.reply(Buffer.from("late"));
    peer.connection.closed();
    expect(service.seen).toEqual(["cancelled", "cancelled"]);
    expect(service.streams[0]?.send(Buffer.from("late"))).toBe(true);
    service.streams[0]?.end();
    expect(peer.lines()).toEqual([]);
    expect(service.services.list().map(({ handled }) => handled[Code.Canceled])).toEqual([0, 0, 1, 0, 1, 0]);
  });
});
