import { describe, expect, it } from "vitest";
import { batchHeadBytes, framedBytes, readFrames, sealBatch, writeFrame } from "../../src/peers/batch.js";

function batchOf(...messages: readonly string[]): Buffer {
  const parts = messages.map((message) => Buffer.from(message));
  const size = parts.reduce((sum, part) => sum + framedBytes(part.length), batchHeadBytes);
  const batch = Buffer.alloc(size);
  let at = batchHeadBytes;
  for (const part of parts) at = writeFrame(batch, at, [part.subarray(0, 1), part.subarray(1)], part.length);
  expect(at).toBe(size);
  return sealBatch(batch);
}

function read(batch: Uint8Array): readonly string[] | "refused" {
  const messages: string[] = [];
  if (readFrames(batch, (message) => messages.push(Buffer.from(message).toString()))) return messages;
  expect(messages).toEqual([]); // nothing is handed on before all is known to be sound
  return "refused";
}

describe("readFrames", () => {
  it("hands on what was written, messages of no bytes included", () => {
    expect(read(batchOf("one", "", "three"))).toEqual(["one", "", "three"]);
    expect(read(batchOf())).toEqual([]);
  });

  it("refuses a batch that is cut anywhere, has more behind it, or has a changed bit", () => {
    const batch = batchOf("one", "", "three");
    for (let length = 0; length < batch.length; length++) expect(read(batch.subarray(0, length))).toBe("refused");
    expect(read(Buffer.concat([batch, Buffer.alloc(4)]))).toBe("refused");
    for (let bit = 0; bit < batch.length * 8; bit++) {
      const changed = Buffer.from(batch);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(read(changed)).toBe("refused");
    }
  });

  it("refuses lengths that do not add up, though the checksum is right", () => {
    for (const [at, length] of [
      [4, 4],
      [4, 2],
      [4, 2 ** 32 - 1],
      [11, 4],
    ] as const) {
      const batch = batchOf("one", "two");
      batch.writeUInt32BE(length, at);
      expect(read(sealBatch(batch))).toBe("refused");
    }
  });
});
