import type { Statement } from "better-sqlite3";
import type { LeaseId, Revision } from "@quorate/common";
import { bytesFromLatin1, latin1FromBytes, latin1FromSlice, type TextSpan } from "../key-range.js";
import type { Attachment } from "../mvcc.js";
import { splitRecords } from "../block.js";
import { keyLatin1Of } from "../record.js";
import { type Connection, rowKind } from "./schema.js";

/** What the body knows of a key beside its value. */
export type BodyMeta = Readonly<{
  kind: "put";
  seq: number;
  revision: Revision;
  createRevision: Revision;
  version: number;
  lease: LeaseId | undefined;
}>;

/** One row of the history. */
export type BodyRow = Readonly<{
  seq: number;
  revision: number;
  isDeletion: boolean;
  previous: number;
  record: Uint8Array;
}>;

/** A key with its numbers, value unread. */
export type BodyKey = Readonly<{ key: string; createRevision: number; modRevision: number; version: number }>;

/** A row of the history with its place, as `history` walks it. */
export type HistoryRow = Readonly<{ seq: number; main: number; sub: number; isDeletion: boolean; record: Uint8Array }>;

/** A statement over a span, in the form for both kinds of end. Placeholders: start, (end), then the rest. */
type SpanStatement = Readonly<{ bounded: Statement; open: Statement }>;

const noKey = Buffer.alloc(0);

/**
 * Reads the body at one state: that of the last confirmed flush. A read transaction stays open between two `refresh` calls, so
 * that a point read costs no locks (1 to 3 instead of 4 to 10 microseconds) and head and body fit together exactly.
 */
export class BodyReader {
  readonly #db: Connection;
  readonly #meta: Statement;
  readonly #lease: Statement;
  readonly #record: Statement;
  readonly #latestOne: Statement;
  readonly #row: Statement;
  readonly #latest: SpanStatement;
  readonly #keys: SpanStatement;
  readonly #count: SpanStatement;
  readonly #signpost: Statement;
  readonly #nextSigned: SpanStatement;
  readonly #history: Statement;
  readonly #changes: Statement;
  readonly #mainAt: Statement;

