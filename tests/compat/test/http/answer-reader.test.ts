import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { AnswerReader } from "../../src/http/answer-reader.js";
import { parseExposition } from "../../src/http/exposition.js";
import { readMessages, textFrame } from "../../src/http/websocket-frames.js";

function read(text: string, options: { isHead?: boolean; step?: number } = {}): AnswerReader {
  const reader = new AnswerReader({ isHead: options.isHead ?? false });
  const bytes = Buffer.from(text, "latin1");
  const step = options.step ?? bytes.length;
  for (let at = 0; at < bytes.length; at += step) reader.push(bytes.subarray(at, at + step));
  return reader;
}

describe("AnswerReader", () => {
  const chunked =
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: 1\r\nA: 2\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\nT: x\r\n\r\n";
  for (const step of [1, 2, 7, 1000]) {
    it(`reads a chunked answer that comes ${step} bytes at a time`, () => {
      const reader = read(chunked, { step });
      expect([reader.interim, reader.status, reader.text, reader.isComplete]).toEqual([[100], 200, "abcd", true]);
      expect([reader.headers.get("a"), reader.trailers.get("t")]).toEqual(["1, 2", "x"]);
    });
  }

  it("ends a counted body at its length, and any other at the end of the connection", () => {
    const counted = read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab");
    expect([counted.text, counted.isComplete]).toEqual(["ab", true]);
    const open = read("HTTP/1.0 200 OK\r\n\r\nab");
    expect([open.text, open.isComplete]).toEqual(["ab", false]);
    open.end();
    expect(open.isComplete).toBe(true);
  });

  it("expects no body after HEAD", () => {
    expect(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", { isHead: true }).isComplete).toBe(true);
  });

  it("has no status when nothing came, and refuses what is not HTTP", () => {
    const reader = read("");
    reader.end();
    expect([reader.status, reader.hasHead, reader.isComplete]).toEqual([0, false, true]);
    expect(() => read("garbage\r\n\r\n")).toThrow("not an HTTP answer");
  });

  it("unpacks gzip", () => {
    const body = gzipSync("packed").toString("latin1");
    expect(
      read(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n${body}`).text,
    ).toBe("packed");
  });

  it("hands over what follows a 101", () => {
    const reader = read("HTTP/1.1 101 Switching Protocols\r\n\r\nxyz", { step: 50 });
    expect([reader.status, reader.upgraded.toString()]).toEqual([101, "xyz"]);
  });
});

describe("readMessages", () => {
  for (const length of [0, 5, 125, 126, 70_000]) {
    it(`reads a message of ${length} bytes, and not before its last byte`, () => {
      const masked = textFrame("x".repeat(length));
      const headBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10;
      const frame = Buffer.concat([masked.subarray(0, headBytes), Buffer.alloc(length, "x")]); // as a server sends it: not masked
      frame[1] = (frame[1] ?? 0) & 127;
      expect(readMessages(frame)).toEqual(["x".repeat(length)]);
      expect(readMessages(frame.subarray(0, -1))).toEqual([]);
    });
  }

  it("joins fragments and skips control frames", () => {
    expect(readMessages(Buffer.from([0x01, 1, 0x61, 0x89, 0, 0x80, 1, 0x62]))).toEqual(["ab"]);
  });
});

describe("parseExposition", () => {
  it("lists families with types and labels, and samples with sorted labels", () => {
    const page = parseExposition(
      '# HELP a_total x\n# TYPE a_total counter\na_total{z="1",b="q\\"}"} 3\n# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_sum 0.5\nh_count 1\n# TYPE go_x gauge\ngo_x 1\n',
    );
    expect(page.families).toEqual({
      a_total: { type: "counter", labels: ["b", "z"] },
      h: { type: "histogram", labels: [] },
    });
    expect(page.samples.get('a_total{b="q\\"}",z="1"}')).toBe(3);
    expect(page.samples.get("h_count")).toBe(1);
    expect(() => parseExposition("what is this?")).toThrow("not a sample");
  });
});
