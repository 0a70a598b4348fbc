import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeHeaders } from "../../src/hpack/hpack-encoder.js";
import { clientPreface, FrameType, Setting } from "../../src/http2/protocol.js";
import { EchoService } from "../support/echo-services.js";
import {
  callFields,
  callHeaders,
  frame,
  grpcMessage,
  lineOf,
  RawPeer,
  settings,
  uint32,
  unaryRequest,
} from "../support/raw-peer.js";

const { DATA, HEADERS, RST_STREAM, PING, WINDOW_UPDATE, CONTINUATION } = FrameType;

/** Blocks that fill the dynamic table and use it. */
const indexed = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.from([0x40, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);

/** A conversation with a bit of everything that is legal, and some that is not. */
function conversation(): Buffer {
  const stream = [
    grpcMessage(Buffer.from("one")),
    grpcMessage(Buffer.from("two, a longer one")),
    grpcMessage(Buffer.alloc(0)),
  ];
  const all = Buffer.concat(stream);
  const block = encodeHeaders(callFields("/t.S/Echo"));
  const large = grpcMessage(Buffer.alloc(600, "L"));
  return Buffer.concat([
    clientPreface,
    settings([[Setting.INITIAL_WINDOW_SIZE, 700]]),
    unaryRequest(1, "/t.S/Echo", Buffer.from("first")),
    frame(PING, 0, 0, Buffer.from("pingpong")),
    callHeaders(3, "/t.S/Stream"),
    frame(DATA, 0, 3, all.subarray(0, 4)),
    frame(DATA, 0, 3, all.subarray(4, 20)),
    frame(HEADERS, 0, 5, block.subarray(0, 7)),
    frame(CONTINUATION, 4, 5, block.subarray(7)),
    frame(DATA, 9, 5, Buffer.concat([Buffer.from([7]), grpcMessage(Buffer.from("padded")), Buffer.alloc(7)])),
    frame(DATA, 1, 3, all.subarray(20)),
    callHeaders(7, "/t.S/Echo", { extra: [["grpc-encoding", "gzip"]] }),
    frame(DATA, 1, 7, grpcMessage(gzipSync(Buffer.from("zipped")), 1)),
    callHeaders(9, "/no.Such/Method"),
    frame(DATA, 1, 9, grpcMessage(Buffer.alloc(9))),
    frame(
      HEADERS,
      4,
      11,
      Buffer.concat([encodeHeaders(callFields("/t.S/Echo")), indexed("x-one", "1"), indexed("x-two", "2")]),
    ),
    frame(DATA, 1, 11, large),
    frame(HEADERS, 4, 13, Buffer.concat([encodeHeaders(callFields("/t.S/Echo")), Buffer.from([0xbe, 0xbf])])),
    frame(DATA, 0, 13, large.subarray(0, 300)),
    frame(DATA, 1, 13, large.subarray(300)),
    unaryRequest(15, "/t.S/Count", Buffer.from([5])),
    callHeaders(17, "/t.S/Silent"),
    frame(RST_STREAM, 0, 17, uint32(8)),
    frame(HEADERS, 5, 19, encodeHeaders([[":method", "GET"]])),
    frame(0x42, 0, 0, Buffer.alloc(30)),
    frame(WINDOW_UPDATE, 0, 0, uint32(100_000)),
    settings([[Setting.INITIAL_WINDOW_SIZE, 70_000]]),
    unaryRequest(21, "/t.S/Echo", Buffer.alloc(3000, "z")),
    callHeaders(23, "/t.S/Echo", { end: true }),
    frame(DATA, 0, 25),
  ]);
}

/** What the server said and the handlers saw when the bytes come in these pieces. */
function answersTo(pieces: readonly Uint8Array[]): { lines: string[]; bytes: string; seen: string[] } {
  const service = new EchoService();
  const peer = new RawPeer(service.services);
  for (const piece of pieces) {
    const copy = Buffer.from(piece); // as sockets do it, in memory of their own ...
    peer.reader.receive(copy);
    copy.fill(0xee); // ... which may be gone after the call
  }
  peer.turn();
  const bytes = Buffer.concat(peer.wire.chunks).toString("hex");
  return { lines: peer.frames().map(lineOf), bytes, seen: service.seen };
}

describe("any split of the byte stream gives the same answers", () => {
  const whole = conversation();
  const expected = answersTo([whole]);

  it("the conversation is what it should be", () => {
    expect(expected.seen).toEqual([
      "echo first",
      "message one",
      "echo padded",
      "message two, a longer one",
      "message ",
      "half-closed",
      "echo zipped",
      `echo ${"L".repeat(600)}`,
      `echo ${"L".repeat(600)}`,
      `echo ${"z".repeat(3000)}`,
    ]);
    expect(expected.lines.length).toBeGreaterThan(35);
    expect(expected.lines.at(-1)).toBe("GOAWAY last=23 code=1 data of an idle stream");
  });

  it("cut once, at every offset", () => {
    for (let cut = 1; cut < whole.length; cut++) {
      const got = answersTo([whole.subarray(0, cut), whole.subarray(cut)]);
      if (got.bytes !== expected.bytes || got.seen.length !== expected.seen.length) {
        expect({ cut, ...got }).toEqual({ cut, ...expected });
      }
    }
  }, 60_000);

  it("byte by byte", () => {
    expect(answersTo(Array.from(whole, (byte) => Buffer.from([byte])))).toEqual(expected);
  });

  it("in random pieces", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: whole.length - 1 }), { maxLength: 60 }), (cuts) => {
        const sorted = [0, ...new Set(cuts)].sort((a, b) => a - b);
        const pieces = sorted.map((from, i) => whole.subarray(from, sorted[i + 1] ?? whole.length));
        expect(answersTo(pieces)).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});

