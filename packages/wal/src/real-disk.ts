import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
  writevSync,
} from "node:fs";
import type { Disk, DiskFile } from "@quorate/common";

const flags = { create: "wx+", read: "r", write: "r+" } as const;

/** The machine's disk. Everything blocks the thread it is called in; `sync` calls back before it returns. */
export class RealDisk implements Disk {
  list(directory: string): readonly string[] {
    return readdirSync(directory).sort();
  }

  exists(path: string): boolean {
    return existsSync(path);
  }

  makeDirectory(directory: string): void {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  open(path: string, mode: "create" | "read" | "write"): RealDiskFile {
    return new RealDiskFile(openSync(path, flags[mode], 0o600));
  }

  rename(from: string, to: string): void {
    renameSync(from, to);
  }

  remove(path: string): void {
    unlinkSync(path);
  }

  syncDirectory(directory: string): void {
    const descriptor = openSync(directory, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
}

/** A file of the machine's disk. */
export class RealDiskFile implements DiskFile {
  readonly #descriptor: number;
  /** A change of size is more than fdatasync promises to keep. */
  #isSizeChanged = false;
  #isClosed = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  size(): number {
    return fstatSync(this.#descriptor).size;
  }

  /** Bytes of the disk that the file takes up; less than its size while it has holes. */
  allocatedBytes(): number {
    return fstatSync(this.#descriptor).blocks * 512;
  }

  read(position: number, length: number): Uint8Array {
    const bytes = Buffer.allocUnsafeSlow(length);
    let filled = 0;
    while (filled < length) {
      const count = readSync(this.#descriptor, bytes, filled, length - filled, position + filled);
      if (count === 0) break;
      filled += count;
    }
    return new Uint8Array(bytes.buffer, 0, filled);
  }

  write(position: number, chunks: readonly Uint8Array[]): void {
    let length = 0;
    for (const chunk of chunks) length += chunk.length;
    const [first] = chunks;
    let written =
      chunks.length === 1 && first !== undefined
        ? writeSync(this.#descriptor, first, 0, first.length, position)
        : writevSync(this.#descriptor, [...chunks], position);
    if (written === length) return;
    // A short write: the rest goes out piece by piece, so that either all is written or the reason is thrown.
    let at = 0;
    for (const chunk of chunks) {
      while (written < at + chunk.length) {
        const from = written - at;
        written += writeSync(this.#descriptor, chunk, from, chunk.length - from, position + written);
      }
      at += chunk.length;
    }
  }

  allocate(bytes: number): void {
    if (this.size() >= bytes) return;
    ftruncateSync(this.#descriptor, bytes);
    this.#isSizeChanged = true;
  }

  truncate(bytes: number): void {
    ftruncateSync(this.#descriptor, bytes);
    this.#isSizeChanged = true;
  }

  sync(done: (failure: Error | undefined) => void): void {
    let failure: Error | undefined;
    try {
      if (this.#isSizeChanged) fsyncSync(this.#descriptor);
      else fdatasyncSync(this.#descriptor);
      this.#isSizeChanged = false;
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
    done(failure);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.#descriptor);
  }
}
