import { chmodSync, closeSync, openSync, readdirSync, readSync, rmSync, statSync } from "node:fs";
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

/** Reads a file in pieces, from the beginning. */
export function* readPieces(path: string, bytes: number): Generator<Uint8Array> {
  const file = openSync(path, "r");
  try {
    for (let position = 0; ; ) {
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

/** Gives a file mode 0600. */
export function makePrivate(path: string): void {
  chmodSync(path, 0o600);
}
