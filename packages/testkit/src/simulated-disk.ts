import { assert, type Clock, type Disk, type DiskFile } from "@quorate/common";
import { type DirectoryNode, FileNode, type Node, NameTree } from "./simulated-files.js";
import type { SimulatedRandom } from "./simulated-random.js";

/** What a program does to a disk that can fail, or be the last thing it does. */
export type DiskOperation = Readonly<{
  kind: "create" | "write" | "allocate" | "truncate" | "sync" | "rename" | "remove" | "makeDirectory" | "syncDirectory";
  path: string;
  /** Counts the operations of the disk, from 1. */
  number: number;
}>;

export type SimulatedDiskOptions = Readonly<{
  /** How long a sync takes. Default: none, but never before the caller has returned. */
  syncMs?: (() => number) | undefined;
  /** Bytes that fit. Writing or allocating more fails with ENOSPC. Default: no limit. */
  capacityBytes?: number | undefined;
  /** Called at the moment the power goes away, inside the operation that was the last. */
  onDark?: (() => void) | undefined;
}>;

/** The system's error, as Node shows it. */
export function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: simulated, '${path}'`), { code });
}

/** The power went away at this operation. */
export class PowerLoss extends Error {
  override readonly name = "PowerLoss";
}

/**
 * A disk in memory that does all the harm the `Disk` port allows. What was not synced may, after `crash`, be there, be gone, be torn
 * within any sector or be kept in another order than it was written; the seed decides.
 */
export class SimulatedDisk implements Disk {
  readonly #options: SimulatedDiskOptions;
  readonly #clock: Clock;
  readonly #random: SimulatedRandom;
  readonly #names = new NameTree();
  #operations = 0;
  #writtenBytes = 0;
  #life = 0;
  #losesPowerAt: number | undefined;
  #isDark = false;
  #judge: (operation: DiskOperation) => string | undefined = () => undefined;

  constructor(options: SimulatedDiskOptions, ports: { clock: Clock; random: SimulatedRandom }) {
    this.#options = options;
    this.#clock = ports.clock;
    this.#random = ports.random;
  }

  /** Operations so far. */
  get operations(): number {
    return this.#operations;
  }

  /** Bytes that `write` has taken so far. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Says which operations fail from now on: `judge` gives the system's code ("EIO", "ENOSPC") or undefined. */
  failWhen(judge: (operation: DiskOperation) => string | undefined): void {
    this.#judge = judge;
  }

  /**
   * The power goes away at the operation of that number: it may still have some effect; it and everything after throws `PowerLoss`, and
   * no sync calls back, until `crash`.
   */
  losePowerAt(operation: number): void {
    this.#losesPowerAt = operation;
  }

  /** True between the loss of power and `crash`. */
  get isDark(): boolean {
    return this.#isDark;
  }

  /** Ends the process and the power: what was not synced is lost, kept or torn. Files that were open cannot be used any more. */
  crash(): void {
    this.#life += 1;
    this.#isDark = false;
    this.#losesPowerAt = undefined;
    this.#names.crash(this.#random);
  }

  /** Ends the process only: everything written is there. Files that were open cannot be used any more. */
  killProcess(): void {
    this.#life += 1;
    this.#isDark = false;
    this.#losesPowerAt = undefined;
  }

  /** The bytes of a file as they are now, to look at or to damage; changes are on disk at once. */
  contents(path: string): Uint8Array {
    return this.#file(path).bytes();
  }

  /** Replaces the bytes of a file, as if they had always been so. */
  setContents(path: string, bytes: Uint8Array): void {
    this.#file(path).replace(bytes);
  }

  list(directory: string): readonly string[] {
    this.#checkPower();
    return [...this.#directory(directory).entries.keys()].sort();
  }

  exists(path: string): boolean {
    this.#checkPower();
    return this.#names.find(path) !== undefined;
  }

  makeDirectory(directory: string): void {
    this.#perform("makeDirectory", directory, () => {
      if (!this.#names.makeDirectories(directory)) throw systemError("EEXIST", directory);
    });
  }

  open(path: string, mode: "create" | "read" | "write"): DiskFile {
    if (mode === "create") {
      this.#perform("create", path, () => {
        const parent = this.#parent(path);
        if (parent.entries.has(baseName(path))) throw systemError("EEXIST", path);
        this.#names.link(parent, baseName(path), new FileNode());
      });
    }
    this.#checkPower();
    return this.#openFile(this.#file(path), path, mode);
  }

  rename(from: string, to: string): void {
    this.#perform("rename", from, () => {
      const node = this.#names.find(from);
      if (node === undefined) throw systemError("ENOENT", from);
      const target = this.#names.find(to);
      if (target?.kind === "directory" && target.entries.size > 0) throw systemError("ENOTEMPTY", to);
      const source = { directory: this.#parent(from), name: baseName(from) };
      this.#names.rename(source, { directory: this.#parent(to), name: baseName(to) }, node);
    });
  }

  remove(path: string): void {
    this.#perform("remove", path, () => {
      const node: Node | undefined = this.#names.find(path);
      if (node === undefined) throw systemError("ENOENT", path);
      if (node.kind === "directory") throw systemError("EISDIR", path);
      this.#names.unlink(this.#parent(path), baseName(path));
    });
  }

  syncDirectory(directory: string): void {
    this.#perform("syncDirectory", directory, () => this.#names.sync(this.#directory(directory)));
  }

  #openFile(node: FileNode, path: string, mode: "create" | "read" | "write"): DiskFile {
    const life = this.#life;
    let isOpen = true;
    const check = (): void => {
      this.#checkPower();
      if (!isOpen || life !== this.#life) throw systemError("EBADF", path);
    };
    const change = (kind: DiskOperation["kind"], run: () => void): void => {
      check();
      if (mode === "read") throw systemError("EBADF", path);
      this.#perform(kind, path, run);
    };
    return {
      size: () => {
        check();
        return node.size;
      },
      read: (position, length) => {
        check();
        return node.read(position, length);
      },
      write: (position, chunks) => {
        change("write", () => {
          const bytes = concatenate(chunks);
          this.#writtenBytes += bytes.length;
          this.#reserve(node, position + bytes.length, path);
          node.write(position, bytes);
        });
      },
      allocate: (bytes) => {
        change("allocate", () => {
          this.#reserve(node, bytes, path);
          node.extend(bytes);
        });
      },
      truncate: (bytes) => change("truncate", () => node.truncate(bytes)),
      sync: (done) => {
        // A process that is over hears nothing any more.
        if (life !== this.#life || this.#isDark) return;
        if (isOpen) this.#sync(node, path, life, done);
        else this.#clock.after(0, () => done(systemError("EBADF", path)));
      },
      close: () => {
        isOpen = false;
      },
    };
  }

  #sync(node: FileNode, path: string, life: number, done: (failure: Error | undefined) => void): void {
    let failure: Error | undefined;
    try {
      this.#perform("sync", path, () => {});
    } catch (error) {
      // Without power nobody is there to be told.
      if (error instanceof PowerLoss) return;
      failure = error instanceof Error ? error : new Error(String(error));
    }
    const covered = node.changes;
    this.#clock.after(this.#options.syncMs?.() ?? 0, () => {
      if (life !== this.#life || this.#isDark) return;
      if (failure === undefined) node.sync(covered);
      done(failure);
    });
  }

  /** Counts an operation, and lets it fail, be the last, or run. */
  #perform(kind: DiskOperation["kind"], path: string, run: () => void): void {
    this.#checkPower();
    this.#operations += 1;
    const operation: DiskOperation = { kind, path, number: this.#operations };
    if (this.#losesPowerAt !== undefined && this.#operations >= this.#losesPowerAt) {
      // Half of the time the last operation still reaches the machine, where it may be torn.
      if (this.#random.chance(0.5) && kind !== "sync" && kind !== "syncDirectory") run();
      this.#isDark = true;
      this.#options.onDark?.();
      throw new PowerLoss(`power lost at operation ${this.#operations}: ${kind} ${path}`);
    }
    const code = this.#judge(operation);
    if (code !== undefined) throw systemError(code, path);
    run();
  }

  #checkPower(): void {
    if (this.#isDark) throw new PowerLoss("no power");
  }

  #reserve(node: FileNode, end: number, path: string): void {
    const { capacityBytes } = this.#options;
    if (capacityBytes === undefined || end <= node.size) return;
    if (this.#names.usedBytes() + end - node.size > capacityBytes) throw systemError("ENOSPC", path);
  }

  #file(path: string): FileNode {
    const node = this.#names.find(path);
    if (node === undefined) throw systemError("ENOENT", path);
    if (node.kind === "directory") throw systemError("EISDIR", path);
    return node;
  }

  #directory(path: string): DirectoryNode {
    const node = this.#names.find(path);
    if (node === undefined) throw systemError("ENOENT", path);
    if (node.kind === "file") throw systemError("ENOTDIR", path);
    return node;
  }

  #parent(path: string): DirectoryNode {
    assert(path.startsWith("/") && path.length > 1, "paths of a simulated disk are absolute");
    return this.#directory(path.slice(0, path.lastIndexOf("/")) || "/");
  }
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
