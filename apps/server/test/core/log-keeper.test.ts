import { type LogIndex, type MemberId, silentLogger, type Term } from "@quorate/common";
import { type EntryId, MvccError } from "@quorate/mvcc";
import { emptyConfState, type Entry, MemoryLog } from "@quorate/raft";
import { describe, expect, it } from "vitest";
import { LogKeeper } from "../../src/core/log-keeper.js";

const at = (index: number): EntryId => ({ index: index as LogIndex, term: 1 as Term });
const voters = [1n, 2n, 3n] as MemberId[];

/** A keeper over a real log in memory, and a store and a log on disk that say what was asked of them. */
function buildKeeper(options: { catchUpEntries?: number; catchUpBytes?: number; snapshotCount?: number } = {}) {
  const log = new MemoryLog();
  const store = { applied: at(0), durable: at(0), flushed: at(0) };
  const asked: string[] = [];
  const checkpoints: { resolve(): void; reject(error: Error): void }[] = [];
  const fatal: Error[] = [];
  let pinnedIndex: LogIndex | undefined;
  const keeper = new LogKeeper(
    {
      log,
      markedIndex: 0 as LogIndex,
      raft: { confState: { ...emptyConfState, voters } },
      mvcc: Object.assign(store, {
        checkpoint: () => new Promise<void>((resolve, reject) => checkpoints.push({ resolve, reject })),
      }),
      wal: {
        saveSnapshot: ({ index }, done) => {
          asked.push(`mark ${index}`);
          done();
        },
        release: (index) => asked.push(`release ${index}`),
      },
      snapshots: {
        get pinnedIndex() {
          return pinnedIndex;
        },
      },
    },
    { snapshotCount: 1000, catchUpEntries: 1_000_000, ...options },
    { logger: silentLogger, fatal: (error) => fatal.push(error) },
  );
  const append = (count: number, bytes = 100): void => {
    const first = log.lastIndex + 1;
    const entries: Entry[] = Array.from({ length: count }, (_, i) => ({
      ...at(first + i),
      kind: "normal",
      data: new Uint8Array(bytes),
    }));
    log.append(entries);
  };
  const apply = (index: number): void => {
    store.applied = at(index);
    keeper.applied(index as LogIndex);
  };
  const pin = (index: number | undefined): void => {
    pinnedIndex = index as LogIndex | undefined;
  };
  return { keeper, log, store, asked, checkpoints, fatal, append, apply, pin };
}

describe("the log in memory", () => {
  it("keeps so many entries for members that lag", () => {
    const { log, append, apply } = buildKeeper({ catchUpEntries: 500 });
    append(2000);
    apply(200);
    expect(log.firstIndex).toBe(1);
    apply(1900);
    expect([log.firstIndex, log.lastIndex]).toEqual([1401, 2000]);
  });

  it("keeps no more bytes than it may, however few entries that are, but what is not applied", () => {
    const { log, append, apply } = buildKeeper({ catchUpBytes: 100_000 });
    for (let i = 1; i <= 50; i++) {
      append(1, 10_000);
      apply(i);
      expect(log.bytes).toBeLessThanOrEqual(100_000);
    }
    expect(log.length).toBeGreaterThan(8);
    append(40, 10_000);
    apply(51);
    expect([log.firstIndex, log.lastIndex]).toEqual([52, 90]);
  });

  it("keeps what follows a snapshot that travels, up to four times that", () => {
    const { log, append, apply, pin } = buildKeeper({ catchUpBytes: 100_000 });
    append(10, 10_000);
    pin(5);
    apply(10);
    for (let i = 11; i <= 30; i++) {
      append(1, 10_000);
      apply(i);
    }
    expect(log.firstIndex).toBe(6);
    for (let i = 31; i <= 100; i++) {
      append(1, 10_000);
      apply(i);
      expect(log.bytes).toBeLessThanOrEqual(400_000);
    }
    pin(undefined);
    append(1, 10_000);
    apply(101);
    expect(log.bytes).toBeLessThanOrEqual(100_000);
  });
});

describe("the log on disk", () => {
  it("goes up to what the store has synced, and no further", async () => {
    const { store, asked, checkpoints, append, apply } = buildKeeper({ snapshotCount: 10 });
    append(30);
    apply(12);
    expect([checkpoints.length, asked]).toEqual([1, []]);
    apply(25);
    store.durable = at(12);
    checkpoints[0]?.resolve();
    await Promise.resolve();
    expect(asked).toEqual(["mark 12", "release 12"]);
    apply(26);
    expect(checkpoints.length).toBe(2);
  });

  it("is marked by a snapshot that is installed: an earlier checkpoint says nothing any more", async () => {
    const { keeper, store, asked, checkpoints, append, apply, fatal } = buildKeeper({ snapshotCount: 10 });
    append(20);
    apply(12);
    keeper.restoring(50 as LogIndex);
    store.durable = at(12);
    checkpoints[0]?.resolve();
    await Promise.resolve();
    expect(asked).toEqual([]);
    store.applied = at(50);
    store.durable = at(50);
    keeper.restored(50 as LogIndex);
    expect(asked).toEqual(["release 50"]);
    expect(fatal).toEqual([]);
  });

  it("goes on when a checkpoint ends because the file was replaced, and ends the member when it fails otherwise", async () => {
    const { keeper, checkpoints, append, apply, fatal } = buildKeeper({ snapshotCount: 10 });
    append(40);
    apply(12);
    keeper.restoring(20 as LogIndex);
    checkpoints[0]?.reject(new MvccError({ code: "mvcc/replaced" }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(fatal).toEqual([]);
    apply(35);
    expect(checkpoints.length).toBe(2);
    checkpoints[1]?.reject(new MvccError({ code: "mvcc/io", path: "/db", reason: "no" }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(fatal.map((error) => error.message)).toEqual(["mvcc/io path=/db reason=no"]);
  });
});
