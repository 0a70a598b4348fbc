import type { Disk, DiskFile, LogIndex } from "@quorate/common";
import { crc32c } from "./crc32c.js";
import {
  type BatchHead,
  batchRecordBytes,
  decodeSegmentHeader,
  formatVersion,
  getBatchHead,
  getUint32,
  getUint53,
  RecordType,
  recordBytes,
  recordHeaderBytes,
  type SegmentHeader,
  segmentHeaderBytes,
} from "./format.js";
import { WalError } from "./wal-error.js";

/** Bytes read from a file at once. Entries are views into such a piece. */
const pieceBytes = 4 << 20;
/** A tear leaves whole sectors, or the end of one, as they were: zero. */
const sectorBytes = 512;

/** What a stretch of a file is compared with. */
const zeros = new Uint8Array(65_536);

/** A record as it lies in a file; `data` is a view. */
export type ReadRecord = Readonly<{ type: number; index: LogIndex; data: Uint8Array }>;

/** The next thing in a segment. */
export type ReadBatch =
  | { kind: "batch"; records: readonly ReadRecord[]; end: number; chain: number; head: BatchHead }
  /** Nothing but zeros from there on. */
  | { kind: "end" }
  /** Bytes that are no whole batch. `claimedEnd` is where it would have ended, if its front can be read. */
  | { kind: "broken"; at: number; reason: string; claimedEnd: number | undefined };

/** Reads one segment. Nothing it reads is believed before its checksum has been compared. */
export class SegmentReader {
  readonly path: string;
  readonly header: SegmentHeader;
  /** Where the chain of checksums begins. */
  readonly firstChain: number;
  readonly size: number;
  readonly #file: DiskFile;
  #piece: Uint8Array = new Uint8Array(0);
  #pieceStart = 0;

