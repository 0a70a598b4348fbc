import type { Disk, DiskFile } from "@quorate/common";
import { describe, expect, it } from "vitest";

/** What a suite runs on: a disk, and an existing empty directory on it. */
export type DiskUnderTest = Readonly<{
  disk: Disk;
  directory: string;
  /** Lets time pass, so that a sync can call back. */
  settle?: () => Promise<unknown>;
}>;

/** What every `Disk` does, the machine's and the simulated one. `make` is called for each test. */
export function diskConformance(name: string, make: () => DiskUnderTest): void {
  describe(`Disk, ${name}`, () => {
    names(make);
    contents(make);
    sync(make);
  });
}

function names(make: () => DiskUnderTest): void {
  it("lists names sorted, and refuses a directory that is not there", () => {
    const { disk, directory } = make();
    for (const name of ["b", "a", "c"]) disk.open(`${directory}/${name}`, "create").close();
    disk.makeDirectory(`${directory}/B/deep`);
    expect(disk.list(directory)).toEqual(["B", "a", "b", "c"]);
    expect(disk.list(`${directory}/B`)).toEqual(["deep"]);
    expect(codeOf(() => disk.list(`${directory}/none`))).toBe("ENOENT");
  });

  it("makes a directory that exists without complaint", () => {
    const { disk, directory } = make();
    disk.makeDirectory(`${directory}/a/b`);
    disk.makeDirectory(`${directory}/a/b`);
    expect(disk.exists(`${directory}/a/b`)).toBe(true);
  });

  it("creates only what does not exist, and opens only what does", () => {
    const { disk, directory } = make();
    const path = `${directory}/file`;
    expect(disk.exists(path)).toBe(false);
    expect(codeOf(() => disk.open(path, "read"))).toBe("ENOENT");
    expect(codeOf(() => disk.open(path, "write"))).toBe("ENOENT");
    expect(codeOf(() => disk.open(`${directory}/none/file`, "create"))).toBe("ENOENT");
    disk.open(path, "create").close();
    expect(codeOf(() => disk.open(path, "create"))).toBe("EEXIST");
    expect(disk.exists(path)).toBe(true);
  });

  it("renames a file over another, and an open file keeps working", () => {
    const { disk, directory } = make();
    const file = disk.open(`${directory}/new`, "create");
    disk.open(`${directory}/old`, "create").close();
    disk.rename(`${directory}/new`, `${directory}/old`);
    file.write(0, [new Uint8Array([1])]);
    expect(disk.list(directory)).toEqual(["old"]);
    expect(readAll(disk, `${directory}/old`)).toEqual([1]);
    expect(codeOf(() => disk.rename(`${directory}/none`, `${directory}/other`))).toBe("ENOENT");
    file.close();
  });

  it("renames a directory with everything in it", () => {
    const { disk, directory } = make();
    disk.makeDirectory(`${directory}/half`);
    disk.open(`${directory}/half/file`, "create").close();
    disk.rename(`${directory}/half`, `${directory}/whole`);
    expect(disk.list(`${directory}/whole`)).toEqual(["file"]);
    expect(disk.exists(`${directory}/half`)).toBe(false);
  });

  it("removes a file", () => {
    const { disk, directory } = make();
    disk.open(`${directory}/file`, "create").close();
    disk.remove(`${directory}/file`);
    disk.syncDirectory(directory);
    expect(disk.list(directory)).toEqual([]);
    expect(codeOf(() => disk.remove(`${directory}/file`))).toBe("ENOENT");
  });
}

function contents(make: () => DiskUnderTest): void {
  it("writes chunks one after the other, and reads fewer bytes at the end", () => {
    const { disk, directory } = make();
    const file = disk.open(`${directory}/file`, "create");
    file.write(2, [new Uint8Array([1, 2]), new Uint8Array([]), new Uint8Array([3])]);
    expect(file.size()).toBe(5);
    expect([...file.read(0, 100)]).toEqual([0, 0, 1, 2, 3]);
    expect([...file.read(3, 1)]).toEqual([2]);
    expect([...file.read(9, 4)]).toEqual([]);
    file.close();
  });

  it("does not look again at bytes that were written, nor hand out its own", () => {
    const { disk, directory } = make();
    const file = disk.open(`${directory}/file`, "create");
    const bytes = new Uint8Array([1, 2, 3]);
    file.write(0, [bytes]);
    bytes.fill(9);
    file.read(0, 3).fill(8);
    expect([...file.read(0, 3)]).toEqual([1, 2, 3]);
    file.close();
  });

  it("allocates zeros behind the end, and never shrinks by it", () => {
    const { disk, directory } = make();
    const file = disk.open(`${directory}/file`, "create");
    file.write(0, [new Uint8Array([1])]);
    file.allocate(4);
    file.allocate(2);
    expect([...file.read(0, 10)]).toEqual([1, 0, 0, 0]);
    file.close();
  });

  it("truncates, and what comes back later is zero", () => {
    const { disk, directory } = make();
    const file = disk.open(`${directory}/file`, "create");
    file.write(0, [new Uint8Array([1, 2, 3, 4])]);
    file.truncate(2);
    expect(file.size()).toBe(2);
    file.allocate(4);
    expect([...file.read(0, 10)]).toEqual([1, 2, 0, 0]);
    file.close();
  });
}

function sync(make: () => DiskUnderTest): void {
  it("calls back after a sync, and others see the bytes", async () => {
    const { disk, directory, settle } = make();
    const file = disk.open(`${directory}/file`, "create");
    file.write(0, [new Uint8Array([5])]);
    let answer: Error | undefined | "none" = "none";
    file.sync((failure) => {
      answer = failure;
    });
    await settle?.();
    expect(answer).toBeUndefined();
    expect(readAll(disk, `${directory}/file`)).toEqual([5]);
    file.close();
  });

  it("refuses to write through a file opened to read, and to use a closed one", async () => {
    const { disk, directory, settle } = make();
    const path = `${directory}/file`;
    disk.open(path, "create").close();
    const reader = disk.open(path, "read");
    expect(codeOf(() => reader.write(0, [new Uint8Array([1])]))).toBe("EBADF");
    reader.close();
    reader.close();
    expect(codeOf(() => reader.size())).toBe("EBADF");
    let answer: Error | undefined;
    reader.sync((failure) => {
      answer = failure;
    });
    await settle?.();
    expect(answer).toMatchObject({ code: "EBADF" });
  });
}

function readAll(disk: Disk, path: string): number[] {
  const file: DiskFile = disk.open(path, "read");
  const bytes = [...file.read(0, file.size())];
  file.close();
  return bytes;
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}
