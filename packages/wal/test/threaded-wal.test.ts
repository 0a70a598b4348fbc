import { rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { WalError } from "../src/index.js";
import { append, buildEntry, mustOpen, temporaryDirectory } from "./fixtures.js";

describe("the log thread", () => {
  it("ends the log when the disk fails it, tells why, and acknowledges nothing more", async () => {
    const directory = `${temporaryDirectory()}/wal`;
    let fail: (error: Error) => void = () => {};
    const failed = new Promise<Error>((resolve) => {
      fail = resolve;
    });
    let failures = 0;
    const fatal = (error: Error): void => {
      failures += 1;
      fail(error);
    };
    const { wal } = await mustOpen({ directory, thread: true, segmentBytesMax: 10_000 }, { fatal });
    await append(wal, [buildEntry(1)]);
    rmSync(directory, { recursive: true });
    const acknowledged: number[] = [];
    // The first fills the segment; its successor cannot be made any more.
    wal.append({ entries: [buildEntry(2, "x".repeat(10_000))], mustSync: true }, () => acknowledged.push(2));
    const error = (await failed) as WalError;
    wal.append({ entries: [buildEntry(3)], mustSync: true }, () => acknowledged.push(3));
    await wal.close();
    expect(error.fault).toMatchObject({ code: "wal/io", operation: "cut" });
    expect(error.message).toContain("ENOENT");
    expect(acknowledged).toEqual([2]);
    expect(failures).toBe(1);
  });

  it("gathers what arrives while it is busy", async () => {
    const { wal } = await mustOpen({
      directory: `${temporaryDirectory()}/wal`,
      thread: true,
      segmentBytesMax: 1 << 22,
    });
    const all: Promise<void>[] = [];
    for (let index = 1; index <= 5000; index++) all.push(append(wal, [buildEntry(index)]));
    await Promise.all(all);
    const { batches, syncs, entries, pendingAppends } = wal.stats();
    await wal.close();
    expect([entries, pendingAppends]).toEqual([5000, 0]);
    expect(syncs).toBe(batches);
    expect(batches).toBeLessThan(2500);
  });

  it("is over when the log is closed, also when nothing was ever appended, and closing twice is no harm", async () => {
    const { wal } = await mustOpen({ directory: `${temporaryDirectory()}/wal`, thread: true });
    await wal.close();
    await wal.close();
    expect(() => wal.append({ entries: [], mustSync: true }, () => {})).toThrow("wal/closed");
  });
});
