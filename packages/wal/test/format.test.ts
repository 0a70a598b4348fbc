import { crc32c as nativeCrc32c } from "@node-rs/crc32";
import type { LogIndex } from "@quorate/common";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc32c, tableCrc32c } from "../src/crc32c.js";
import {
  batchRecordBytes,
  decodeSegmentHeader,
  encodeSegmentHeader,
  getBatchHead,
  getUint32,
  getUint53,
  parseSegmentName,
  putBatchHead,
  putRecord,
  putUint53,
  RecordType,
  recordBytes,
  segmentName,
} from "../src/format.js";
import { sealRecords } from "../src/segment-log.js";
import { bytes } from "./fixtures.js";

describe("crc32c", () => {
  it("gives the check value of the Castagnoli polynomial", () => {
    // RFC 3720, appendix B.4, and the usual check value of "123456789".
    expect(crc32c(bytes("123456789"), 0, 9, 0)).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32), 0, 32, 0)).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(255), 0, 32, 0)).toBe(0x62a8ab43);
  });

  it("is the same in both codes, in shared memory too, and goes on from what came before", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 600 }),
        fc.nat(600),
        fc.integer({ min: 0, max: 0xffffffff }),
        (data, at, seed) => {
          const cut = Math.min(at, data.length);
          const shared = new Uint8Array(new SharedArrayBuffer(data.length));
          shared.set(data);
          const whole = nativeCrc32c(Buffer.from(data), seed);
          expect(tableCrc32c(data, 0, data.length, seed)).toBe(whole);
          expect(crc32c(shared, 0, data.length, seed)).toBe(whole);
          expect(crc32c(data, cut, data.length, crc32c(data, 0, cut, seed))).toBe(whole);
        },
      ),
    );
  });
});

describe("records", () => {
  it("end with padding that is never zero, at a multiple of eight", () => {
    for (let length = 0; length < 40; length++) {
      const buffer = new Uint8Array(100);
      const end = putRecord(buffer, 8, RecordType.entry, 2 ** 40 + 5, new Uint8Array(length));
      expect(end).toBe(8 + recordBytes(length));
      expect(end % 8).toBe(0);
      const padding = buffer[end - 1] as number;
      expect(padding).toBeGreaterThanOrEqual(1);
      expect(padding).toBeLessThanOrEqual(8);
      expect(getUint32(buffer, 12)).toBe(length);
      expect(getUint53(buffer, 20)).toBe(2 ** 40 + 5);
    }
  });

  it("carry whole numbers up to 2^53", () => {
    const buffer = new Uint8Array(8);
    for (const value of [0, 1, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      putUint53(buffer, 0, value);
      expect(getUint53(buffer, 0)).toBe(value);
    }
  });

  it("that begin a batch can be read without what came before, but not with another salt", () => {
    const head = {
      number: 7,
      durableOffset: 640,
      batchBytes: batchRecordBytes,
      previousChain: 0xdeadbeef,
      offset: 1024,
    };
    const buffer = new Uint8Array(batchRecordBytes);
    putBatchHead(buffer, 0, head, 0x12345678);
    expect(getBatchHead(buffer, 0, 0x12345678)).toBeUndefined();
    sealRecords(buffer, buffer.length, head.previousChain);
    expect(getBatchHead(buffer, 0, 0x12345678)).toEqual(head);
    expect(getBatchHead(buffer, 0, 0x12345679)).toBeUndefined();
    for (let bit = 0; bit < buffer.length * 8; bit++) {
      const damaged = buffer.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(getBatchHead(damaged, 0, 0x12345678), `bit ${bit}`).toBeUndefined();
    }
  });
});

describe("segment header", () => {
  const header = { sequence: 3, firstIndex: 9 as LogIndex, previousChain: 5, previousEnd: 64_000_123, salt: 77 };

  it("is read back", () => {
    const { bytes: encoded, chain } = encodeSegmentHeader(header);
    expect(decodeSegmentHeader(encoded)).toEqual({ kind: "header", header, chain });
  });

  it("is recognised as foreign, newer or damaged", () => {
    const { bytes: encoded } = encodeSegmentHeader(header);
    const changed = (at: number, value: number): Uint8Array => encoded.with(at, value);
    expect(decodeSegmentHeader(bytes("SQLite format 3\0"))).toEqual({ kind: "foreign" });
    expect(decodeSegmentHeader(changed(0, 0))).toEqual({ kind: "foreign" });
    expect(decodeSegmentHeader(changed(8, 2))).toEqual({ kind: "newer", version: 2 });
    expect(decodeSegmentHeader(changed(16, 4))).toEqual({ kind: "damaged" });
    expect(decodeSegmentHeader(changed(8, 0))).toEqual({ kind: "damaged" });
    expect(decodeSegmentHeader(encoded.subarray(0, 20))).toEqual({ kind: "damaged" });
    expect(decodeSegmentHeader(new Uint8Array(64))).toEqual({ kind: "damaged" });
    expect(decodeSegmentHeader(new Uint8Array(0))).toEqual({ kind: "damaged" });
  });

  it("names its file by sequence and first index", () => {
    expect(segmentName(1, 58_921 as LogIndex)).toBe("0000000000000001-000000000000e629.wal");
    expect(parseSegmentName("0000000000000001-000000000000e629.wal")).toEqual({ sequence: 1, firstIndex: 58_921 });
    for (const name of [
      "next.tmp",
      "1-2.wal",
      "0000000000000001-000000000000E629.wal",
      "0000000000000001-000000000000e629.wal.broken",
    ]) {
      expect(parseSegmentName(name), name).toBeUndefined();
    }
  });
});
