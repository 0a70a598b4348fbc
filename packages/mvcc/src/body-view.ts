import { assert, type Revision } from "@quorate/common";
import type { BlockCache } from "./block-cache.js";
import type { Fences } from "./body/fences.js";
import type { BodyKey, BodyMeta, BodyReader } from "./body/reader.js";
import { seqOfRevision } from "./body/seq-search.js";
import type { CountLog } from "./count-log.js";
import { bytesFromLatin1, spanHas, type TextSpan } from "./key-range.js";
import { keyLatin1Of, keyOf, modRevisionOf } from "./record.js";

/** Bytes meant to be read from the body in one piece: a few milliseconds. */
const pieceBytes = 2 * 1024 * 1024;

/** What counting within a fence costs, in rows that are read: it only walks keys. */
const rowsOfCount = 16;

/** Rows read in one piece, at least and at most. */
const pieceRowsMin = 32;
const pieceRowsMax = 512;

/** How much of a span is read: records, bytes, and how many records will probably be wanted. */
export type ReadLimits = Readonly<{ limit: number; bytesMax: number; hint: number }>;

/** The body alone, as of the last confirmed flush: SQL, fences and blocks together. */
export class BodyView {
  readonly #reader: BodyReader;
  readonly #fences: Fences;
  readonly #blocks: BlockCache;
  readonly #counts: CountLog;
  /** The revision up to which the body holds everything. */
  revision: Revision;
  /** The last `seq` in the body. */
  lastSeq: number;
  /** Bytes of the file for each record in it. */
  averageRecordBytes = 1;

  constructor(
    parts: { reader: BodyReader; fences: Fences; blocks: BlockCache; counts: CountLog },
    state: { revision: Revision; lastSeq: number },
  ) {
    this.#reader = parts.reader;
    this.#fences = parts.fences;
    this.#blocks = parts.blocks;
    this.#counts = parts.counts;
    this.revision = state.revision;
    this.lastSeq = state.lastSeq;
  }

  meta(key: Uint8Array): BodyMeta | undefined {
    return this.#reader.meta(key);
  }

  /** The record in a place that was read just now. */
  record(seq: number): Uint8Array {
    const record = this.#reader.record(seq);
    assert(record !== undefined, "the latest row of a key has its row in the history");
    return record;
  }

  /** The latest record of a key. */
  latestOf(key: Uint8Array, keyLatin1: string): Uint8Array | undefined {
    const block = this.#blocks.forPart(this.#fences.find(keyLatin1), 1);
    return block === undefined ? this.#reader.latestOf(key) : block.find(keyLatin1);
  }

  /** The first `seq` of the body at or after a revision, `lastSeq + 1` when there is none. */
  seqOf(revision: Revision): number {
    const end = { lastSeq: this.lastSeq, lastRevision: this.revision };
    return seqOfRevision(end, revision, (seq) => this.#reader.mainAt(seq));
  }

  /** The record of a key as of a revision that is still kept: along the chain of what supersedes what, from the first signpost after it. */
  recordAt(key: Uint8Array, revision: Revision): Uint8Array | undefined {
    const latest = this.#reader.meta(key);
    if (latest !== undefined && latest.revision <= revision) return this.record(latest.seq);
    let seq = this.#reader.signpostAfter(key, revision) ?? latest?.seq ?? 0;
    while (seq !== 0) {
      const row = this.#reader.row(seq);
      // A superseded row that is gone was a deletion that compaction removed, or nothing that this revision may see.
      if (row === undefined) return undefined;
      if (row.revision <= revision) return row.isDeletion ? undefined : row.record;
      seq = row.previous;
    }
    return undefined;
  }

  /** Adds the first records of a span to `records`, fence by fence where there are blocks. */
  first(records: Uint8Array[], span: TextSpan, limits: ReadLimits): void {
    let bytes = 0;
    for (const piece of this.#pieces(span, limits.limit, limits.hint)) {
      for (const record of piece) {
        records.push(record);
        bytes += record.length;
        if (bytes >= limits.bytesMax) return;
      }
    }
  }

  /** The records of a span in key order, as of a revision. Some may be read ahead: about `pieceHint` are at first. */
  *records(span: TextSpan, revision: Revision | undefined, pieceHint: number): Generator<Uint8Array> {
    if (revision === undefined || revision >= this.revision) {
      yield* this.#latest(span, pieceHint);
      return;
    }
    const goneKeys = this.#deletedAfter(span, revision);
    let gone = goneKeys.next();
    for (const record of this.#latest(span, pieceHint)) {
      const key = keyLatin1Of(record);
      for (; !gone.done && gone.value < key; gone = goneKeys.next()) {
        const old = this.recordAt(bytesFromLatin1(gone.value), revision);
        if (old !== undefined) yield old;
      }
      if (!gone.done && gone.value === key) gone = goneKeys.next();
      const visible = modRevisionOf(record) <= revision ? record : this.recordAt(keyOf(record), revision);
      if (visible !== undefined) yield visible;
    }
    for (; !gone.done; gone = goneKeys.next()) {
      const old = this.recordAt(bytesFromLatin1(gone.value), revision);
      if (old !== undefined) yield old;
    }
  }

  /** The keys of a span with their numbers, in order, the newest state. */
  *keys(span: TextSpan, pieceHint: number): Generator<BodyKey> {
    let start = span.start;
    for (let rows = firstPiece(pieceHint); ; rows = Math.min(rows * 4, pieceRowsMax)) {
      const piece = this.#reader.keys({ start, end: span.end }, rows);
      yield* piece;
      if (piece.length < rows) return;
      start = `${(piece[rows - 1] as BodyKey).key}\0`;
    }
  }

  /** Whole fences are summed; of the two at the ends the keys inside are counted. */
  count(span: TextSpan): number {
    const fences = this.#fences;
    const first = fences.find(span.start);
    const last = span.end === undefined ? fences.length : fences.find(span.end);
    if (first === last) return this.#countPart(first, span);
    let from = first;
    let count = 0;
    if (span.start > fences.keyAt(first)) {
      from = first + 1;
      count += this.#countPart(first, { start: span.start, end: this.#fenceEnd(first) });
    }
    if (last < fences.length && span.end !== undefined && fences.keyAt(last) < span.end) {
      count += this.#countPart(last, { start: fences.keyAt(last), end: span.end });
    }
    return count + fences.sum(from, last);
  }

  /** How the number of keys in a span has changed from place `from` of the history on. */
  changeSince(span: TextSpan, from: number): number {
    let change = 0;
    for (let seq = from; seq <= this.lastSeq; ) {
      const piece = this.#reader.countChanges(seq, pieceRowsMax);
      for (const row of piece.rows) if (spanHas(span, keyLatin1Of(row.record))) change += row.change;
      seq = piece.nextSeq;
    }
    return change;
  }

  /** Keys of the span that were deleted after a revision, in order; some that were not may be among them. */
  *#deletedAfter(span: TextSpan, revision: Revision): Generator<string> {
    if (this.#counts.covers(revision)) {
      yield* this.#counts.deletedAfter(span, revision);
      return;
    }
    let key = this.#reader.nextSigned(span, revision);
    while (key !== undefined) {
      yield key;
      key = this.#reader.nextSigned({ start: `${key}\0`, end: span.end }, revision);
    }
  }

