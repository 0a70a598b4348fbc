import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import { afterEach, describe, expect, it } from "vitest";
import { type Mvcc, MvccError, type MvccFault, openMvcc } from "../src/index.js";
import {
  buildPorts,
  bytes,
  mustOpen,
  nextEntry,
  realClock,
  removeScratch,
  scratchDirectory,
  text,
} from "./support/open.js";
import { compactFully, everything, put, remove, oneKey, revision } from "./support/write.js";

afterEach(removeScratch);

const values = (mvcc: Mvcc): (string | undefined)[] =>
  mvcc.range({ range: everything }).records.map((record) => text(record.subarray(-1)));

function faultAtOpen(path: string): MvccFault | undefined {
  try {
    openMvcc({ path, storeThread: false }, buildPorts());
  } catch (error) {
    if (error instanceof MvccError) return error.fault;
    throw error;
  }
  return undefined;
}

describe("openMvcc", () => {
  it("makes a private file with the settings it promises", async () => {
    const path = `${scratchDirectory()}/db`;
    const mvcc = mustOpen({ path, pageBytes: 8192 });
    put(mvcc, "a", "1");
    await mvcc.flush();
    for (const name of [path, `${path}-wal`]) expect(statSync(name).mode & 0o777).toBe(0o600);
    await mvcc.close();
    const db = new Database(path);
    expect(db.pragma("page_size", { simple: true })).toBe(8192);
    expect(db.pragma("auto_vacuum", { simple: true })).toBe(2);
    expect(db.pragma("journal_mode", { simple: true })).toBe("wal");
    const tables = db
      .prepare("SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%'")
      .raw()
      .all();
    expect(tables.length).toBe(6);
    for (const [, strict] of tables as [string, number][]) expect(strict).toBe(1);
    db.close();
  });

  it("finds keys, history, side tables, compaction and applied entry again", async () => {
    const path = `${scratchDirectory()}/db`;
    const mvcc = mustOpen({ path });
    for (let i = 0; i < 5; i++) put(mvcc, `k${i}`, "1", 7n);
    put(mvcc, "k0", "2");
    remove(mvcc, oneKey("k4"));
    await compactFully(mvcc, 5);
    const transaction = mvcc.begin({ index: 900 as never, term: 12 as never });
    transaction.setBucket("leases", "\xff\0", bytes("seven"));
    transaction.setBucket("alarms", "a", bytes("x"));
    transaction.commit();
    const last = mvcc.begin({ index: 901 as never, term: 12 as never });
    last.setBucket("alarms", "a", undefined);
    last.commit();
    await mvcc.close();
    const again = openMvcc({ path, storeThread: false }, buildPorts());
    expect(again.revision).toBe(8);
    expect(again.compactedRevision).toBe(5);
    expect(again.applied).toEqual({ index: 901, term: 12 });
    expect(again.flushed).toEqual(again.applied);
    expect(again.keyCount()).toBe(4);
    expect(values(again)).toEqual(["2", expect.anything(), expect.anything(), expect.anything()]);
    expect([...again.bucket("leases")].map(([key, value]) => [key, text(value)])).toEqual([["\xff\0", "seven"]]);
    expect(again.bucket("alarms").size).toBe(0);
    expect(again.history(revision(6), { revisionsMax: 9, bytesMax: 999 }).changes.map((change) => change.kind)).toEqual(
      ["put", "put", "delete"],
    );
    await again.checkpoint();
    expect(again.durable).toEqual(again.applied);
    await again.close();
  });

  it("comes back to the last flush when the process dies", async () => {
    const directory = scratchDirectory();
    const path = `${directory}/db`;
    const mvcc = mustOpen({ path });
    put(mvcc, "a", "1");
    await mvcc.flush();
    put(mvcc, "a", "2");
    // What a killed process leaves: the database file and its log, as they are.
    copyFileSync(path, `${directory}/copy`);
    copyFileSync(`${path}-wal`, `${directory}/copy-wal`);
    const again = openMvcc({ path: `${directory}/copy`, storeThread: false }, buildPorts());
    expect(again.revision).toBe(2);
    expect(again.applied.index).toBe(1);
    expect(values(again)).toEqual(["1"]);
    put(again, "a", "3");
    expect(again.range({ range: oneKey("a"), revision: revision(2) }).count).toBe(1);
    await again.close();
    await mvcc.close();
  });

  it("refuses to write once it is closed, and closes once", async () => {
    const mvcc = mustOpen();
    put(mvcc, "a", "1");
    await Promise.all([mvcc.close(), mvcc.close()]);
    await expect(mvcc.flush()).rejects.toMatchObject({ fault: { code: "mvcc/closed" } });
    await expect(mvcc.backup()).rejects.toMatchObject({ fault: { code: "mvcc/closed" } });
  });

  it("refuses a file that is not SQLite, with its path", () => {
    const path = `${scratchDirectory()}/db`;
    writeFileSync(path, "this is not a database, but it is longer than a header would be.".repeat(20));
    expect(faultAtOpen(path)).toEqual({ code: "mvcc/foreign-file", path, reason: "not an SQLite database" });
    expect(readFileSync(path, "latin1")).toContain("this is not");
  });

  it("refuses another program's database", () => {
    const path = `${scratchDirectory()}/db`;
    const db = new Database(path);
    db.exec("CREATE TABLE bolt(x)");
    db.close();
    expect(faultAtOpen(path)).toMatchObject({ code: "mvcc/foreign-file", path });
  });

  it("refuses a newer format", async () => {
    const path = `${scratchDirectory()}/db`;
    await mustOpen({ path }).close();
    const db = new Database(path);
    db.pragma("user_version = 99");
    db.close();
    expect(faultAtOpen(path)).toEqual({ code: "mvcc/newer-format", path, format: 99, supported: 1 });
  });

  it("refuses a file that was cut short", async () => {
    const path = `${scratchDirectory()}/db`;
    const mvcc = mustOpen({ path });
    for (let i = 0; i < 500; i++) put(mvcc, `k${i}`, "v".repeat(100));
    await mvcc.close();
    truncateSync(path, 20480);
    expect(faultAtOpen(path)).toMatchObject({ code: "mvcc/corrupt", path });
  });

  it("says which directory is missing", () => {
    const path = `${scratchDirectory()}/none/db`;
    expect(faultAtOpen(path)).toMatchObject({ code: "mvcc/cannot-open", path });
  });

  it("throws the same faults with a store thread", () => {
    const path = `${scratchDirectory()}/db`;
    writeFileSync(path, "x".repeat(5000));
    expect(() => openMvcc({ path }, buildPorts())).toThrow("mvcc/foreign-file");
  });
});

