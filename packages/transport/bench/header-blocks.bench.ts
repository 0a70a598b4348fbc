/**
 * Reading request heads, nanoseconds each: a block that comes again (found by its bytes), and blocks that differ in `grpc-timeout` and change
 * the dynamic table each time, as a Go client with deadlines sends them. node bench/header-blocks.bench.ts. Needs a build.
 */
import { BlockCache } from "../dist/http2/block-cache.js";
import { readRequestHead } from "../dist/http2/request-head.js";
import { HpackDecoder } from "../dist/hpack/hpack-decoder.js";

const literal = (first: number, name: string, value: string): Buffer =>
  Buffer.concat([
    Buffer.from([first, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
const opening = Buffer.concat([
  Buffer.from([0x83, 0x86]),
  literal(0x40, ":path", "/etcdserverpb.KV/Put"),
  literal(0x40, ":authority", "127.0.0.1:2379"),
  literal(0x40, "content-type", "application/grpc"),
  literal(0x40, "user-agent", "grpc-go/1.84.0"),
  literal(0x40, "te", "trailers"),
]);

function blocksOf(count: number, isVaried: boolean): Buffer[] {
  return Array.from({ length: count }, (_, i) => {
    // Before each varied block the table has one entry more for every earlier timeout, so the fixed entries have moved up.
    const moved = isVaried ? i : 0;
    const fixed = [66, 65, 64, 63, 62].map((index) => 0x80 | (index + moved));
    const timeout = literal(0x40, "grpc-timeout", `${4_900_000 + i}u`);
    return Buffer.concat([Buffer.from([0x83, 0x86, ...fixed]), isVaried ? timeout : Buffer.alloc(0)]);
  });
}

function measure(title: string, count: number, isVaried: boolean, isCached: boolean): void {
  const blocks = blocksOf(count, isVaried);
  const rounds = Math.ceil(1_000_000 / count);
  let nanoseconds = 0;
  for (let round = 0; round < rounds; round++) {
    const decoder = new HpackDecoder({ tableBytesMax: 4096, listBytesMax: 1 << 20 });
    const cache = new BlockCache();
    decoder.decode(opening, 0, opening.length);
    const begin = process.hrtime.bigint();
    for (const block of blocks) {
      if (isCached && cache.find(block, 0, block.length, decoder.version) !== undefined) continue;
      const head = readRequestHead(decoder.decode(block, 0, block.length).fields);
      if (head === undefined) throw new Error("broken block");
      if (isCached) cache.keep(block, 0, block.length, decoder.version, head);
    }
    nanoseconds += Number(process.hrtime.bigint() - begin);
  }
  console.log(`${title}: ${(nanoseconds / rounds / count).toFixed(0)} ns`);
}

for (let round = 0; round < 3; round++) {
  measure("the same block again", 1000, false, true);
  measure("the same block, cache off", 1000, false, false);
  measure("another timeout each time", 50, true, false);
}
