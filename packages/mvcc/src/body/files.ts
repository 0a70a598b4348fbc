import {
  close,
  closeSync,
  fsyncSync,
  openSync,
  promises,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

// The only file of this package that touches the file system beside SQLite itself. It can not be a port: it runs in the store
// thread, and objects with methods do not cross threads.

/** Makes the file with mode 0600 when it does not exist. SQLite gives its companions (-wal, -shm) the same mode. */
export function createPrivateFile(path: string): void {
  closeSync(openSync(path, "a", 0o600));
}

/** Size of a file; 0 when there is none. */
export function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Removes a file, if it is there. */
export function removeFile(path: string): void {
  rmSync(path, { force: true });
}

const backupMark = ".backup-";

/** The name of a backup's temporary file, beside the database. */
export function backupPath(path: string, number: number): string {
  return `${path}${backupMark}${number}`;
}

/** Removes what backups left behind when a process ended in the middle of one. */
export function removeStaleBackups(path: string): void {
  const prefix = basename(path) + backupMark;
  for (const name of readdirSync(dirname(path))) {
    if (name.startsWith(prefix)) rmSync(join(dirname(path), name), { force: true });
  }
}

/** What of a file is read, and in pieces of how many bytes. */
type Pieces = Readonly<{ bytes: number; from: number }>;

/** Reads a file in pieces up to its end, in this thread. */
export function* readPieces(path: string, { bytes, from }: Pieces): Generator<Uint8Array> {
  const file = openSync(path, "r");
  try {
    for (let position = from; ; ) {
      const piece = Buffer.allocUnsafeSlow(bytes);
      const read = readSync(file, piece, 0, bytes, position);
      if (read === 0) return;
      position += read;
      yield read === bytes ? piece : piece.subarray(0, read);
    }
  } finally {
    closeSync(file);
  }
}

/** As `readPieces`, without keeping the thread while the disk works. */
export async function* readPiecesAside(path: string, { bytes, from }: Pieces): AsyncGenerator<Uint8Array> {
  const file = await promises.open(path, "r");
  try {
    for (let position = from; ; ) {
      const piece = Buffer.allocUnsafeSlow(bytes);
      const { bytesRead } = await file.read(piece, 0, bytes, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield bytesRead === bytes ? piece : piece.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** Removes a file's name. Its space, which takes long for a large file, is given back aside. */
export function removeLargeFile(path: string): void {
  const held = hold(path);
  removeFile(path);
  letGo(held);
}

/**
 * Gives the file `by` the name `path`. SQLite's companions of the file that was there go first, and that is made durable: found beside the new file they
 * would be taken for its own.
 */
export function replaceFile({ path, by }: { path: string; by: string }): void {
  for (const companion of ["-wal", "-shm", "-journal"]) {
    removeFile(path + companion);
    removeFile(by + companion);
  }
  syncDirectoryOf(path);
  const old = hold(path);
  renameSync(by, path);
  letGo(old);
  syncDirectoryOf(path);
  if (dirname(by) !== dirname(path)) syncDirectoryOf(by);
}

function syncDirectoryOf(path: string): void {
  const directory = openSync(dirname(path), "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Keeps the bytes of a file although its last name goes. Only for a file that SQLite has not open: closing it would drop its locks. */
function hold(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
}

function letGo(file: number | undefined): void {
  if (file !== undefined) close(file, () => {});
}
