import type { LogIndex } from "@quorate/common";
import { type DiskOperation, SimulatedClock, SimulatedDisk, SimulatedRandom } from "@quorate/testkit";
import { describe, expect, it } from "vitest";
import type { Wal, WalError, WalFault, WalOptions } from "../src/index.js";
import { buildEntry, mustOpen, shown } from "./fixtures.js";

type Harness = { clock: SimulatedClock; disk: SimulatedDisk; wal: Wal; faults: WalFault[]; done: string[] };

async function start(options: Partial<WalOptions> & { capacityBytes?: number } = {}): Promise<Harness> {
  const clock = new SimulatedClock();
  const random = new SimulatedRandom(5);
  const { capacityBytes, ...rest } = options;
  const disk = new SimulatedDisk({ capacityBytes, syncMs: () => 1 }, { clock, random });
  const faults: WalFault[] = [];
  const fatal = (error: Error): void => {
    faults.push((error as WalError).fault);
  };
  const opening = mustOpen({ directory: "/wal", segmentBytesMax: 2000, ...rest }, { disk, clock, random, fatal });
  opening.catch(() => {});
  await clock.advance(20);
  const { wal } = await opening;
  return { clock, disk, wal, faults, done: [] };
}

function append({ wal, done }: Harness, index: number, data = "x".repeat(100)): void {
  wal.append({ entries: [buildEntry(index, data)], mustSync: true }, () => done.push(String(index)));
}

describe("a disk that fails", () => {
  const failures: [string, DiskOperation["kind"], string, Partial<WalFault>][] = [
    ["a write", "write", "EIO", { code: "wal/io", operation: "write" }],
    ["a write on a full disk", "write", "ENOSPC", { code: "wal/no-space", operation: "write" }],
    ["a sync", "sync", "EIO", { code: "wal/io", operation: "sync" }],
  ];
  for (const [title, kind, code, fault] of failures) {
    it(`ends the log at ${title}, and acknowledges nothing`, async () => {
      const harness = await start();
      append(harness, 1);
      await harness.clock.advance(5);
      harness.disk.failWhen((operation) => (operation.kind === kind ? code : undefined));
      append(harness, 2);
      append(harness, 3);
      await harness.clock.advance(5);
      harness.disk.failWhen(() => undefined);
      append(harness, 4);
      harness.wal.saveSnapshot({ index: 1 as LogIndex, data: new Uint8Array() }, () => harness.done.push("snapshot"));
      harness.wal.release(1 as LogIndex);
      await harness.wal.close();
      await harness.clock.advance(50);
      expect(harness.done).toEqual(["1"]);
      expect(harness.faults).toMatchObject([{ ...fault, file: "/wal/0000000000000000-0000000000000000.wal" }]);
    });
  }

  const cuts: [string, (operation: DiskOperation) => boolean][] = [
    ["making the file", ({ kind }) => kind === "create"],
    ["reserving its space", ({ kind }) => kind === "allocate"],
    ["writing its front", ({ kind, path }) => kind === "write" && path.endsWith("next.tmp")],
    ["syncing its front", ({ kind, path }) => kind === "sync" && path.endsWith("next.tmp")],
    ["giving it its name", ({ kind }) => kind === "rename"],
    ["syncing its name", ({ kind }) => kind === "syncDirectory"],
  ];
  for (const [title, isIt] of cuts) {
    it(`ends the log when the next segment cannot be begun: ${title}`, async () => {
      const harness = await start();
      harness.disk.failWhen((operation) => (isIt(operation) ? "ENOSPC" : undefined));
      append(harness, 1, "x".repeat(3000));
      await harness.clock.advance(10);
      append(harness, 2);
      await harness.clock.advance(10);
      // The batch that filled the segment is safe; the one behind the cut is not.
      expect(harness.done).toEqual(["1"]);
      expect(harness.faults.map((fault) => fault.code)).toEqual(["wal/no-space"]);
      harness.disk.failWhen(() => undefined);
      harness.disk.killProcess();
      const { clock, disk } = harness;
      const opening = mustOpen({ directory: "/wal", segmentBytesMax: 2000 }, { disk, clock });
      await clock.advance(20);
      const { recovered, wal } = await opening;
      expect(recovered.entries.map((entry) => entry.index)).toEqual([1]);
      wal.append({ entries: [buildEntry(2)], mustSync: true }, () => harness.done.push("2"));
      await clock.advance(20);
      expect(harness.done).toEqual(["1", "2"]);
    });
  }

  it("that is full refuses to hold a new log", async () => {
    await expect(start({ capacityBytes: 100 })).rejects.toMatchObject({
      fault: { code: "wal/no-space", operation: "create" },
    });
  });

  it("that cannot be read names the operation", async () => {
    const harness = await start();
    await Promise.all([harness.wal.close(), harness.clock.advance(10)]);
    harness.disk.failWhen(({ kind }) => (kind === "sync" ? "EIO" : undefined));
    const opening = mustOpen({ directory: "/wal" }, { disk: harness.disk, clock: harness.clock });
    const refused = expect(opening).rejects.toMatchObject({ fault: { code: "wal/io", operation: "repair" } });
    await harness.clock.advance(10);
    await refused;
  });
});

