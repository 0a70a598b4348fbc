import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HpackDecoder, HpackError } from "../../src/hpack/hpack-decoder.js";
import { encodeHeaders } from "../../src/hpack/hpack-encoder.js";
import { huffmanDecode, huffmanEncode, huffmanLength } from "../../src/hpack/huffman.js";

type Pair = [string, string];
type OtherCompressor = { write(headers: object[]): void; read(): Buffer | null };
type OtherDecompressor = {
  write(bytes: Buffer): void;
  execute(): void;
  read(): { name: string; value: string } | null;
};
type OtherHpack = {
  compressor: { create(options: object): OtherCompressor };
  decompressor: { create(options: object): OtherDecompressor };
};
const other = createRequire(import.meta.url)("hpack.js") as OtherHpack;

const newDecoder = (options: Partial<{ tableBytesMax: number; listBytesMax: number }> = {}): HpackDecoder =>
  new HpackDecoder({ tableBytesMax: 4096, listBytesMax: 1 << 20, ...options });

function decode(decoder: HpackDecoder, hex: string): Pair[] {
  const bytes = Buffer.from(hex.replace(/\s+/g, ""), "hex");
  return decoder.decode(bytes, 0, bytes.length).fields.map(({ name, value }) => [name, value]);
}

const first: Pair[] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "www.example.com"],
];
const second: Pair[] = [...first, ["cache-control", "no-cache"]];
const third: Pair[] = [
  [":method", "GET"],
  [":scheme", "https"],
  [":path", "/index.html"],
  [":authority", "www.example.com"],
  ["custom-key", "custom-value"],
];
const redirect: Pair[] = [
  [":status", "302"],
  ["cache-control", "private"],
  ["date", "Mon, 21 Oct 2013 20:13:21 GMT"],
  ["location", "https://www.example.com"],
];
const unmodified: Pair[] = [[":status", "307"], ...redirect.slice(1)];
const cookie: Pair[] = [
  [":status", "200"],
  ["cache-control", "private"],
  ["date", "Mon, 21 Oct 2013 20:13:22 GMT"],
  ["location", "https://www.example.com"],
  ["content-encoding", "gzip"],
  ["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"],
];

describe("RFC 7541 appendix C", () => {
  it("C.2.1 literal with indexing", () => {
    expect(decode(newDecoder(), "400a637573746f6d2d6b65790d637573746f6d2d686561646572")).toEqual([
      ["custom-key", "custom-header"],
    ]);
  });

  it("C.2.2 literal without indexing", () => {
    expect(decode(newDecoder(), "040c2f73616d706c652f70617468")).toEqual([[":path", "/sample/path"]]);
  });

  it("C.2.3 literal never indexed", () => {
    expect(decode(newDecoder(), "100870617373776f726406736563726574")).toEqual([["password", "secret"]]);
  });

  it("C.2.4 indexed", () => {
    expect(decode(newDecoder(), "82")).toEqual([[":method", "GET"]]);
  });

  it("C.3 requests without Huffman coding", () => {
    const decoder = newDecoder();
    expect(decode(decoder, "828684410f7777772e6578616d706c652e636f6d")).toEqual(first);
    expect(decode(decoder, "828684be58086e6f2d6361636865")).toEqual(second);
    expect(decode(decoder, "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565")).toEqual(third);
    expect(decoder.heldBytes).toBe(164);
  });

  it("C.4 requests with Huffman coding", () => {
    const decoder = newDecoder();
    expect(decode(decoder, "828684418cf1e3c2e5f23a6ba0ab90f4ff")).toEqual(first);
    expect(decode(decoder, "828684be5886a8eb10649cbf")).toEqual(second);
    expect(decode(decoder, "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf")).toEqual(third);
    expect(decoder.heldBytes).toBe(164);
  });

  it("C.5 responses without Huffman coding, with evictions", () => {
    const decoder = newDecoder({ tableBytesMax: 256 });
    expect(
      decode(
        decoder,
        `4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e17
         68747470733a2f2f7777772e6578616d706c652e636f6d`,
      ),
    ).toEqual(redirect);
    expect(decode(decoder, "4803333037c1c0bf")).toEqual(unmodified);
    expect(
      decode(
        decoder,
        `88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d
         4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31`,
      ),
    ).toEqual(cookie);
    expect(decoder.heldBytes).toBe(215);
  });

  it("C.6 responses with Huffman coding, with evictions", () => {
    const decoder = newDecoder({ tableBytesMax: 256 });
    expect(
      decode(
        decoder,
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
      ),
    ).toEqual(redirect);
    expect(decode(decoder, "4883640effc1c0bf")).toEqual(unmodified);
    expect(
      decode(
        decoder,
        `88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960
         d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007`,
      ),
    ).toEqual(cookie);
    expect(decoder.heldBytes).toBe(215);
  });
});

