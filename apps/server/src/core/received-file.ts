import {
  closeSync,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  write,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { LogIndex } from "@quorate/common";

/** Written bytes after which they are synced: the last sync is short then, and the disk's queue too, in which others wait. */
const syncEveryBytes = 4_194_304;
const suffix = ".snap.db";
const partSuffix = `${suffix}.part`;

/** How files are written: aside of this thread, or in it, where what happens has to be decided by a seed. */
type FileWork = Readonly<{
  write(file: number, bytes: Uint8Array, position: number): Promise<number>;
  sync(file: number): Promise<void>;
}>;

const writeAside = promisify(write);
const syncAside = promisify(fdatasync);

const aside: FileWork = {
  write: async (file, bytes, position) => (await writeAside(file, bytes, 0, bytes.length, position)).bytesWritten,
  sync: (file) => syncAside(file),
};

const here: FileWork = {
  write: async (file, bytes, position) => writeSync(file, bytes, 0, bytes.length, position),
  sync: async (file) => fdatasyncSync(file),
};

/** Where a received database waits until it takes the place of this member's own; `<index>.snap.db` beside it, as in etcd. */
export function receivedPath(databasePath: string, index: LogIndex): string {
  return join(dirname(databasePath), `${index.toString(16).padStart(16, "0")}${suffix}`);
}

/** Removes the received databases beside this member's own, whole or not, but for those that are `kept`. */
export function purgeReceived(databasePath: string, kept: readonly string[] = []): void {
  const directory = dirname(databasePath);
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    const isReceived = name.endsWith(suffix) || name.endsWith(partSuffix);
    if (isReceived && !kept.includes(path)) rmSync(path, { force: true });
  }
}

/** A database that is being received. It has its last name only when it is whole, looked into, and on disk. */
export class ReceivedFile {
  /** Where it will be. */
  readonly path: string;
  readonly #part: string;
  readonly #work: FileWork;
  readonly #file: number;
  #bytes = 0;
  #syncedBytes = 0;
  /** What is being written or synced: the file is not closed under it. */
  #working: Promise<unknown> | undefined;
  #isClosed = false;

  /** @param options `writesHere`: in this thread. */
  constructor(path: string, options: { writesHere: boolean }) {
    this.path = path;
    this.#part = `${path}.part`;
    this.#work = options.writesHere ? here : aside;
    rmSync(this.#part, { force: true });
    this.#file = openSync(this.#part, "wx", 0o600);
  }

  /** Bytes that are in it. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Where it is until then. */
  get part(): string {
    return this.#part;
  }

  async append(chunk: Uint8Array): Promise<void> {
    for (let from = 0; from < chunk.length; ) {
      const written = await this.#do(() => this.#work.write(this.#file, chunk.subarray(from), this.#bytes));
      from += written;
      this.#bytes += written;
    }
    if (this.#bytes - this.#syncedBytes >= syncEveryBytes) await this.#sync();
  }

  /** Makes it durable. @param check throws when it is not what it should be: then it is gone. @throws too when it was discarded meanwhile. */
  async finish(check: (part: string) => void): Promise<void> {
    await this.#sync();
    if (this.#isClosed) throw discarded();
    try {
      check(this.#part);
    } catch (error) {
      this.discard();
      throw error;
    }
    this.#close();
    renameSync(this.#part, this.path);
    const directory = openSync(dirname(this.path), "r");
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
  }

  /** Nobody goes on with it. What is being written still ends. */
  discard(): void {
    if (this.#isClosed) return;
    rmSync(this.#part, { force: true });
    this.#close();
  }

  #close(): void {
    this.#isClosed = true;
    const close = (): void => closeSync(this.#file);
    if (this.#working === undefined) close();
    else this.#working.then(close, close);
  }

  async #sync(): Promise<void> {
    const bytes = this.#bytes;
    await this.#do(() => this.#work.sync(this.#file));
    this.#syncedBytes = bytes;
  }

  async #do<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw discarded();
    const working = work();
    this.#working = working;
    try {
      return await working;
    } finally {
      this.#working = undefined;
    }
  }
}

function discarded(): Error {
  return new Error("the snapshot was discarded: another one has begun, or the member stops");
}
