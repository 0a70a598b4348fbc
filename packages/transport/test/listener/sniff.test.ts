import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clientPreface } from "../../src/http2/protocol.js";
import { type Protocol, protocolOf } from "../../src/listener/sniff.js";

describe("protocolOf", () => {
  const beginnings: [string, Buffer, Protocol | undefined][] = [
    ["nothing", Buffer.alloc(0), undefined],
    ["a TLS handshake", Buffer.from([0x16, 3, 1]), "tls"],
    ["the HTTP/2 preface", Buffer.concat([clientPreface, Buffer.alloc(9)]), "http2"],
    ["half of the HTTP/2 preface", clientPreface.subarray(0, 12), undefined],
    ["a request", Buffer.from("GET /x HTTP/1.1\r\nHost"), "http1"],
    ["a request with bare line feeds", Buffer.from("GET /x HTTP/1.0\n"), "http1"],
    ["an odd method", Buffer.from("get /x HTTP/1.1\r\n"), "http1"],
    ["a line without end", Buffer.from("GET /x"), undefined],
    ["no version", Buffer.from("GET /x\r\n"), "unknown"],
    ["another version", Buffer.from("GET /x HTTP/2.0\r\n"), "unknown"],
    ["four words", Buffer.from("GET /x y HTTP/1.1\r\n"), "unknown"],
    ["an empty line", Buffer.from("\r\n"), "unknown"],
    ["a line that is too long", Buffer.alloc(5000, "x"), "unknown"],
    ["a line whose end comes too late", Buffer.from(`GET /${"x".repeat(4096)} HTTP/1.1\r\n`), "unknown"],
  ];
  for (const [title, bytes, protocol] of beginnings) {
    it(`${title}: ${protocol ?? "wait for more"}`, () => {
      expect(protocolOf(bytes)).toBe(protocol);
    });
  }

  it("never changes its mind as more bytes come", () => {
    const text = fc.constantFrom(...beginnings.map(([, bytes]) => bytes));
    fc.assert(
      fc.property(text, fc.uint8Array({ maxLength: 40 }), fc.nat(), (begin, more, cut) => {
        const whole = Buffer.concat([begin, more]);
        const early = protocolOf(whole.subarray(0, cut % (whole.length + 1)));
        if (early !== undefined) expect(protocolOf(whole)).toBe(early);
      }),
    );
  });
});