describe("any bytes", () => {
  const holdsItsBounds = (peer: RawPeer): void => {
    const { counts } = peer.engine;
    expect(peer.reader.heldBytes).toBeLessThan(100_000);
    expect(counts.heldBytes).toBeGreaterThanOrEqual(0);
    expect(counts.queuedBytes).toBeGreaterThanOrEqual(0);
    expect(counts.streams).toBe(peer.connection.streams.size);
    peer.connection.closed();
    expect([counts.heldBytes, counts.queuedBytes, counts.streams]).toEqual([0, 0, 0]);
    expect(peer.engine.timers.entries).toBe(0);
  };

  it("random bytes after the preface neither throw nor stay", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.boolean(), (bytes, hasPreface) => {
        const peer = new RawPeer(new EchoService().services);
        if (hasPreface) peer.begin();
        peer.send(bytes);
        holdsItsBounds(peer);
      }),
      { numRuns: 500 },
    );
  });

  it("random frames neither throw nor stay", () => {
    const anyFrame = fc.record({
      type: fc.integer({ min: 0, max: 11 }),
      flags: fc.integer({ min: 0, max: 255 }),
      id: fc.integer({ min: 0, max: 9 }),
      payload: fc.uint8Array({ maxLength: 60 }),
    });
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 60 }), (frames) => {
        const peer = new RawPeer(new EchoService().services).begin();
        peer.send(...frames.map(({ type, flags, id, payload }) => frame(type, flags, id, payload)));
        holdsItsBounds(peer);
      }),
      { numRuns: 500 },
    );
  });

  it("valid conversations with flipped bytes neither throw nor stay", () => {
    const whole = conversation();
    const flips = fc.array(fc.tuple(fc.integer({ min: 24, max: whole.length - 1 }), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(flips, (changes) => {
        const bytes = Buffer.from(whole);
        for (const [at, mask] of changes) bytes[at] = (bytes[at] as number) ^ mask;
        const peer = new RawPeer(new EchoService().services);
        peer.send(bytes);
        holdsItsBounds(peer);
      }),
      { numRuns: 500 },
    );
  });
});
