import { copyFileSync, existsSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import { afterEach, describe, expect, it } from "vitest";
import { inspectDatabase, type Mvcc, openMvcc, replaceDatabase } from "../src/index.js";
import { buildPorts, bytes, mustOpen, realClock, removeScratch, scratchDirectory, text } from "./support/open.js";
import { compactFully, everything, oneKey, put, remove, revision } from "./support/write.js";

afterEach(removeScratch);

const keys = (mvcc: Mvcc): string[] =>
  mvcc.range({ range: everything }).records.map((record) => text(record) as string);

/** A store with some history, and a copy of it at the returned path. */
async function buildReceived(directory: string): Promise<{ path: string; source: Mvcc }> {
  const source = mustOpen();
  for (let i = 0; i < 700; i++) put(source, `s${i % 300}`, `v${i}`, i % 3 === 0 ? 7n : undefined);
  remove(source, oneKey("s5"));
  await compactFully(source, 100);
  const transaction = source.begin({ index: 2000 as never, term: 9 as never });
  transaction.setBucket("leases", "x", bytes("seven"));
  transaction.commit();
  const path = `${directory}/received.snap.db`;
  const backup = await source.backup();
  const pieces: Uint8Array[] = [];
  for await (const piece of backup.chunks(4096)) pieces.push(piece);
  writeFileSync(path, Buffer.concat(pieces));
  backup.close();
  return { path, source };
}

const faultOf = (run: Promise<unknown>): Promise<string> =>
  run.then(
    () => "none",
    (error: { fault?: { code: string } }) => error.fault?.code ?? String(error),
  );

describe.each([{ storeThread: false }, { storeThread: true }])("install with %o", ({ storeThread }) => {
  const open = (path: string): Mvcc => mustOpen({ path, storeThread }, buildPorts({ clock: realClock }));

  it("puts everything of the file in the place of everything there was, under the same object", async () => {
    const directory = scratchDirectory();
    const { path, source } = await buildReceived(directory);
    const mvcc = open(`${directory}/db`);
    for (let i = 0; i < 50; i++) put(mvcc, `old${i}`, "1");
    mvcc.range({ range: everything });
    await mvcc.flush();
    put(mvcc, "unflushed", "1");
    await mvcc.install(path);
    expect([mvcc.revision, mvcc.compactedRevision, mvcc.applied]).toEqual([
      source.revision,
      source.compactedRevision,
      source.applied,
    ]);
    expect(mvcc.durable).toEqual(source.applied);
    expect(keys(mvcc)).toEqual(keys(source));
    expect(mvcc.keyCount()).toBe(299);
    expect(text(mvcc.bucket("leases").get("x"))).toBe("seven");
    expect([...mvcc.attachments()].length).toBe([...source.attachments()].length);
    expect((await mvcc.hashKv(undefined)).hash).toBe((await source.hashKv(undefined)).hash);
    expect(mvcc.history(revision(690), { revisionsMax: 5, bytesMax: 9999 }).changes.length).toBe(5);
    expect(existsSync(path)).toBe(false);
    put(mvcc, "s1", "after");
    put(source, "s1", "after");
    await mvcc.close();
    expect(readdirSync(directory)).toEqual(["db"]);
    const again = openMvcc({ path: `${directory}/db`, storeThread: false }, buildPorts());
    expect((await again.hashKv(undefined)).hash).toBe((await source.hashKv(undefined)).hash);
    await Promise.all([again.close(), source.close()]);
  });

  it("refuses a file that is foreign, newer, cut short or missing, and goes on as if nothing had been", async () => {
    const directory = scratchDirectory();
    const { path, source } = await buildReceived(directory);
    const mvcc = open(`${directory}/db`);
    put(mvcc, "a", "1");
    const broken = (name: string, change: (file: string) => void): string => {
      copyFileSync(path, `${directory}/${name}`);
      change(`${directory}/${name}`);
      return `${directory}/${name}`;
    };
    const newer = broken("newer", (file) => {
      const db = new Database(file);
      db.pragma("user_version = 99");
      db.close();
    });
    const cases: [string, string][] = [
      [broken("text", (file) => writeFileSync(file, "no database ".repeat(1000))), "mvcc/foreign-file"],
      [broken("empty", (file) => writeFileSync(file, "")), "mvcc/foreign-file"],
      [newer, "mvcc/newer-format"],
      [broken("short", (file) => truncateSync(file, 8192)), "mvcc/corrupt"],
      [`${directory}/missing`, "mvcc/cannot-open"],
    ];
    for (const [file, code] of cases) expect([file, await faultOf(mvcc.install(file))]).toEqual([file, code]);
    put(mvcc, "b", "2");
    await mvcc.flush();
    expect(mvcc.keyCount()).toBe(2);
    await mvcc.install(path);
    expect(mvcc.keyCount()).toBe(299);
    await Promise.all([mvcc.close(), source.close()]);
  });

  it("ends what is in progress on the old file with its reason, and keeps a backup that is made", async () => {
    const directory = scratchDirectory();
    const { path, source } = await buildReceived(directory);
    const mvcc = open(`${directory}/db`);
    for (let i = 0; i < 20_000; i++) put(mvcc, `old${i}`, "v".repeat(100));
    const backup = await mvcc.backup();
    const cursor = mvcc.openRange({ range: everything });
    cursor.next({ maxRecords: 10, maxBytes: 1e6 });
    put(mvcc, "later", "1");
    const making = storeThread ? [mvcc.backup(), mvcc.hashKv(undefined)] : [];
    const ends = making.map(faultOf);
    if (storeThread) await mvcc.flush();
    await mvcc.install(path);
    expect(await Promise.all(ends)).toEqual(ends.map(() => "mvcc/replaced"));
    expect(() => cursor.next({ maxRecords: 10, maxBytes: 1e6 })).toThrow("mvcc/replaced");
    cursor.close();
    let size = 0;
    for await (const piece of backup.chunks(1 << 20, 4096)) size += piece.length;
    expect(size).toBe(backup.sizeBytes - 4096);
    expect(backup.applied.index).toBe(20_000);
    const second = await mvcc.backup();
    expect(second.applied).toEqual(source.applied);
    backup.close();
    second.close();
    expect(readdirSync(directory).filter((name) => name.includes("backup"))).toEqual([]);
    await Promise.all([mvcc.close(), source.close()]);
  });

  it("lets those go on who waited for room in the head", async () => {
    const directory = scratchDirectory();
    const { path, source } = await buildReceived(directory);
    const mvcc = mustOpen(
      { path: `${directory}/db`, storeThread, headBytesMax: 1000, flushBytes: 1e9, flushDelayMs: 1e8 },
      buildPorts({ clock: realClock }),
    );
    for (let i = 0; i < 20; i++) put(mvcc, `old${i}`, "v".repeat(100));
    const told: number[] = [];
    mvcc.onHeadDrained(() => told.push(mvcc.revision));
    expect(told).toEqual([]);
    await mvcc.install(path);
    expect(told).toEqual([source.revision]);
    expect(mvcc.isHeadFull()).toBe(false);
    await Promise.all([mvcc.close(), source.close()]);
  });

  it("compacts what it has installed, and installs again", async () => {
    const directory = scratchDirectory();
    const { path, source } = await buildReceived(directory);
    const mvcc = open(`${directory}/db`);
    await mvcc.install(path);
    await compactFully(mvcc, 300);
    await compactFully(source, 300);
    expect((await mvcc.hashKv(undefined)).hash).toBe((await source.hashKv(undefined)).hash);
    const once = await source.backup();
    const pieces: Uint8Array[] = [];
    for await (const piece of once.chunks(65_536)) pieces.push(piece);
    writeFileSync(path, Buffer.concat(pieces));
    once.close();
    await mvcc.install(path);
    expect(mvcc.applied).toEqual(source.applied);
    await Promise.all([mvcc.close(), source.close()]);
  });
});

describe("a crash during an install", () => {
  it("is made good by doing it again, whatever was left beside the old file", async () => {
    const directory = scratchDirectory();
    const { path, source } = await buildReceived(directory);
    const old = mustOpen({ path: `${directory}/db` });
    for (let i = 0; i < 100; i++) put(old, `old${i}`, "1");
    await old.flush();
    // Each state of the directory that the install goes through: with all companions, without its log, without any.
    for (const left of [["-wal", "-shm"], ["-shm"], []]) {
      const life = scratchDirectory();
      copyFileSync(`${directory}/db`, `${life}/db`);
      for (const name of left) copyFileSync(`${directory}/db${name}`, `${life}/db${name}`);
      copyFileSync(path, `${life}/7.snap.db`);
      expect(inspectDatabase(`${life}/7.snap.db`).applied).toEqual(source.applied);
      replaceDatabase({ path: `${life}/db`, by: `${life}/7.snap.db` });
      expect(readdirSync(life)).toEqual(["db"]);
      const mvcc = mustOpen({ path: `${life}/db` });
      expect((await mvcc.hashKv(undefined)).hash).toBe((await source.hashKv(undefined)).hash);
      await mvcc.close();
    }
    await Promise.all([old.close(), source.close()]);
  });
});

describe("inspectDatabase", () => {
  it("tells what a backup holds and leaves it as it is", async () => {
    const directory = scratchDirectory();
    const { path, source } = await buildReceived(directory);
    const facts = inspectDatabase(path);
    expect([facts.applied, facts.revision, facts.compactedRevision]).toEqual([source.applied, source.revision, 100]);
    expect(text(facts.bucket("leases").get("x"))).toBe("seven");
    expect(facts.bucket("none").size).toBe(0);
    expect(readdirSync(directory)).toEqual(["received.snap.db"]);
    await source.close();
  });
});
