import type { LogIndex } from "@quorate/common";
import { crc32c } from "./crc32c.js";

// docs/decisions/0003-log-format.md explains the layout. All numbers are little-endian.

/** The first eight bytes of every segment. */
export const magic = new Uint8Array([0x51, 0x55, 0x4f, 0x52, 0x2d, 0x57, 0x41, 0x4c]); // "QUOR-WAL"
/** The version this release writes, and the newest it reads. */
export const formatVersion = 1;
/** Bytes of a segment before its first batch. */
export const segmentHeaderBytes = 64;
/** Bytes of a record before its data. */
export const recordHeaderBytes = 20;
/** Bytes of the record that begins a batch. */
export const batchRecordBytes = 48;
const batchDataBytes = 24;
/** A record's data is shorter than this. */
export const recordDataBytesMax = 2 ** 31;

/** What a record holds. 0 is no record: the unused rest of a segment. */
export const RecordType = { batch: 1, metadata: 2, entry: 3, state: 4, snapshot: 5, reset: 6 } as const;

/** Bytes a record with that much data takes: header, data, and one to eight bytes of padding. */
export function recordBytes(dataBytes: number): number {
  return Math.floor((recordHeaderBytes + dataBytes + 8) / 8) * 8;
}

/** Writes an unsigned 32-bit number. */
export function putUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** Reads an unsigned 32-bit number. */
export function getUint32(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
  return (low | ((bytes[at + 3] as number) << 24)) >>> 0;
}

/** Writes a whole number below 2^53 into eight bytes. */
export function putUint53(bytes: Uint8Array, at: number, value: number): void {
  putUint32(bytes, at, value >>> 0);
  putUint32(bytes, at + 4, Math.floor(value / 2 ** 32));
}

/** Reads a whole number from eight bytes; above 2^53 it is not exact, which its reader has to refuse. */
export function getUint53(bytes: Uint8Array, at: number): number {
  return getUint32(bytes, at) + getUint32(bytes, at + 4) * 2 ** 32;
}

/**
 * Writes a record but for its checksum, which the thread that writes the file adds.
 * The padding's bytes are never zero, so a record that was torn off ends with a zero byte and a whole one does not.
 * @returns where the record ends.
 */
export function putRecord(bytes: Uint8Array, at: number, type: number, index: number, data: Uint8Array): number {
  const end = at + recordBytes(data.length);
  putUint32(bytes, at, 0);
  putUint32(bytes, at + 4, data.length);
  putUint32(bytes, at + 8, type);
  putUint53(bytes, at + 12, index);
  bytes.set(data, at + recordHeaderBytes);
  const padding = end - at - recordHeaderBytes - data.length;
  bytes.fill(padding, end - padding, end);
  return end;
}

/** What the record at the front of a batch says. */
export type BatchHead = {
  /** Counts the batches of the log. */
  number: number;
  /** The segment's bytes below this offset had been synced when the batch was written. */
  durableOffset: number;
  /** Bytes of the whole batch, this record included. */
  batchBytes: number;
  /** The checksum chain before this batch. */
  previousChain: number;
  /** Where the batch lies in its segment. */
  offset: number;
};

/** Writes the record at the front of a batch but for its checksum. */
export function putBatchHead(bytes: Uint8Array, at: number, head: BatchHead, salt: number): void {
  putUint32(bytes, at, 0);
  putUint32(bytes, at + 4, batchDataBytes);
  putUint32(bytes, at + 8, RecordType.batch);
  putUint53(bytes, at + 12, head.number);
  putUint53(bytes, at + 20, head.durableOffset);
  putUint32(bytes, at + 28, head.batchBytes);
  putUint32(bytes, at + 32, head.previousChain);
  putUint32(bytes, at + 36, head.offset);
  putUint32(bytes, at + 40, salt);
  bytes.fill(4, at + 44, at + 48);
}

/**
 * Reads the record at the front of a batch, whatever chain it belongs to: it carries the value it goes on from.
 * @returns undefined when those bytes are no such record.
 */
