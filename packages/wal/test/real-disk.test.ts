import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { diskConformance } from "@quorate/testkit";
import { describe, expect, it } from "vitest";
import { RealDisk } from "../src/index.js";
import { temporaryDirectory } from "./fixtures.js";

diskConformance("real", () => ({ disk: new RealDisk(), directory: temporaryDirectory() }));

describe("RealDisk", () => {
  it("makes files that only their owner may read, and directories likewise", () => {
    const directory = temporaryDirectory();
    const disk = new RealDisk();
    disk.makeDirectory(`${directory}/a`);
    disk.open(`${directory}/a/file`, "create").close();
    expect(statSync(`${directory}/a`).mode & 0o777).toBe(0o700);
    expect(statSync(`${directory}/a/file`).mode & 0o777).toBe(0o600);
  });

  it("says how much of a file has its space, and how much is holes", () => {
    const path = `${temporaryDirectory()}/file`;
    const file = new RealDisk().open(path, "create");
    file.allocate(1 << 20);
    expect(file.size()).toBe(1 << 20);
    expect(file.allocatedBytes()).toBe(0);
    file.write(0, [new Uint8Array(1 << 20)]);
    file.sync((failure) => expect(failure).toBeUndefined());
    expect(file.allocatedBytes()).toBeGreaterThanOrEqual(1 << 20);
    file.close();
  });

  it("writes bytes that lie in shared memory", () => {
    const path = `${temporaryDirectory()}/file`;
    const bytes = new Uint8Array(new SharedArrayBuffer(8));
    bytes.set([1, 2, 3]);
    const file = new RealDisk().open(path, "create");
    file.write(0, [bytes.subarray(0, 2)]);
    file.write(2, [bytes.subarray(2, 3), bytes.subarray(0, 1)]);
    file.close();
    expect([...readFileSync(path)]).toEqual([1, 2, 3, 1]);
  });

  it("passes on the system's error", () => {
    const directory = temporaryDirectory();
    mkdirSync(`${directory}/target`);
    symlinkSync(`${directory}/target`, `${directory}/link`);
    rmSync(`${directory}/target`, { recursive: true });
    expect(() => new RealDisk().list(`${directory}/link`)).toThrow("ENOENT");
    expect(() => new RealDisk().open(directory, "write")).toThrow("EISDIR");
  });
});
