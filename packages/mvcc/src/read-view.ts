import { assert, type LeaseId, type Revision } from "@quorate/common";
import type { BlockCache } from "./block-cache.js";
import type { Fences } from "./body/fences.js";
import type { BodyKey, BodyReader } from "./body/reader.js";
import { seqOfRevision } from "./body/seq-search.js";
import type { Head } from "./head.js";
import type { HeadVersion } from "./head-layer.js";
import {
  bytesFromLatin1,
  isEmptySpan,
  type KeyRange,
  latin1FromBytes,
  spanHas,
  type TextSpan,
  textSpanOf,
} from "./key-range.js";
import { encodeRecord, keyLatin1Of, keyOf, modRevisionOf } from "./record.js";
import { Slab } from "./slab.js";

/** The state of a key that exists. */
export type FoundKey = Readonly<{
  seq: number;
  revision: Revision;
  createRevision: Revision;
  version: number;
  lease: LeaseId | undefined;
  /** Absent: the record is in the body, under `seq`. */
  record?: Uint8Array;
}>;

/** Bytes meant to be read from the body in one piece: a few milliseconds. */
const pieceBytes = 2 * 1024 * 1024;

/** What counting within a fence costs, in rows that are read: it only walks keys. */
const rowsOfCount = 16;

/** Rows read in one piece: first and following ones. */
const pieceRowsMin = 32;
const pieceRowsMax = 512;

const noValue = new Uint8Array(0);

/** Head and body as one: the head wins. All reads of the store and of its transactions go through here. */
export class ReadView {
  readonly #head: Head;
  readonly #body: BodyReader;
  readonly #fences: Fences;
  readonly #blocks: BlockCache;
  readonly #slab = new Slab();
  /** The revision up to which the body holds everything. */
  bodyRevision: Revision;
  /** The last `seq` in the body. */
  bodySeq: number;
  /** Bytes of the file for each record in it. */
  averageRecordBytes = 1;

  constructor(
    parts: { head: Head; body: BodyReader; fences: Fences; blocks: BlockCache },
    state: { revision: Revision; seq: number },
  ) {
    this.#head = parts.head;
    this.#body = parts.body;
    this.#fences = parts.fences;
    this.#blocks = parts.blocks;
    this.bodyRevision = state.revision;
    this.bodySeq = state.seq;
  }

  /** The newest state of a key; undefined when it does not exist. */
  find(key: Uint8Array, keyLatin1: string): FoundKey | undefined {
    const version = this.#head.newest(keyLatin1);
    if (version !== undefined) return version.kind === "put" ? version : undefined;
    return this.#body.meta(key);
  }

  /** The record of a key that was found just now. */
  recordOf(found: FoundKey): Uint8Array {
    const record = found.record ?? this.#body.record(found.seq);
    assert(record !== undefined, "the latest row of a key has its row in the history");
    return record;
  }

  /** The record of a key as of a revision that is still kept. */
  recordAt(key: Uint8Array, keyLatin1: string, revision: Revision): Uint8Array | undefined {
    const version = this.#head.at(keyLatin1, revision);
    if (version !== undefined) return version.kind === "put" ? version.record : undefined;
    return this.#bodyRecordAt(key, revision);
  }