describe("limits", () => {
  it("refuses what would make too much wait, takes the rest, and takes more when the disk has caught up", async () => {
    const harness = await start({ pendingBytesMax: 1_200_000 });
    append(harness, 1, "x".repeat(700_000));
    expect(() => append(harness, 2, "x".repeat(700_000))).toThrow("wal/too-much-pending");
    append(harness, 2);
    await harness.clock.advance(20);
    append(harness, 3, "x".repeat(700_000));
    await harness.clock.advance(20);
    expect(harness.done).toEqual(["1", "2", "3"]);
    expect(harness.faults).toEqual([]);
  });

  it("does without syncs when told so", async () => {
    const harness = await start({ unsafeNoSync: true, segmentBytesMax: 500 });
    harness.disk.failWhen(({ kind }) => (kind === "sync" ? "EIO" : undefined));
    for (let index = 1; index <= 20; index++) append(harness, index);
    await harness.clock.advance(0);
    append(harness, 21);
    await harness.clock.advance(0);
    expect(harness.done.length).toBe(21);
    await harness.wal.close();
    expect(harness.faults).toEqual([]);
    const { disk, clock } = harness;
    disk.failWhen(() => undefined);
    disk.killProcess();
    const opening = mustOpen({ directory: "/wal" }, { disk, clock });
    await clock.advance(20);
    expect(shown((await opening).recovered.entries).length).toBe(21);
  });
});

describe("group commit", () => {
  it("puts everything that waits for a sync into one write and one sync", async () => {
    const { clock, disk, wal } = await start({ segmentBytesMax: 1 << 20 });
    const kinds: string[] = [];
    disk.failWhen(({ kind }) => {
      kinds.push(kind);
      return undefined;
    });
    const done: number[] = [];
    const append = (index: number): void =>
      wal.append({ entries: [buildEntry(index)], mustSync: index % 2 === 1 }, () => done.push(index));
    append(1);
    await clock.advance(0);
    for (let index = 2; index <= 100; index++) append(index);
    expect(wal.stats().pendingAppends).toBe(100);
    await clock.advance(10);
    expect(done.length).toBe(100);
    expect(kinds).toEqual(["write", "sync", "write", "sync"]);
    expect(wal.stats()).toMatchObject({ batches: 2, syncs: 2, entries: 100, pendingAppends: 0 });
    kinds.length = 0;
    append(102 - 1);
    await clock.advance(0);
    append(102);
    wal.append({ entries: [], mustSync: true }, () => done.push(-1));
    await clock.advance(10);
    wal.append({ entries: [], mustSync: true }, () => done.push(-2));
    await clock.advance(10);
    expect(done.slice(100)).toEqual([101, 102, -1, -2]);
    // The last empty batch found everything synced.
    expect(kinds).toEqual(["write", "sync", "write", "sync"]);
  });
});
