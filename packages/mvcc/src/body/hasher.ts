import { crc32c } from "@node-rs/crc32";
import type { Statement } from "better-sqlite3";
import type { HashRequest } from "./jobs.js";
import { splitRecords } from "../block.js";
import { type Connection, rowKind } from "./schema.js";
import { seqOfRevision } from "./seq-search.js";
import { SeqSet } from "./seq-set.js";

const keyBucket = Buffer.from("key");
const underscore = 0x5f;
const deletionMark = 0x74;

/** HashKV of a store that holds nothing: the name of etcd's bucket alone. */
export const emptyHash = crc32c(keyBucket);

/**
 * One HashKV computation, in slices. Rows that come meanwhile are later than its revision; physical compaction must not go beyond
 * `request.compacted` until it is over.
 *
 * etcd skips records at or below the compaction revision that are not live at the hashed one. Here a row is live when no row up to
 * that revision supersedes it, which the first pass finds out from the `previous` of the rows since the last finished compaction.
 * @see storage.md sections 1.1 to 1.4 (etcd 3.7.1).
 */
export class Hasher {
  readonly #request: HashRequest;
  readonly #rows: Statement;
  readonly #superseders: Statement;
  readonly #superseded = new SeqSet();
  /** The last place of the rows at or below the compaction revision; 0: all rows count. */
  readonly #compactedSeq: number;
  readonly #endSeq: number;
  readonly #keepSeq: number;
  #markSeq: number;
  #hashSeq = 1;
  #hash = emptyHash;

  constructor(db: Connection, request: HashRequest, end: { lastSeq: number; lastRevision: number; keyCount: number }) {
    this.#request = request;
    this.#rows = db
      .prepare(
        `SELECT CAST(group_concat(CAST(record AS TEXT), '') AS BLOB), group_concat(seq || ',' || main || ',' || sub || ',' || kind, ';')
         FROM (SELECT * FROM history WHERE seq >= ? AND seq < ? ORDER BY seq LIMIT ?)`,
      )
      .raw();
    this.#superseders = db.prepare("SELECT previous FROM history WHERE seq >= ? AND seq < ? AND previous <= ?").pluck();
    const mainAt = db.prepare("SELECT seq, main FROM history WHERE seq >= ? ORDER BY seq LIMIT 1");
    const seqOf = (revision: number): number =>
      seqOfRevision(end, revision, (seq) => mainAt.get(seq) as { seq: number; main: number } | undefined);
    const { upTo, compacted, finished } = request;
    this.#endSeq = seqOf(upTo + 1);
    this.#compactedSeq = compacted === undefined ? 0 : seqOf(compacted + 1) - 1;
    this.#markSeq = this.#compactedSeq === 0 ? this.#endSeq : finished === undefined ? 1 : seqOf(finished + 1);
    const keepsNothing = this.#compactedSeq > 0 && !this.#keepsSomething(db, end.keyCount, seqOf(upTo));
    // With an empty keep set etcd hashes whatever compaction has left, which is what is live at the compaction revision.
    this.#keepSeq = keepsNothing ? this.#compactedSeq + 1 : this.#endSeq;
  }

  /** Works on about `limit` rows. @returns the hash when it is known. */
  advance(limit: number): number | undefined {
    if (this.#markSeq < this.#keepSeq) {
      const to = Math.min(this.#markSeq + limit, this.#keepSeq);
      for (const seq of this.#superseders.all(this.#markSeq, to, this.#compactedSeq))
        this.#superseded.add(seq as number);
      this.#markSeq = to;
      return undefined;
    }
    const [bytes, text] = this.#rows.get(this.#hashSeq, this.#endSeq, limit) as [Uint8Array | null, string | null];
    if (bytes === null || text === null) return this.#hash;
    this.#hashRows(splitRecords(bytes), text.split(";"), bytes.length);
    return undefined;
  }

  #hashRows(records: readonly Uint8Array[], places: readonly string[], bytes: number): void {
    const input = Buffer.allocUnsafe(bytes + records.length * 18);
    let at = 0;
    for (let i = 0; i < records.length; i++) {
      const [seqText, main, sub, kind] = (places[i] as string).split(",");
      const seq = Number(seqText);
      this.#hashSeq = seq + 1;
      const isDeletion = Number(kind) === rowKind.deletion;
      if (seq <= this.#compactedSeq && (isDeletion || this.#superseded.has(seq))) continue;
      at = writeRevision(input, at, Number(main), Number(sub));
      if (isDeletion) input[at++] = deletionMark;
      const record = records[i] as Uint8Array;
      input.set(record, at);
      at += record.length;
    }
    this.#hash = crc32c(input.subarray(0, at), this.#hash);
  }

  /** True when the keep set is not empty: a key is live at the revision, or the compaction keeps a deletion made at it. */
  #keepsSomething(db: Connection, keyCountNow: number, firstSeqOfRevision: number): boolean {
    const change = db
      .prepare(
        `SELECT coalesce(sum(CASE WHEN kind = ${rowKind.deletion} THEN -1 WHEN previous IS NULL THEN 1 ELSE 0 END), 0)
         FROM history WHERE seq >= ?`,
      )
      .pluck();
    if (keyCountNow - (change.get(this.#endSeq) as number) > 0) return true;
    if (!this.#request.isCompaction) return false;
    const deletion = db.prepare(
      `SELECT 1 FROM history WHERE seq >= ? AND seq < ? AND kind = ${rowKind.deletion} LIMIT 1`,
    );
    return deletion.get(firstSeqOfRevision, this.#endSeq) !== undefined;
  }
}

/** Main and sub revision, 8 bytes big endian each, with an underscore between them. */
function writeRevision(out: Buffer, position: number, main: number, sub: number): number {
  out.writeUInt32BE(Math.floor(main / 0x100000000), position);
  out.writeUInt32BE(main % 0x100000000, position + 4);
  out[position + 8] = underscore;
  out.writeUInt32BE(Math.floor(sub / 0x100000000), position + 9);
  out.writeUInt32BE(sub % 0x100000000, position + 13);
  return position + 17;
}