  /** The first `limit` records of a range in an array: the plain case of a range read, without a generator for each record. */
  firstRecords(range: KeyRange, revision: Revision | undefined, limit: number): Uint8Array[] {
    const span = textSpanOf(range);
    const isPlain =
      range.kind === "span" && (revision === undefined || revision >= this.bodyRevision) && !isEmptySpan(span);
    if (isPlain && this.#head.isEmptyIn(span)) return this.#bodyFirst(span, limit);
    const records: Uint8Array[] = [];
    if (limit === 0) return records;
    for (const record of this.records(range, revision, limit)) {
      records.push(record);
      // Not one step further: the next record may cost another read.
      if (records.length === limit) break;
    }
    return records;
  }

  /**
   * Records of the keys in a range, in key order. `revision` undefined: the newest, the writes of an open transaction included.
   * Reads the body in pieces that grow up to `pieceHint`.
   */
  *records(range: KeyRange, revision: Revision | undefined, pieceHint: number): Generator<Uint8Array> {
    const span = textSpanOf(range);
    if (isEmptySpan(span)) return;
    if (range.kind === "key") {
      const record = this.#recordOfKey(range.key, span.start, revision);
      if (record !== undefined) yield record;
      return;
    }
    const head = this.#head.walk(span, revision);
    let next = head.next();
    for (const record of this.#bodyRecords(span, revision, pieceHint)) {
      if (next.done === true) {
        yield record;
        continue;
      }
      const key = keyLatin1Of(record);
      for (; !next.done && next.value.keyLatin1 < key; next = head.next())
        if (next.value.kind === "put") yield next.value.record;
      if (!next.done && next.value.keyLatin1 === key) {
        if (next.value.kind === "put") yield next.value.record;
        next = head.next();
      } else yield record;
    }
    for (; !next.done; next = head.next()) if (next.value.kind === "put") yield next.value.record;
  }

  /** As `records` at the newest state, without values and leases; the body's values stay unread. */
  *keyRecords(range: KeyRange, pieceHint: number): Generator<Uint8Array> {
    const span = textSpanOf(range);
    if (isEmptySpan(span)) return;
    const head = this.#head.walk(span, undefined);
    let next = head.next();
    for (const found of this.#bodyKeys(span, pieceHint)) {
      for (; !next.done && next.value.keyLatin1 < found.key; next = head.next()) {
        if (next.value.kind === "put") yield this.#keyRecordOf(next.value);
      }
      if (!next.done && next.value.keyLatin1 === found.key) {
        if (next.value.kind === "put") yield this.#keyRecordOf(next.value);
        next = head.next();
      } else yield this.#bodyKeyRecord(found);
    }
    for (; !next.done; next = head.next()) if (next.value.kind === "put") yield this.#keyRecordOf(next.value);
  }

  /** Keys in a range now, the writes of an open transaction included. Walks two fences at most. */
  count(range: KeyRange): number {
    const span = textSpanOf(range);
    if (isEmptySpan(span)) return 0;
    if (range.kind === "key") return this.find(range.key, span.start) === undefined ? 0 : 1;
    return this.#bodyCount(span) + this.#head.countChange(span);
  }

  /** Keys in a range as of a revision: the count now, corrected by what was created and deleted since. */
  countAt(range: KeyRange, revision: Revision): number {
    if (range.kind === "key")
      return this.recordAt(range.key, latin1FromBytes(range.key), revision) === undefined ? 0 : 1;
    const span = textSpanOf(range);
    if (isEmptySpan(span)) return 0;
    const now = this.count(range);
    if (this.#head.counts.covers(revision)) return now - this.#head.counts.changeAfter(span, revision);
    const from = this.seqOf((revision + 1) as Revision);
    // Both walks are exact; the shorter one is taken.
    if (this.bodySeq - from > now) return this.#countByWalk(range, revision);
    return now - this.#headChangeSince(span, revision) - this.#bodyChangeSince(span, from);
  }

  /** The first `seq` of the body at or after a revision, `bodySeq + 1` when there is none. */
  seqOf(revision: Revision): number {
    const end = { lastSeq: this.bodySeq, lastRevision: this.bodyRevision };
    return seqOfRevision(end, revision, (seq) => this.#body.mainAt(seq));
  }

  #recordOfKey(key: Uint8Array, keyLatin1: string, revision: Revision | undefined): Uint8Array | undefined {
    if (revision !== undefined) return this.recordAt(key, keyLatin1, revision);
    const version = this.#head.newest(keyLatin1);
    if (version !== undefined) return version.kind === "put" ? version.record : undefined;
    const block = this.#blocks.forPart(this.#fences.find(keyLatin1), 1);
    return block === undefined ? this.#body.latestOf(key) : block.find(keyLatin1);
  }

  #bodyRecordAt(key: Uint8Array, revision: Revision): Uint8Array | undefined {
    const latest = this.#body.meta(key);
    if (latest !== undefined && latest.revision <= revision) return this.recordOf(latest);
    let seq = this.#body.signpostAfter(key, revision) ?? latest?.seq ?? 0;
    while (seq !== 0) {
      const row = this.#body.row(seq);
      // A superseded row that is gone was a deletion that compaction removed, or nothing that this revision may see.
      if (row === undefined) return undefined;
      if (row.revision <= revision) return row.isDeletion ? undefined : row.record;
      seq = row.previous;
    }
    return undefined;
  }

  *#bodyRecords(span: TextSpan, revision: Revision | undefined, pieceHint: number): Generator<Uint8Array> {
    if (revision === undefined || revision >= this.bodyRevision) {
      yield* this.#bodyLatest(span, pieceHint);
      return;
    }
    const goneKeys = this.#deletedAfter(span, revision);
    let gone = goneKeys.next();
    for (const record of this.#bodyLatest(span, pieceHint)) {
      const key = keyLatin1Of(record);
      for (; !gone.done && gone.value < key; gone = goneKeys.next()) {
        const old = this.#bodyRecordAt(bytesFromLatin1(gone.value), revision);
        if (old !== undefined) yield old;
      }
      if (!gone.done && gone.value === key) gone = goneKeys.next();
      const visible = modRevisionOf(record) <= revision ? record : this.#bodyRecordAt(keyOf(record), revision);
      if (visible !== undefined) yield visible;
    }
    for (; !gone.done; gone = goneKeys.next()) {
      const old = this.#bodyRecordAt(bytesFromLatin1(gone.value), revision);
      if (old !== undefined) yield old;
    }
  }