describe("HpackDecoder refuses", () => {
  const broken: [string, string][] = [
    ["index 0", "80"],
    ["an index beyond the table", "be"],
    ["an integer without end", "ff808080808080"],
    ["an integer that is cut off", "ff"],
    ["a string longer than the block", "400a6162"],
    ["a missing value", "4001 61"],
    ["a table size above the setting", "3fe2 1f"],
    ["a table size update after a field", "82 20"],
    ["Huffman padding of eight ones", "4001 61 82 07ff".replace("07ff", "1fff")],
    ["Huffman padding with zeros", "4001 61 81 18"],
    ["Huffman EOS", "4001 61 84 ffffffff"],
  ];
  for (const [title, hex] of broken) {
    it(title, () => {
      expect(() => decode(newDecoder(), hex)).toThrow(HpackError);
    });
  }

  it("lists above the bound, with the table kept right", () => {
    const decoder = newDecoder({ listBytesMax: 100 });
    const bytes = Buffer.concat([Buffer.from([0x40, 1, 0x61, 30]), Buffer.alloc(30, "x"), Buffer.alloc(50, 0xbe)]);
    expect(decoder.decode(bytes, 0, bytes.length)).toEqual({ fields: [], isTooLarge: true });
    expect(decode(decoder, "be")).toEqual([["a", "x".repeat(30)]]);
  });
});

describe("HPACK round trips", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
  const value = fc
    .string({ unit: fc.integer({ min: 32, max: 126 }).map((c) => String.fromCharCode(c)), maxLength: 300 })
    .map((s) => s.trim());
  const blocks = fc.array(fc.array(fc.tuple(name, value), { maxLength: 12 }), { minLength: 1, maxLength: 12 });

  it("decodes what hpack.js encodes, over many blocks of one connection", () => {
    fc.assert(
      fc.property(blocks, fc.constantFrom(64, 256, 4096), (lists, tableBytesMax) => {
        const compressor = other.compressor.create({ table: { maxSize: tableBytesMax } });
        const decoder = newDecoder({ tableBytesMax });
        for (const list of lists) {
          compressor.write(
            list.map(([n, v], i) => ({ name: n, value: v, incremental: i % 3 !== 0, huffman: i % 2 === 0 })),
          );
          const parts: Buffer[] = [];
          for (let part = compressor.read(); part !== null; part = compressor.read()) parts.push(part);
          expect(decode(decoder, Buffer.concat(parts).toString("hex"))).toEqual(list);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("hpack.js decodes what we encode", () => {
    fc.assert(
      fc.property(blocks, (lists) => {
        const decompressor = other.decompressor.create({ table: { maxSize: 4096 } });
        for (const list of lists) {
          decompressor.write(encodeHeaders(list));
          decompressor.execute();
          const seen: Pair[] = [];
          for (let one = decompressor.read(); one !== null; one = decompressor.read()) seen.push([one.name, one.value]);
          expect(seen).toEqual(list);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("Huffman codes every byte", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = Buffer.from(bytes).toString("latin1");
        const coded = Buffer.alloc(huffmanLength(text));
        expect(huffmanEncode(text, coded, 0)).toBe(coded.length);
        const plain = Buffer.alloc(Math.ceil((coded.length * 8) / 5));
        expect(huffmanDecode(coded, 0, coded.length, plain)).toBe(bytes.length);
        expect(plain.toString("latin1", 0, bytes.length)).toBe(text);
      }),
    );
  });
});