  /** @throws WalError "wal/foreign", "wal/newer-version", "wal/corrupt". */
  constructor(disk: Disk, path: string) {
    this.path = path;
    this.#file = disk.open(path, "read");
    try {
      this.size = this.#file.size();
      const reading = decodeSegmentHeader(this.#file.read(0, segmentHeaderBytes));
      if (reading.kind === "foreign") throw new WalError({ code: "wal/foreign", file: path });
      if (reading.kind === "newer") {
        const { version } = reading;
        throw new WalError({ code: "wal/newer-version", file: path, version, supported: formatVersion });
      }
      if (reading.kind === "damaged") throw this.corrupt(0, "the segment's header is damaged");
      this.header = reading.header;
      this.firstChain = reading.chain;
    } catch (error) {
      this.#file.close();
      throw error;
    }
  }

  corrupt(offset: number, reason: string): WalError {
    return new WalError({ code: "wal/corrupt", file: this.path, offset, reason });
  }

  /** Reads the batch at `at`, which must go on from `chain`. */
  readBatch(at: number, chain: number): ReadBatch {
    const front = this.#bytes(at, batchRecordBytes);
    if (front.length < batchRecordBytes) return this.#endOrBroken(at, "the batch ends before its front does");
    const head = getBatchHead(front, 0, this.header.salt);
    if (head === undefined) return this.#endOrBroken(at, "a batch's front is damaged");
    const claimedEnd = at + head.batchBytes;
    const broken = (where: number, reason: string): ReadBatch => ({ kind: "broken", at: where, reason, claimedEnd });
    if (head.previousChain !== chain) return broken(at, "a batch does not go on from the one before it");
    if (head.offset !== at) return broken(at, "a batch lies in another place than it was written to");
    if (claimedEnd > this.size) return broken(at, "a batch goes past the end of its file");
    const records: ReadRecord[] = [];
    let next = getUint32(front, 0);
    let position = at + batchRecordBytes;
    while (position < claimedEnd) {
      const dataBytes =
        position + recordHeaderBytes <= claimedEnd ? this.#uint32(position + 4) : Number.POSITIVE_INFINITY;
      const end = position + recordBytes(dataBytes);
      if (end > claimedEnd) return broken(position, "a record goes past the end of its batch");
      const from = this.#hold(position, end - position);
      const piece = this.#piece;
      next = crc32c(piece, from + 4, from + end - position, next);
      if (getUint32(piece, from) !== next) return broken(position, "a record's checksum does not match");
      const start = from + recordHeaderBytes;
      const index = getUint53(piece, from + 12) as LogIndex;
      records.push({ type: piece[from + 8] as number, index, data: piece.subarray(start, start + dataBytes) });
      position = end;
    }
    return { kind: "batch", records, end: claimedEnd, chain: next, head };
  }

  /**
   * Whether a later batch proves that the bytes at `at` had been synced: it was written when everything up to a place behind them was
   * durable. Whatever is wrong with them is then no torn write.
   */
  wasSyncedAt(at: number): boolean {
    for (const head of this.#headsAfter(at)) if (head.durableOffset > at) return true;
    return false;
  }

  /**
   * Whether the broken batch at `at` looks as a write looks that was not finished: some sector of it still ends with the zero that was
   * there before. Every record ends with a byte that is not zero, so a whole batch that was damaged later does not, as a rule.
   */
  looksTorn(at: number, claimedEnd: number | undefined): boolean {
    const end = claimedEnd ?? this.#likelyEnd(at);
    if (end > this.size) return true;
    for (let from = at; from < end; ) {
      const partEnd = Math.min((Math.floor(from / sectorBytes) + 1) * sectorBytes, end);
      if (this.#bytes(partEnd - 1, 1)[0] === 0) return true;
      from = partEnd;
    }
    return false;
  }

  /** Where a batch whose front cannot be read ended: where the next one begins, or with the last byte that was written. */
  #likelyEnd(at: number): number {
    for (const head of this.#headsAfter(at)) return head.offset;
    const written = Math.max(this.#lastNonZero(at) + 1, at + batchRecordBytes);
    return Math.ceil(written / 8) * 8;
  }

  /** The batches whose front can be read and lies where it was written. */
  *#headsAfter(at: number): Iterable<BatchHead> {
    const last = this.#lastNonZero(at);
    for (let from = at + 8; from + batchRecordBytes <= last + 1; from += 8) {
      const bytes = this.#bytes(from, batchRecordBytes);
      // A cheap look first: nearly no place passes it.
      if (bytes[8] !== RecordType.batch || bytes[4] === 0) continue;
      const head = getBatchHead(bytes, 0, this.header.salt);
      if (head !== undefined && head.offset === from) yield head;
    }
  }

  /** Bytes from `at` to the last one that is not zero. */
  usedBytesFrom(at: number): number {
    return this.#lastNonZero(at) + 1 - at;
  }

  close(): void {
    this.#piece = new Uint8Array(0);
    this.#file.close();
  }

  #endOrBroken(at: number, reason: string): ReadBatch {
    if (this.#lastNonZero(at) < at) return { kind: "end" };
    return { kind: "broken", at, reason, claimedEnd: undefined };
  }

  /** The offset of the last byte from `from` on that is not zero; `from - 1` when there is none. */
  #lastNonZero(from: number): number {
    for (let end = this.size; end > from; ) {
      const start = Math.max(from, end - pieceBytes);
      const bytes = this.#file.read(start, end - start);
      // Up to a whole segment of zeros is looked at in every start, in code that has not run often enough to be fast: so the system compares.
      for (let to = bytes.length; to > 0; ) {
        const at = Math.max(0, to - zeros.length);
        if (Buffer.compare(bytes.subarray(at, to), zeros.subarray(0, to - at)) !== 0) {
          while (bytes[to - 1] === 0) to--;
          return start + to - 1;
        }
        to = at;
      }
      end = start;
    }
    return from - 1;
  }

  #uint32(at: number): number {
    const from = this.#hold(at, 4);
    return getUint32(this.#piece, from);
  }

  /** At most `length` bytes from `at`, as a view. */
  #bytes(at: number, length: number): Uint8Array {
    const from = this.#hold(at, length);
    return this.#piece.subarray(from, from + length);
  }

  /** Makes the piece hold `length` bytes from `at`, or all there are. @returns where they begin in it. */
  #hold(at: number, length: number): number {
    const from = at - this.#pieceStart;
    if (from >= 0 && from + length <= this.#piece.length) return from;
    const wanted = Math.min(Math.max(length, pieceBytes), Math.max(this.size - at, 0));
    this.#piece = this.#file.read(at, wanted);
    this.#pieceStart = at;
    return 0;
  }
}