  constructor(db: Connection) {
    this.#db = db;
    const span = (sql: string, mode: "raw" | "pluck"): SpanStatement => ({
      bounded: db.prepare(sql.replaceAll("SPAN", "key >= ? AND key < ?"))[mode](),
      open: db.prepare(sql.replaceAll("SPAN", "key >= ?"))[mode](),
    });
    this.#meta = db.prepare("SELECT seq, mod, created, version, lease IS NOT NULL FROM latest WHERE key = ?").raw();
    this.#lease = db.prepare("SELECT lease FROM latest WHERE key = ?").pluck().safeIntegers();
    this.#record = db.prepare("SELECT record FROM history WHERE seq = ?").pluck();
    this.#latestOne = db
      .prepare("SELECT record FROM history WHERE seq = (SELECT seq FROM latest WHERE key = ?)")
      .pluck();
    this.#row = db.prepare("SELECT main, kind, coalesce(previous, 0), record FROM history WHERE seq = ?").raw();
    // One blob of all records instead of a buffer for each: SQLite joins them at a fifth of the cost. The casts change no byte.
    this.#latest = span(
      `SELECT CAST(group_concat(CAST(r AS TEXT), '') AS BLOB) FROM (SELECT h.record AS r FROM latest l
       CROSS JOIN history h ON h.seq = l.seq WHERE SPAN ORDER BY key LIMIT ?)`,
      "pluck",
    );
    this.#keys = span(
      `SELECT CAST(group_concat(CAST(key AS TEXT), '') AS BLOB), group_concat(length(key) || ',' || created || ',' || mod || ',' || version)
       FROM (SELECT * FROM latest WHERE SPAN ORDER BY key LIMIT ?)`,
      "raw",
    );
    this.#count = span("SELECT count(*) FROM latest WHERE SPAN", "pluck");
    this.#signpost = db
      .prepare("SELECT seq FROM versions WHERE key = ? AND main > ? ORDER BY main, seq LIMIT 1")
      .pluck();
    this.#nextSigned = span("SELECT key FROM versions WHERE SPAN AND main > ? ORDER BY key LIMIT 1", "pluck");
    this.#history = db
      .prepare(
        `SELECT CAST(group_concat(CAST(record AS TEXT), '') AS BLOB), group_concat(seq || ',' || main || ',' || sub || ',' || kind, ';')
       FROM (SELECT * FROM history WHERE seq >= ? ORDER BY seq LIMIT ?)`,
      )
      .raw();
    this.#changes = db
      .prepare(
        `SELECT CAST(group_concat(CAST(record AS TEXT), '') AS BLOB), group_concat(kind), max(seq) FROM (SELECT * FROM history
         WHERE seq >= ? AND (previous IS NULL OR kind = 1) ORDER BY seq LIMIT ?)`,
      )
      .raw();
    this.#mainAt = db.prepare("SELECT seq, main FROM history WHERE seq >= ? ORDER BY seq LIMIT 1").raw();
    this.#begin();
  }

  /** Moves on to what has been committed since. */
  refresh(): void {
    this.#db.exec("COMMIT");
    this.#begin();
  }

  /** The keys that hang on a lease, lease by lease. */
  *attachments(): IterableIterator<Attachment> {
    const sql = "SELECT lease, key FROM latest INDEXED BY leased WHERE lease IS NOT NULL ORDER BY lease, key";
    for (const row of this.#db.prepare(sql).raw().safeIntegers().iterate()) {
      const [lease, key] = row as [LeaseId, Uint8Array];
      yield { lease, key };
    }
  }

  close(): void {
    this.#db.close();
  }

  meta(key: Uint8Array): BodyMeta | undefined {
    const row = this.#meta.get(key) as [number, Revision, Revision, number, number] | undefined;
    if (row === undefined) return undefined;
    const lease = row[4] === 1 ? (this.#lease.get(key) as LeaseId) : undefined;
    return { kind: "put", seq: row[0], revision: row[1], createRevision: row[2], version: row[3], lease };
  }

  /** The record of a row that is known to be there. */
  record(seq: number): Uint8Array | undefined {
    return this.#record.get(seq) as Uint8Array | undefined;
  }

  row(seq: number): BodyRow | undefined {
    const row = this.#row.get(seq) as [number, number, number, Uint8Array] | undefined;
    if (row === undefined) return undefined;
    return { seq, revision: row[0], isDeletion: row[1] === rowKind.deletion, previous: row[2], record: row[3] };
  }

  /** Up to `limit` records of the latest state, in key order. */
  latest(span: TextSpan, limit: number): Uint8Array[] {
    return splitRecords(this.latestBytes(span, limit));
  }

  /** As `latest`, one after the other. */
  latestBytes(span: TextSpan, limit: number): Uint8Array | null {
    try {
      return runSpan(this.#latest, span, limit) as Uint8Array | null;
    } catch (error) {
      // More than SQLite puts into one value (1 GB). Rare, and then the copying is not what takes the time.
      if ((error as { code?: string }).code !== "SQLITE_TOOBIG" || limit === 1) throw error;
      return this.#latestInHalves(span, limit);
    }
  }

  #latestInHalves(span: TextSpan, limit: number): Uint8Array | null {
    const first = this.latestBytes(span, limit >>> 1);
    if (first === null) return null;
    const last = splitRecords(first).at(-1) as Uint8Array;
    const rest = this.latestBytes({ start: `${keyLatin1Of(last)}\0`, end: span.end }, limit - (limit >>> 1));
    return rest === null ? first : Buffer.concat([first, rest]);
  }

  /** The latest record of a key. */
  latestOf(key: Uint8Array): Uint8Array | undefined {
    return this.#latestOne.get(key) as Uint8Array | undefined;
  }

  /** Up to `limit` keys of the latest state with their numbers, in key order. */
  keys(span: TextSpan, limit: number): BodyKey[] {
    const [bytes, text] = runSpan(this.#keys, span, limit) as [Uint8Array | null, string | null];
    if (bytes === null || text === null) return [];
    const numbers = text.split(",");
    const keys: BodyKey[] = [];
    for (let i = 0, at = 0; i < numbers.length; i += 4) {
      const end = at + Number(numbers[i]);
      const key = latin1FromSlice(bytes, at, end);
      const [createRevision, modRevision, version] = [
        Number(numbers[i + 1]),
        Number(numbers[i + 2]),
        Number(numbers[i + 3]),
      ];
      keys.push({ key, createRevision, modRevision, version });
      at = end;
    }
    return keys;
  }

  /** Counts by walking: for stretches known to be short. */
  count(span: TextSpan): number {
    return runSpan(this.#count, span) as number;
  }

  /** The key's first signpost after a revision. */
  signpostAfter(key: Uint8Array, revision: number): number | undefined {
    return this.#signpost.get(key, revision) as number | undefined;
  }

  /** The first key of the span that has a signpost after a revision. */
  nextSigned(span: TextSpan, revision: number): string | undefined {
    const key = runSpan(this.#nextSigned, span, revision) as Uint8Array | undefined;
    return key === undefined ? undefined : latin1FromBytes(key);
  }

  /** Up to `limit` rows of the history from `seq` on. */
  history(seq: number, limit: number): HistoryRow[] {
    const [bytes, text] = this.#history.get(seq, limit) as [Uint8Array | null, string | null];
    if (bytes === null || text === null) return [];
    const places = text.split(";");
    return splitRecords(bytes).map((record, i) => {
      const [at, main, sub, kind] = (places[i] as string).split(",");
      return {
        seq: Number(at),
        main: Number(main),
        sub: Number(sub),
        isDeletion: Number(kind) === rowKind.deletion,
        record,
      };
    });
  }

  /** Rows from `seq` on that made (1) or removed (-1) a key. `nextSeq` is infinite when there are no more. */
  countChanges(
    seq: number,
    limit: number,
  ): { rows: readonly { record: Uint8Array; change: number }[]; nextSeq: number } {
    const [bytes, kinds, last] = this.#changes.get(seq, limit) as [Uint8Array | null, string | null, number | null];
    const records = splitRecords(bytes);
    const kindOf = (i: number): number => Number((kinds as string)[i * 2]);
    const rows = records.map((record, i) => ({ record, change: kindOf(i) === rowKind.deletion ? -1 : 1 }));
    return { rows, nextSeq: last === null || rows.length < limit ? Number.POSITIVE_INFINITY : last + 1 };
  }

  /** The first row at or after `seq`: its place and revision. */
  mainAt(seq: number): { seq: number; main: number } | undefined {
    const row = this.#mainAt.get(seq) as [number, number] | undefined;
    return row === undefined ? undefined : { seq: row[0], main: row[1] };
  }

  #begin(): void {
    this.#db.exec("BEGIN");
    // A transaction sees the state of its first read, so it reads something now.
    this.#meta.get(noKey);
  }
}

function runSpan(statement: SpanStatement, span: TextSpan, ...rest: number[]): unknown {
  const start = bytesFromLatin1(span.start);
  if (span.end === undefined) return statement.open.get(start, ...rest);
  return statement.bounded.get(start, bytesFromLatin1(span.end), ...rest);
}