  *#latest(span: TextSpan, pieceHint: number): Generator<Uint8Array> {
    for (const piece of this.#pieces(span, Number.POSITIVE_INFINITY, pieceHint)) yield* piece;
  }

  /**
   * The first `limit` records of a span in the body. A fence that lies in the span is read as a whole and kept as a block; one that is
   * cut by the span comes from its block, if it has one, or from SQL; half of it is taken to be wanted. `hint` says how many records will
   * probably be read in all.
   */
  *#pieces(span: TextSpan, limit: number, hint: number): Generator<Uint8Array[]> {
    const fences = this.#fences;
    let { start } = span;
    let left = limit;
    let rowsMax = rowsOfSize(this.averageRecordBytes);
    for (let place = fences.find(start); place < fences.length && left > 0; ) {
      const fenceEnd = this.#fenceEnd(place);
      const isLast = fenceEnd === undefined || (span.end !== undefined && span.end <= fenceEnd);
      const count = fences.countAt(place);
      const isWhole = start <= fences.keyAt(place) && !isLast && count <= Math.min(left, hint, rowsMax);
      const block = isWhole
        ? this.#blocks.forWhole(place)
        : count <= rowsMax
          ? this.#blocks.forPart(place, Math.min(left, Math.ceil(count / 2)))
          : undefined;
      let piece: Uint8Array[] = [];
      let isCut = false;
      if (block !== undefined) {
        const from = isWhole ? 0 : block.lowerBound(start);
        const to = isWhole || span.end === undefined ? block.length : block.lowerBound(span.end);
        piece = block.records(from, Math.min(to, from + left));
      } else if (count > 0) {
        const rows = Math.min(left, count, rowsMax, Math.max(hint, pieceRowsMin));
        piece = this.#reader.latest({ start, end: isLast ? span.end : fenceEnd }, rows);
        isCut = piece.length === rows && rows < Math.min(left, count);
        rowsMax = Math.min(rowsMax, rowsOfSize(averageOf(piece)));
      }
      if (piece.length > 0) yield piece;
      left -= piece.length;
      if (isCut) start = `${keyLatin1Of(piece[piece.length - 1] as Uint8Array)}\0`;
      else if (isLast) return;
      else {
        start = fenceEnd;
        place++;
      }
    }
  }

  #countPart(place: number, span: TextSpan): number {
    if (this.#fences.countAt(place) === 0) return 0;
    const block = this.#blocks.forPart(place, rowsOfCount);
    if (block === undefined) return this.#reader.count(span);
    const to = span.end === undefined ? block.length : block.lowerBound(span.end);
    return to - block.lowerBound(span.start);
  }

  #fenceEnd(place: number): string | undefined {
    return place + 1 < this.#fences.length ? this.#fences.keyAt(place + 1) : undefined;
  }
}

/** Rows of a size that make a piece. */
function rowsOfSize(bytes: number): number {
  return Math.min(Math.max(Math.floor(pieceBytes / bytes), 1), pieceRowsMax);
}

function averageOf(records: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const record of records) bytes += record.length;
  return bytes / Math.max(records.length, 1) + 1;
}

function firstPiece(hint: number): number {
  return Math.min(Math.max(hint, pieceRowsMin), pieceRowsMax);
}
