import { describe, expect, it } from "vitest";
import {
  decodeReceiverFrame,
  decodeSenderFrame,
  encodeReceiverFrame,
  encodeSenderFrame,
  type ReceiverFrame,
  type SenderFrame,
} from "../../src/peers/snapshot-frames.js";

const large = 2 ** 53 - 1;
const senders: readonly SenderFrame[] = [
  { kind: "begin", sizeBytes: large, header: Buffer.from("header") },
  { kind: "begin", sizeBytes: 0, header: Buffer.alloc(0) },
  { kind: "chunk", offset: large, data: Buffer.from("data") },
  { kind: "chunk", offset: 0, data: Buffer.alloc(0) },
  { kind: "end", digestFrom: 7, digest: Buffer.alloc(32, 5) },
];
const receivers: readonly ReceiverFrame[] = [
  { kind: "begun", receivedBytes: 5, digestFrom: 3 },
  { kind: "taken", receivedBytes: large },
];

describe("frames of a snapshot's sender", () => {
  it("are read as they were written", () => {
    for (const frame of senders) expect(decodeSenderFrame(encodeSenderFrame(frame))).toEqual(frame);
  });

  it("have a checksum over a chunk and its offset", () => {
    const chunk = encodeSenderFrame({ kind: "chunk", offset: 99, data: Buffer.from("data") });
    for (let bit = 8; bit < chunk.length * 8; bit++) {
      const changed = Buffer.from(chunk);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(decodeSenderFrame(changed)).toBe("corrupt chunk");
    }
  });

  it("are refused when they are too short, of no kind, or count beyond what can be", () => {
    const tooFar = encodeSenderFrame(senders[0] as SenderFrame).fill(255, 1, 9);
    const shortDigest = encodeSenderFrame(senders[4] as SenderFrame).subarray(0, 40);
    const malformed = [
      Buffer.alloc(0),
      Buffer.alloc(20),
      Buffer.from([1, 2]),
      Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ];
    for (const bytes of [...malformed, tooFar, shortDigest]) expect(decodeSenderFrame(bytes)).toBe("malformed frame");
  });
});

describe("frames of a snapshot's receiver", () => {
  it("are read as they were written", () => {
    for (const frame of receivers) expect(decodeReceiverFrame(encodeReceiverFrame(frame))).toEqual(frame);
  });

  it("are refused when they are cut, of no kind, or count beyond what can be", () => {
    for (const frame of receivers) {
      const bytes = encodeReceiverFrame(frame);
      for (let length = 0; length < bytes.length; length++)
        expect(decodeReceiverFrame(bytes.subarray(0, length))).toBeUndefined();
      expect(decodeReceiverFrame(Buffer.from(bytes).fill(255, 1))).toBeUndefined();
      expect(decodeReceiverFrame(Buffer.from(bytes).fill(9, 0, 1))).toBeUndefined();
    }
  });
});