describe.each([{ storeThread: false }, { storeThread: true }])("backup with %o", ({ storeThread }) => {
  it("is a database of its own, consistent, and gone when closed", async () => {
    const directory = scratchDirectory();
    const path = `${directory}/db`;
    const mvcc = mustOpen({ path, storeThread }, buildPorts({ clock: realClock }));
    for (let i = 0; i < 300; i++) put(mvcc, `k${i % 50}`, "v".repeat(300));
    const backup = await mvcc.backup();
    put(mvcc, "later", "1");
    const pieces: Uint8Array[] = [];
    for await (const piece of backup.chunks(1000)) pieces.push(piece);
    const image = Buffer.concat(pieces);
    expect(image.length).toBe(backup.sizeBytes);
    backup.close();
    expect(readdirSync(directory).filter((name) => name.includes("backup"))).toEqual([]);
    writeFileSync(`${directory}/copy`, image);
    const copy = openMvcc({ path: `${directory}/copy`, storeThread: false }, buildPorts());
    expect([copy.revision, copy.keyCount(), copy.applied.index]).toEqual([301, 50, 300]);
    expect((await copy.hashKv(undefined)).hash).toBe((await mvcc.hashKv(revision(301))).hash);
    await copy.close();
    await mvcc.close();
  });

  it("stops when it is told to and leaves nothing", async () => {
    const directory = scratchDirectory();
    const mvcc = mustOpen({ path: `${directory}/db`, storeThread }, buildPorts({ clock: realClock }));
    await expect(mvcc.backup(AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
    expect(readdirSync(directory).filter((name) => name.includes("backup"))).toEqual([]);
    await mvcc.close();
  });
});

describe("a store that died during a backup", () => {
  it("removes what was left", async () => {
    const directory = scratchDirectory();
    writeFileSync(`${directory}/db.backup-7`, "half");
    const mvcc = mustOpen({ path: `${directory}/db` });
    expect(existsSync(`${directory}/db.backup-7`)).toBe(false);
    await mvcc.close();
  });
});

describe.each([{ storeThread: false }, { storeThread: true }])("a failure of the store with %o", ({ storeThread }) => {
  it("is fatal, names the file, and reaches those who wait", async () => {
    const path = `${scratchDirectory()}/db`;
    const failures: Error[] = [];
    const mvcc = openMvcc(
      { path, storeThread },
      buildPorts({ clock: realClock, fatal: (error) => failures.push(error) }),
    );
    const db = new Database(path);
    db.exec("DROP TABLE bucket");
    db.close();
    const transaction = mvcc.begin(nextEntry(mvcc));
    transaction.setBucket("a", "b", bytes("c"));
    transaction.commit();
    await expect(mvcc.flush()).rejects.toMatchObject({ fault: { code: "mvcc/io", path } });
    expect(failures).toHaveLength(1);
    expect(failures[0]?.message).toContain("bucket");
    await expect(mvcc.checkpoint()).rejects.toMatchObject({ fault: { code: "mvcc/io" } });
    await mvcc.close();
  });
});

describe("checkpoint", () => {
  it("tries again later when someone reads an older state", async () => {
    const path = `${scratchDirectory()}/db`;
    const mvcc = mustOpen({ path }, buildPorts({ clock: realClock }));
    put(mvcc, "a", "1");
    await mvcc.flush();
    const db = new Database(path, { readonly: true });
    db.exec("BEGIN");
    db.prepare("SELECT count(*) FROM latest").get();
    put(mvcc, "a", "2");
    const durable = mvcc.checkpoint();
    await mvcc.flush();
    expect(mvcc.durable.index).toBeLessThan(mvcc.applied.index);
    db.close();
    await durable;
    expect(mvcc.durable).toEqual(mvcc.applied);
    await mvcc.close();
  });
});
