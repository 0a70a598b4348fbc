import { copyDatabase } from "./body/copy.js";
import { CopyThread } from "./body/copy-thread.js";
import { backupPath, createPrivateFile, fileBytes, readPieces, removeFile } from "./body/files.js";
import type { Backup } from "./mvcc.js";
import type { MvccTelemetry } from "./telemetry.js";

/** Makes consistent copies of the database beside it while it is written to. The copy is a compact file of its own. */
export class Backups {
  readonly #path: string;
  readonly #usesThread: boolean;
  readonly #telemetry: MvccTelemetry;
  #count = 0;

  constructor(parts: { path: string; usesThread: boolean; telemetry: MvccTelemetry }) {
    this.#path = parts.path;
    this.#usesThread = parts.usesThread;
    this.#telemetry = parts.telemetry;
  }

  /** @throws the signal's reason, or SQLite's error (no space). The temporary file is gone then. */
  async make(signal: AbortSignal | undefined): Promise<Backup> {
    signal?.throwIfAborted();
    const to = backupPath(this.#path, ++this.#count);
    const span = this.#telemetry.start("mvcc.backup", {});
    removeFile(to);
    createPrivateFile(to);
    try {
      if (this.#usesThread) await new CopyThread({ from: this.#path, to }).finished(signal);
      else copyDatabase({ from: this.#path, to });
      signal?.throwIfAborted();
    } catch (error) {
      removeFile(to);
      this.#telemetry.fail(span, error as Error);
      throw error;
    }
    this.#telemetry.end(span, undefined);
    return new FileBackup(to);
  }
}

class FileBackup implements Backup {
  readonly sizeBytes: number;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    this.sizeBytes = fileBytes(path);
  }

  async *chunks(bytes: number): AsyncGenerator<Uint8Array> {
    yield* readPieces(this.#path, bytes);
  }

  close(): void {
    removeFile(this.#path);
  }
}
