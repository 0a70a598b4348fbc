import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LogIndex, type MemberId, silentLogger, silentMeter, type SnapshotSink, type Term } from "@quorate/common";
import { type Mvcc, openMvcc } from "@quorate/mvcc";
import { emptyConfState, type RaftInput } from "@quorate/raft";
import { SimulatedClock } from "@quorate/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { silentObserver } from "../../src/core/core-options.js";
import { encodeSnapshotHeader } from "../../src/core/snapshot-header.js";
import { SnapshotReceiver } from "../../src/core/snapshot-receiver.js";

const clock = new SimulatedClock();
const two = 2n as MemberId;
const ended: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

function openStore(path: string): Mvcc {
  const fatal = (error: Error): void => {
    throw error;
  };
  const mvcc = openMvcc({ path, storeThread: false }, { clock, logger: silentLogger, meter: silentMeter, fatal });
  ended.push(() => mvcc.close());
  return mvcc;
}

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "quorate-receiver-"));
  ended.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The bytes of a database that has applied this entry. */
async function buildImage(index: number): Promise<Buffer> {
  const store = openStore(`${scratch()}/db`);
  const transaction = store.begin({ index: index as LogIndex, term: 3 as Term });
  transaction.put({ key: Buffer.from("k"), value: Buffer.alloc(5000, "v"), lease: undefined });
  transaction.commit();
  const backup = await store.backup();
  const pieces: Uint8Array[] = [];
  for await (const piece of backup.chunks(65_536)) pieces.push(piece);
  backup.close();
  return Buffer.concat(pieces);
}

const headerOf = (index: number, token = 1): Uint8Array =>
  encodeSnapshotHeader({
    token,
    message: {
      kind: "snapshot",
      term: 4 as Term,
      snapshot: {
        index: index as LogIndex,
        term: 3 as Term,
        confState: { ...emptyConfState, voters: [1n as MemberId, two] },
        data: new Uint8Array(0),
      },
    },
  });

function buildReceiver(writesHere: boolean) {
  const directory = scratch();
  const databasePath = `${directory}/db`;
  const mvcc = openStore(databasePath);
  const pushed: RaftInput[] = [];
  const known = { committed: 5 };
  const receiver = new SnapshotReceiver(
    {
      mvcc,
      databasePath,
      committed: () => known.committed as LogIndex,
      push: (input) => pushed.push(input),
    },
    { writesHere },
    { clock, logger: silentLogger, observe: silentObserver },
  );
  const begin = (header: Uint8Array, size: number, from = two): SnapshotSink => {
    const sink = receiver.begin(from, header, size);
    if (sink === undefined) throw new Error("it was refused");
    return sink;
  };
  const files = (): string[] => readdirSync(directory).filter((name) => name.includes(".snap.db"));
  return { receiver, begin, files, pushed, mvcc, known, directory };
}

describe.each([{ writesHere: true }, { writesHere: false }])("receiving with %o", ({ writesHere }) => {
  it("tells the core when the whole database is there, under its index", async () => {
    const image = await buildImage(70);
    const { begin, files, pushed } = buildReceiver(writesHere);
    const sink = begin(headerOf(70), image.length);
    await sink.write(image.subarray(0, 3000));
    expect([files(), pushed]).toEqual([["0000000000000046.snap.db.part"], []]);
    await sink.write(image.subarray(3000));
    await sink.finish();
    expect(files()).toEqual(["0000000000000046.snap.db"]);
    expect(pushed).toMatchObject([
      { kind: "message", from: two, message: { kind: "snapshot", snapshot: { index: 70 } } },
    ]);
  });

  it("goes on after a break with what it has, of the same copy only", async () => {
    const image = await buildImage(70);
    const { begin, files } = buildReceiver(writesHere);
    const first = begin(headerOf(70), image.length);
    await first.write(image.subarray(0, 6000));
    first.abort();
    const second = begin(headerOf(70), image.length);
    expect(second.receivedBytes).toBe(6000);
    second.abort();
    expect(begin(headerOf(70, 2), image.length).receivedBytes).toBe(0);
    const third = begin(headerOf(70), image.length, 3n as MemberId);
    expect(third.receivedBytes).toBe(0);
    await third.write(image);
    await third.finish();
    expect(files()).toEqual(["0000000000000046.snap.db"]);
  });

  it("ends one that another follows, whatever it was doing", async () => {
    const image = await buildImage(70);
    const { begin, files, pushed } = buildReceiver(writesHere);
    const old = begin(headerOf(60), image.length);
    const writing = old.write(image).then(() => old.finish());
    const next = begin(headerOf(70), image.length);
    await expect(writing).rejects.toThrow("discarded");
    await next.write(image);
    await next.finish();
    expect([files(), pushed.length]).toEqual([["0000000000000046.snap.db"], 1]);
  });

  it("takes nothing that is not what it says", async () => {
    const image = await buildImage(70);
    const { begin, files, pushed } = buildReceiver(writesHere);
    const cases: [Uint8Array, Uint8Array, number, string][] = [
      [headerOf(71), image, image.length, "not of the entry"],
      [headerOf(72), Buffer.alloc(9000, "no database "), 9000, "mvcc/foreign-file"],
      [headerOf(73), image.subarray(0, 8192), 8192, "mvcc/corrupt"],
    ];
    for (const [header, bytes, size, reason] of cases) {
      const sink = begin(header, size);
      await sink.write(bytes);
      await expect(sink.finish()).rejects.toThrow(reason);
    }
    await expect(begin(headerOf(74), 10).write(image)).rejects.toThrow("more bytes");
    await expect(begin(headerOf(75), 10).finish()).rejects.toThrow("fewer bytes");
    expect(pushed).toEqual([]);
    expect(files().every((name) => name.endsWith(".part"))).toBe(true);
  });

  it("refuses what it does not need, and has the leader told how far it is", () => {
    const { receiver, pushed, files } = buildReceiver(writesHere);
    expect(receiver.begin(two, headerOf(5), 100)).toBeUndefined();
    expect(pushed).toMatchObject([{ kind: "message", message: { kind: "snapshot", snapshot: { index: 5 } } }]);
    expect(receiver.begin(two, Buffer.from("garbage that is nothing"), 100)).toBeUndefined();
    expect(receiver.begin(two, new Uint8Array(0), 100)).toBeUndefined();
    expect([pushed.length, files()]).toEqual([1, []]);
  });

  it("keeps a whole one until the database has got past it", async () => {
    const image = await buildImage(70);
    const { receiver, begin, files, mvcc, directory } = buildReceiver(writesHere);
    writeFileSync(`${directory}/0000000000000009.snap.db`, "of an earlier time");
    const sink = begin(headerOf(70), image.length);
    await sink.write(image);
    await sink.finish();
    begin(headerOf(80), 100);
    expect(files()).toEqual(["0000000000000046.snap.db", "0000000000000050.snap.db.part"]);
    mvcc.markApplied({ index: 75 as LogIndex, term: 3 as Term });
    receiver.installed();
    expect(files()).toEqual(["0000000000000050.snap.db.part"]);
    receiver.stop();
    expect(files()).toEqual([]);
  });
});
