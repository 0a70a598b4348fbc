import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import type { LogIndex } from "@quorate/common";
import { describe, expect, it } from "vitest";
import { WalError, type WalFault } from "../src/index.js";
import { append, buildEntry, mustOpen, saveSnapshot, shown, temporaryDirectory, text } from "./fixtures.js";

async function faultOf(promise: Promise<unknown>): Promise<WalFault> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof WalError) return error.fault;
  throw new Error(`expected a WalError, got ${String(error)}`);
}

for (const thread of [false, true]) {
  describe(`openWal, ${thread ? "with a thread of its own" : "in the caller's thread"}`, () => {
    it("makes a new log in a directory that does not exist", async () => {
      const directory = `${temporaryDirectory()}/member/wal`;
      const { wal, recovered } = await mustOpen({ directory, thread });
      await wal.close();
      expect(recovered).toMatchObject({
        isNew: true,
        state: undefined,
        snapshot: undefined,
        entries: [],
        repairedBytes: 0,
      });
      expect(text(recovered.metadata)).toBe("metadata");
      expect(readdirSync(directory)).toEqual(["0000000000000000-0000000000000000.wal"]);
      expect(existsSync(`${directory}.tmp`)).toBe(false);
    });

    it("makes a new log in an empty directory that exists, over what a start that was interrupted left", async () => {
      const directory = `${temporaryDirectory()}/wal`;
      mkdirSync(directory);
      mkdirSync(`${directory}.tmp`);
      writeFileSync(`${directory}/next.tmp`, "half");
      const { wal } = await mustOpen({ directory, thread });
      await wal.close();
      expect(readdirSync(directory)).toEqual(["0000000000000000-0000000000000000.wal"]);
    });

    it("gives back entries, state, snapshot and metadata", async () => {
      const directory = `${temporaryDirectory()}/wal`;
      const first = await mustOpen({ directory, thread });
      await append(first.wal, [buildEntry(1), buildEntry(2)], "state 1");
      await append(first.wal, [buildEntry(3), buildEntry(4)], "state 2");
      await saveSnapshot(first.wal, 2, "snapshot");
      await first.wal.close();
      const second = await mustOpen({ directory, thread });
      await second.wal.close();
      expect(second.recovered.isNew).toBe(false);
      expect(shown(second.recovered.entries)).toEqual(["3=entry 3", "4=entry 4"]);
      expect(text(second.recovered.state)).toBe("state 2");
      expect(text(second.recovered.metadata)).toBe("metadata");
      expect(second.recovered.snapshot?.index).toBe(2);
      expect(text(second.recovered.snapshot?.data)).toBe("snapshot");
    });

    it("gives all entries there ever were when what its snapshots cover is gone, as long as it has them", async () => {
      const directory = `${temporaryDirectory()}/wal`;
      const options = { directory, thread, segmentBytesMax: 1024, segmentsKept: 2, isWhole: true };
      const first = await mustOpen(options);
      for (let index = 1; index <= 30; index++) await append(first.wal, [buildEntry(index, "x".repeat(100))]);
      await saveSnapshot(first.wal, 20, "snapshot");
      await first.wal.close();
      const second = await mustOpen(options);
      expect(second.recovered.entries).toHaveLength(30);
      expect(second.recovered.snapshot).toBeUndefined();
      await append(second.wal, [buildEntry(31)]);
      await saveSnapshot(second.wal, 30, "snapshot");
      second.wal.release(30 as LogIndex);
      await second.wal.close();
      const third = await mustOpen(options);
      await third.wal.close();
      expect(third.recovered.snapshot?.index).toBe(30);
      expect(shown(third.recovered.entries)).toEqual(["31=entry 31"]);
    });

    it("replaces entries of the same index and everything after them", async () => {
      const directory = `${temporaryDirectory()}/wal`;
      const first = await mustOpen({ directory, thread });
      await append(first.wal, [buildEntry(1, "a"), buildEntry(2, "b"), buildEntry(3, "c")]);
      await append(first.wal, [buildEntry(2, "B")]);
      await first.wal.close();
      const second = await mustOpen({ directory, thread });
      expect(shown(second.recovered.entries)).toEqual(["1=a", "2=B"]);
      await append(second.wal, [buildEntry(3, "C")]);
      await second.wal.close();
      const third = await mustOpen({ directory, thread });
      await third.wal.close();
      expect(shown(third.recovered.entries)).toEqual(["1=a", "2=B", "3=C"]);
    });

    it("goes on in new segments, and drops those that are released but for the newest", async () => {
      const directory = `${temporaryDirectory()}/wal`;
      const options = { directory, thread, segmentBytesMax: 1024, segmentsKept: 2 };
      const { wal } = await mustOpen(options);
      for (let index = 1; index <= 100; index++)
        await append(wal, [buildEntry(index, "x".repeat(100))], `state ${index}`);
      await saveSnapshot(wal, 90, "snapshot");
      const before = readdirSync(directory).filter((name) => name.endsWith(".wal")).length;
      expect(before).toBeGreaterThan(10);
      wal.release(90 as LogIndex);
      await wal.close();
      const names = readdirSync(directory).filter((name) => name.endsWith(".wal"));
      expect(names.length).toBeLessThan(5);
      const second = await mustOpen(options);
      await second.wal.close();
      expect(second.recovered.snapshot?.index).toBe(90);
      expect(second.recovered.entries.map((entry) => entry.index)).toEqual([91, 92, 93, 94, 95, 96, 97, 98, 99, 100]);
      expect(text(second.recovered.state)).toBe("state 100");
    });

    it("carries a batch that is larger than a segment and than the buffers", async () => {
      const directory = `${temporaryDirectory()}/wal`;
      const first = await mustOpen({ directory, thread });
      const large = new Uint8Array(5_000_000).fill(7);
      await append(first.wal, [{ index: 1 as LogIndex, data: large }, buildEntry(2)]);
      await append(first.wal, [buildEntry(3)]);
      await first.wal.close();
      const second = await mustOpen({ directory, thread });
      await second.wal.close();
      expect(second.recovered.entries.map((entry) => entry.data.length)).toEqual([5_000_000, 7, 7]);
      expect(Buffer.compare(second.recovered.entries[0]?.data as Uint8Array, large)).toBe(0);
    });

    it("acknowledges in the order of the calls, after the call has returned", async () => {
      const { wal } = await mustOpen({ directory: `${temporaryDirectory()}/wal`, thread });
      const order: number[] = [];
      const all: Promise<void>[] = [];
      for (let index = 1; index <= 50; index++) {
        const entries = index % 3 === 0 ? [] : [buildEntry(index - Math.floor(index / 3))];
        all.push(
          new Promise((resolve) =>
            wal.append({ entries, mustSync: index % 2 === 0 }, () => {
              order.push(index);
              resolve();
            }),
          ),
        );
        if (order.includes(index)) throw new Error("acknowledged within the call");
      }
      await Promise.all(all);
      await wal.close();
      expect(order).toEqual(Array.from({ length: 50 }, (_, at) => at + 1));
    });

    it("copies what it is given before the call returns", async () => {
      const directory = `${temporaryDirectory()}/wal`;
      const { wal } = await mustOpen({ directory, thread });
      const data = new Uint8Array([1, 2, 3]);
      const written = append(wal, [{ index: 1 as LogIndex, data }]);
      data.fill(9);
      await written;
      await wal.close();
      const second = await mustOpen({ directory, thread });
      await second.wal.close();
      expect([...(second.recovered.entries[0]?.data ?? [])]).toEqual([1, 2, 3]);
    });

    it("refuses entries that leave a gap", async () => {
      const { wal } = await mustOpen({ directory: `${temporaryDirectory()}/wal`, thread });
      expect(() => wal.append({ entries: [buildEntry(2)], mustSync: true }, () => {})).toThrow(
        "wal/gap expectedAtMost=1 index=2",
      );
      expect(() => wal.append({ entries: [buildEntry(1), buildEntry(1)], mustSync: true }, () => {})).toThrow(
        "wal/gap",
      );
      expect(() => wal.append({ entries: [buildEntry(0)], mustSync: true }, () => {})).toThrow("wal/gap");
      await append(wal, [buildEntry(1)]);
      await wal.close();
      expect(() => wal.append({ entries: [], mustSync: true }, () => {})).toThrow("wal/closed");
    });

    it("names a foreign file", async () => {
      const directory = `${temporaryDirectory()}/wal`;
      mkdirSync(directory);
      const file = `${directory}/0000000000000000-0000000000000000.wal`;
      writeFileSync(file, Buffer.from("0400000000000000", "hex"));
      expect(await faultOf(mustOpen({ directory, thread }))).toEqual({ code: "wal/foreign", file });
    });
  });
}
