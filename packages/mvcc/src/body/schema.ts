import Database from "better-sqlite3";
import { type MvccFault, MvccError } from "../mvcc-error.js";
import { createPrivateFile, fileBytes } from "./files.js";

/** The connection type of better-sqlite3. */
export type Connection = Database.Database;

/** "QUOR": marks a file as ours. */
const applicationId = 0x51554f52;
/** What is kept of SQLite's log file when it begins anew: it may have grown while a backup read an older state. */
const walBytesKept = 128 * 1024 * 1024;

/** Raised when an older program could not read the file any more. */
const formatVersion = 1;

/**
 * Latest state and history apart. `latest` points into `history`, which holds every record once, in the order of the changes:
 * a put writes its value at the end of one table and a few bytes at a random place of a small one.
 *
 * - `history`: one row a change. `previous` is the row it supersedes (the same key's, absent after a creation or a deletion), so
 *   compaction to R walks the rows of (last, R] and removes what they supersede. `kind`: 0 put, 1 deletion, 2 put that has a row
 *   in `versions`.
 * - `versions`: signposts for reads at old revisions: all deletions, and every eighth version of a key. Such a read finds the first
 *   signpost after its revision, or the latest row, and follows `previous` at most eight times.
 * - `leased`: the keys that hang on a lease, by lease, so that a start finds them without reading the others.
 * - `fences`: stretches of a few hundred keys with their counts, so that nothing counts by walking.
 */
const tables = `
CREATE TABLE latest(key BLOB PRIMARY KEY, seq INTEGER NOT NULL, mod INTEGER NOT NULL, created INTEGER NOT NULL,
  version INTEGER NOT NULL, lease INTEGER) STRICT, WITHOUT ROWID;
CREATE INDEX leased ON latest(lease, key) WHERE lease IS NOT NULL;
CREATE TABLE history(seq INTEGER PRIMARY KEY, main INTEGER NOT NULL, sub INTEGER NOT NULL, kind INTEGER NOT NULL,
  previous INTEGER, record BLOB NOT NULL) STRICT;
CREATE TABLE versions(key BLOB NOT NULL, main INTEGER NOT NULL, seq INTEGER NOT NULL,
  PRIMARY KEY(key, main, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE fences(first_key BLOB PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE bucket(name TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY(name, key)) STRICT, WITHOUT ROWID;
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

/** Kinds of history rows. */
export const rowKind = { put: 0, deletion: 1, signpost: 2 } as const;

/** Settings of the writing connection. */
export type WriterSettings = Readonly<{ path: string; pageBytes: number; cacheBytes: number }>;

/** Opens or creates the database for writing. @throws MvccError with the path when the file can not be used. */
export function openForWriting(settings: WriterSettings): Connection {
  return withOpenFaults(settings.path, () => {
    createPrivateFile(settings.path);
    const db = new Database(settings.path);
    try {
      db.pragma("busy_timeout = 5000");
      const isNew = checkOwner(db, settings.path);
      if (isNew) setPragma(db, "page_size", settings.pageBytes);
      if (isNew) setPragma(db, "auto_vacuum", 2);
      setPragma(db, "journal_mode", "wal");
      setPragma(db, "synchronous", 1);
      setPragma(db, "wal_autocheckpoint", 0);
      setPragma(db, "cache_size", -Math.ceil(settings.cacheBytes / 1024));
      setPragma(db, "temp_store", 2);
      setPragma(db, "journal_size_limit", walBytesKept);
      if (isNew) createTables(db);
      checkLength(db, settings.path);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** Opens the database for reading. */
export function openForReading(settings: { path: string; cacheBytes: number }): Connection {
  return withOpenFaults(settings.path, () => {
    const db = new Database(settings.path, { readonly: true });
    db.pragma("busy_timeout = 5000");
    setPragma(db, "cache_size", -Math.ceil(settings.cacheBytes / 1024));
    return db;
  });
}

/**
 * Opens a whole file that is nobody's at the moment, for a look. Nothing beside it counts.
 * @throws MvccError as `openForWriting`, and when the file is empty.
 */
export function openWhole<T>(path: string, look: (db: Connection) => T): T {
  return withOpenFaults(path, () => {
    const db = new Database(path, { readonly: true });
    try {
      if (checkOwner(db, path)) throw new MvccError({ code: "mvcc/foreign-file", path, reason: "an empty database" });
      checkLength(db, path);
      for (const table of ["latest", "history", "versions", "fences"])
        db.prepare(`SELECT * FROM ${table} LIMIT 1`).get();
      return look(db);
    } finally {
      db.close();
    }
  });
}

function createTables(db: Connection): void {
  db.exec("BEGIN IMMEDIATE");
  db.exec(tables);
  db.exec("INSERT INTO fences VALUES (x'', 0)");
  db.pragma(`application_id = ${applicationId}`);
  db.pragma(`user_version = ${formatVersion}`);
  db.exec("COMMIT");
}

/** True when the file is empty and ours to fill. */
function checkOwner(db: Connection, path: string): boolean {
  const owner = db.pragma("application_id", { simple: true });
  const format = db.pragma("user_version", { simple: true }) as number;
  if (owner === applicationId) {
    if (format > formatVersion) {
      throw new MvccError({ code: "mvcc/newer-format", path, format, supported: formatVersion });
    }
    return false;
  }
  const objects = db.prepare("SELECT count(*) FROM sqlite_schema").pluck().get();
  if (owner !== 0 || format !== 0 || objects !== 0) {
    throw new MvccError({ code: "mvcc/foreign-file", path, reason: "an SQLite database of another program" });
  }
  return true;
}

/** A file cut short opens without complaint and fails much later. Say so now. */
function checkLength(db: Connection, path: string): void {
  if (fileBytes(`${path}-wal`) > 0) return;
  const pages = db.pragma("page_count", { simple: true }) as number;
  const bytes = pages * (db.pragma("page_size", { simple: true }) as number);
  const found = fileBytes(path);
  if (found < bytes) {
    throw new MvccError({ code: "mvcc/corrupt", path, reason: `${found} bytes, ${bytes} expected` });
  }
}

function setPragma(db: Connection, name: string, value: number | string): void {
  db.pragma(`${name} = ${value}`);
  const found = db.pragma(name, { simple: true });
  if (found !== value) throw new Error(`SQLite keeps ${name} at ${found}, asked for ${value}`);
}

/** Names the path and the case of whatever SQLite and the file system answer to an attempt to open. */
function withOpenFaults<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (error instanceof MvccError) throw error;
    throw new MvccError(openFault(path, error), { cause: error });
  }
}

function openFault(path: string, error: unknown): MvccFault {
  const code = (error as { code?: unknown }).code;
  const reason = error instanceof Error ? error.message : String(error);
  if (code === "SQLITE_NOTADB") return { code: "mvcc/foreign-file", path, reason: "not an SQLite database" };
  if (isCorruption(error)) return { code: "mvcc/corrupt", path, reason };
  return { code: "mvcc/cannot-open", path, reason };
}

/** True for SQLite's errors that mean a damaged file. */
export function isCorruption(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" && (code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB");
}