export function getBatchHead(bytes: Uint8Array, at: number, salt: number): BatchHead | undefined {
  if (getUint32(bytes, at + 8) !== RecordType.batch || getUint32(bytes, at + 4) !== batchDataBytes) return undefined;
  if (getUint32(bytes, at + 40) !== salt) return undefined;
  const previousChain = getUint32(bytes, at + 32);
  if (getUint32(bytes, at) !== crc32c(bytes, at + 4, at + batchRecordBytes, previousChain)) return undefined;
  return {
    number: getUint53(bytes, at + 12),
    durableOffset: getUint53(bytes, at + 20),
    batchBytes: getUint32(bytes, at + 28),
    previousChain,
    offset: getUint32(bytes, at + 36),
  };
}

/** The front of a segment. */
export type SegmentHeader = {
  sequence: number;
  /** The index the next new entry had when the segment was begun. */
  firstIndex: LogIndex;
  /** The chain and the end of the segment before it; both 0 in the first segment of a log. */
  previousChain: number;
  previousEnd: number;
  /** Drawn for each segment; batches repeat it, so that no value a client writes can look like a batch. */
  salt: number;
};

/** The front of a segment as bytes. Its own checksum is where the segment's chain begins. */
export function encodeSegmentHeader(header: SegmentHeader): { bytes: Uint8Array; chain: number } {
  const bytes = new Uint8Array(segmentHeaderBytes);
  bytes.set(magic);
  putUint32(bytes, 8, formatVersion);
  putUint32(bytes, 12, segmentHeaderBytes);
  putUint53(bytes, 16, header.sequence);
  putUint53(bytes, 24, header.firstIndex);
  putUint53(bytes, 32, header.previousEnd);
  putUint32(bytes, 40, header.previousChain);
  putUint32(bytes, 44, header.salt);
  const chain = crc32c(bytes, 0, segmentHeaderBytes - 4, 0);
  putUint32(bytes, segmentHeaderBytes - 4, chain);
  return { bytes, chain };
}

/** What the first bytes of a file are. */
export type HeaderReading =
  | { kind: "header"; header: SegmentHeader; chain: number }
  | { kind: "foreign" }
  | { kind: "newer"; version: number }
  | { kind: "damaged" };

/** Reads the front of a segment from at least its first `segmentHeaderBytes` bytes, or all there are. */
export function decodeSegmentHeader(bytes: Uint8Array): HeaderReading {
  const length = Math.min(bytes.length, magic.length);
  let isBlank = true;
  for (let at = 0; at < length; at++) if (bytes[at] !== 0) isBlank = false;
  if (isBlank) return { kind: "damaged" };
  for (let at = 0; at < length; at++) if (bytes[at] !== magic[at]) return { kind: "foreign" };
  if (bytes.length < segmentHeaderBytes) return { kind: "damaged" };
  const version = getUint32(bytes, 8);
  if (version > formatVersion) return { kind: "newer", version };
  const chain = crc32c(bytes, 0, segmentHeaderBytes - 4, 0);
  if (getUint32(bytes, segmentHeaderBytes - 4) !== chain || version === 0) return { kind: "damaged" };
  const header: SegmentHeader = {
    sequence: getUint53(bytes, 16),
    firstIndex: getUint53(bytes, 24) as LogIndex,
    previousEnd: getUint53(bytes, 32),
    previousChain: getUint32(bytes, 40),
    salt: getUint32(bytes, 44),
  };
  return { kind: "header", header, chain };
}

/** `<sequence>-<first index>.wal`, both as sixteen hex digits. */
export function segmentName(sequence: number, firstIndex: LogIndex): string {
  return `${hex16(sequence)}-${hex16(firstIndex)}.wal`;
}

/** Reads a segment's name. @returns undefined when it is not one. */
export function parseSegmentName(name: string): { sequence: number; firstIndex: LogIndex } | undefined {
  const match = /^([0-9a-f]{16})-([0-9a-f]{16})\.wal$/.exec(name);
  if (match === null) return undefined;
  return { sequence: Number(`0x${match[1]}`), firstIndex: Number(`0x${match[2]}`) as LogIndex };
}

function hex16(value: number): string {
  return value.toString(16).padStart(16, "0");
}