  /** Keys of the span that were deleted after a revision, in order; some that were not may be among them. */
  *#deletedAfter(span: TextSpan, revision: Revision): Generator<string> {
    if (this.#head.counts.covers(revision)) {
      yield* this.#head.counts.deletedAfter(span, revision);
      return;
    }
    let key = this.#body.nextSigned(span, revision);
    while (key !== undefined) {
      yield key;
      key = this.#body.nextSigned({ start: `${key}\0`, end: span.end }, revision);
    }
  }

  /** The first `limit` records of a span in the body, fence by fence where there are blocks. */
  #bodyFirst(span: TextSpan, limit: number): Uint8Array[] {
    const records: Uint8Array[] = [];
    for (const piece of this.#bodyPieces(span, limit)) for (const record of piece) records.push(record);
    return records;
  }

  *#bodyLatest(span: TextSpan, pieceHint: number): Generator<Uint8Array> {
    for (const piece of this.#bodyPieces(span, Number.POSITIVE_INFINITY, pieceHint)) yield* piece;
  }

  /**
   * The first `limit` records of a span in the body. A fence that lies in the span is read as a whole and kept as a block; one that is
   * cut by the span comes from its block, if it has one, or from SQL. `hint` says how many will probably be read.
   */
  *#bodyPieces(span: TextSpan, limit: number, hint = limit): Generator<Uint8Array[]> {
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
          ? this.#blocks.forPart(place, Math.min(left, count))
          : undefined;
      let piece: Uint8Array[] = [];
      let isCut = false;
      if (block !== undefined) {
        const from = isWhole ? 0 : block.lowerBound(start);
        const to = isWhole || span.end === undefined ? block.length : block.lowerBound(span.end);
        piece = block.records(from, Math.min(to, from + left));
      } else if (count > 0) {
        const rows = Math.min(left, count, rowsMax);
        piece = this.#body.latest({ start, end: isLast ? span.end : fenceEnd }, rows);
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

  *#bodyKeys(span: TextSpan, pieceHint: number): Generator<BodyKey> {
    let start = span.start;
    for (let rows = firstPiece(pieceHint); ; rows = Math.min(rows * 4, pieceRowsMax)) {
      const piece = this.#body.keys({ start, end: span.end }, rows);
      yield* piece;
      if (piece.length < rows) return;
      start = `${(piece[rows - 1] as BodyKey).key}\0`;
    }
  }

  #keyRecordOf(version: HeadVersion): Uint8Array {
    const { createRevision, revision, version: number } = version;
    const numbers = { createRevision, modRevision: revision, version: number, lease: undefined };
    return encodeRecord(this.#slab, version.key, noValue, numbers);
  }

  #bodyKeyRecord(found: BodyKey): Uint8Array {
    const { createRevision, modRevision, version } = found;
    return encodeRecord(this.#slab, bytesFromLatin1(found.key), noValue, {
      createRevision: createRevision as Revision,
      modRevision: modRevision as Revision,
      version,
      lease: undefined,
    });
  }

  /** Whole fences are summed; of the two at the ends the keys inside are counted. */
  #bodyCount(span: TextSpan): number {
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

  #countPart(place: number, span: TextSpan): number {
    if (this.#fences.countAt(place) === 0) return 0;
    const block = this.#blocks.forPart(place, rowsOfCount);
    if (block === undefined) return this.#body.count(span);
    const to = span.end === undefined ? block.length : block.lowerBound(span.end);
    return to - block.lowerBound(span.start);
  }

  #fenceEnd(place: number): string | undefined {
    return place + 1 < this.#fences.length ? this.#fences.keyAt(place + 1) : undefined;
  }

  #headChangeSince(span: TextSpan, revision: Revision): number {
    let change = 0;
    for (const version of this.#head.changesFrom((revision + 1) as Revision)) {
      const { countChange } = version;
      if (countChange !== 0 && spanHas(span, version.keyLatin1)) change += countChange;
    }
    return change;
  }

  #bodyChangeSince(span: TextSpan, from: number): number {
    let change = 0;
    for (let seq = from; seq <= this.bodySeq; ) {
      const piece = this.#body.countChanges(seq, pieceRowsMax);
      for (const row of piece.rows) if (spanHas(span, keyLatin1Of(row.record))) change += row.change;
      seq = piece.nextSeq;
    }
    return change;
  }

  #countByWalk(range: KeyRange, revision: Revision): number {
    let count = 0;
    for (const _ of this.records(range, revision, pieceRowsMax)) count++;
    return count;
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
