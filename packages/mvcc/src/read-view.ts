import type { LeaseId, Revision } from "@quorate/common";
import type { BodyKey } from "./body/reader.js";
import type { BodyView } from "./body-view.js";
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
import { encodeRecord, keyLatin1Of } from "./record.js";
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

const noValue = new Uint8Array(0);

/** Head and body as one: the head wins. All reads of the store and of its transactions go through here. */
export class ReadView {
  readonly #head: Head;
  readonly #slab = new Slab();
  readonly body: BodyView;

  constructor(head: Head, body: BodyView) {
    this.#head = head;
    this.body = body;
  }

  /** The newest state of a key; undefined when it does not exist. */
  find(key: Uint8Array, keyLatin1: string): FoundKey | undefined {
    const version = this.#head.newest(keyLatin1);
    if (version !== undefined) return version.kind === "put" ? version : undefined;
    return this.body.meta(key);
  }

  /** The record of a key that was found just now. */
  recordOf(found: FoundKey): Uint8Array {
    return found.record ?? this.body.record(found.seq);
  }

  /** The record of a key as of a revision that is still kept. */
  recordAt(key: Uint8Array, keyLatin1: string, revision: Revision): Uint8Array | undefined {
    const version = this.#head.at(keyLatin1, revision);
    if (version !== undefined) return version.kind === "put" ? version.record : undefined;
    return this.body.recordAt(key, revision);
  }

  /**
   * The first `limit` records of a range, and no further one once `bytesMax` are reached, in an array: without a generator for each
   * record in the plain cases: one key, and a range of which nothing is in the head.
   */
  firstRecords(
    range: KeyRange,
    revision: Revision | undefined,
    limit: number,
    bytesMax = Number.POSITIVE_INFINITY,
  ): Uint8Array[] {
    const records: Uint8Array[] = [];
    if (limit === 0) return records;
    if (range.kind === "key") {
      const record = this.#recordOfKey(range.key, latin1FromBytes(range.key), revision);
      if (record !== undefined) records.push(record);
      return records;
    }
    const span = textSpanOf(range);
    if (isEmptySpan(span)) return records;
    const hint = Math.min(limit, Math.ceil(bytesMax / this.body.averageRecordBytes));
    const isPlain = revision === undefined || revision >= this.body.revision;
    if (isPlain && this.#head.isEmptyIn(span)) {
      this.body.first(records, span, { limit, bytesMax, hint });
      return records;
    }
    let bytes = 0;
    for (const record of this.records(range, revision, hint)) {
      records.push(record);
      bytes += record.length;
      // Not one step further: the next record may cost another read.
      if (records.length >= limit || bytes >= bytesMax) break;
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
    for (const record of this.body.records(span, revision, pieceHint)) {
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
    for (const found of this.body.keys(span, pieceHint)) {
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
    return this.body.count(span) + this.#head.countChange(span);
  }

  /** Keys in a range as of a revision: the count now, corrected by what was created and deleted since. */
  countAt(range: KeyRange, revision: Revision): number {
    if (range.kind === "key")
      return this.recordAt(range.key, latin1FromBytes(range.key), revision) === undefined ? 0 : 1;
    const span = textSpanOf(range);
    if (isEmptySpan(span)) return 0;
    const now = this.count(range);
    if (this.#head.counts.covers(revision)) return now - this.#head.counts.changeAfter(span, revision);
    const from = this.body.seqOf((revision + 1) as Revision);
    // Both walks are exact; the shorter one is taken.
    if (this.body.lastSeq - from > now) return this.#countByWalk(range, revision);
    return now - this.#headChangeSince(span, revision) - this.body.changeSince(span, from);
  }

  #recordOfKey(key: Uint8Array, keyLatin1: string, revision: Revision | undefined): Uint8Array | undefined {
    if (revision !== undefined) return this.recordAt(key, keyLatin1, revision);
    const version = this.#head.newest(keyLatin1);
    if (version !== undefined) return version.kind === "put" ? version.record : undefined;
    return this.body.latestOf(key, keyLatin1);
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

  #headChangeSince(span: TextSpan, revision: Revision): number {
    let change = 0;
    for (const version of this.#head.changesFrom((revision + 1) as Revision)) {
      const { countChange } = version;
      if (countChange !== 0 && spanHas(span, version.keyLatin1)) change += countChange;
    }
    return change;
  }

  #countByWalk(range: KeyRange, revision: Revision): number {
    let count = 0;
    for (const _ of this.records(range, revision, Number.POSITIVE_INFINITY)) count++;
    return count;
  }
}
