import type { Statement } from "better-sqlite3";
import { keyOf } from "../record.js";
import { type Connection, rowKind } from "./schema.js";
import { type HistoryEnd, seqOfRevision } from "./seq-search.js";

/** One slice of a compaction: rows after `afterSeq` (0: from the beginning), up to revision `to`. */
export type CompactionSlice = Readonly<{ from: number; to: number; afterSeq: number; rows: number }>;

type Row = [seq: number, main: number, kind: number, previous: number | null, record: Uint8Array | null];

/**
 * Removes what nobody can read any more. Walks the changes between the last finished compaction and this one, in order, and removes
 * what each supersedes; what is older and still there was live then, so nothing else can be superseded. A deletion goes too, but one
 * made exactly at the compaction revision stays for watchers that begin there, and goes next time.
 */
export class Compactor {
  readonly #rows: Statement;
  readonly #mainAt: Statement;
  readonly #removeRow: Statement;
  readonly #removeSignpost: Statement;

  constructor(db: Connection) {
    this.#rows = db
      .prepare(
        `SELECT seq, main, kind, previous, CASE WHEN kind <> ${rowKind.put} THEN record END
         FROM history WHERE seq > ? ORDER BY seq LIMIT ?`,
      )
      .raw();
    this.#mainAt = db.prepare("SELECT seq, main FROM history WHERE seq >= ? ORDER BY seq LIMIT 1");
    this.#removeRow = db.prepare("DELETE FROM history WHERE seq = ?");
    this.#removeSignpost = db.prepare("DELETE FROM versions WHERE key = ? AND main = ? AND seq = ?");
  }

  /** Does one slice; call it in a transaction. @returns where the next one begins, undefined when it is over. */
  advance(slice: CompactionSlice, end: HistoryEnd): { afterSeq: number | undefined; rows: number; removed: number } {
    const afterSeq = slice.afterSeq === 0 ? this.#firstSeq(slice.from, end) - 1 : slice.afterSeq;
    const rows = this.#rows.all(afterSeq, slice.rows) as Row[];
    const doomed: number[] = [];
    let last: number | undefined;
    let looked = 0;
    for (const [seq, main, kind, previous, record] of rows) {
      if (main > slice.to) {
        last = undefined;
        break;
      }
      looked++;
      last = seq;
      if (previous !== null) doomed.push(previous);
      if (kind === rowKind.deletion && main < slice.to) doomed.push(seq);
      if (record !== null) this.#removeSignpost.run(keyOf(record), main, seq);
    }
    let removed = 0;
    for (const seq of doomed.sort((a, b) => a - b)) removed += this.#removeRow.run(seq).changes;
    return { afterSeq: rows.length < slice.rows ? undefined : last, rows: looked, removed };
  }

  #firstSeq(revision: number, end: HistoryEnd): number {
    return seqOfRevision(end, revision, (seq) => this.#mainAt.get(seq) as { seq: number; main: number } | undefined);
  }
}
