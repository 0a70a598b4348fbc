import type { Clock } from "@quorate/common";
import { copyDatabase } from "./body/copy.js";
import { CopyThread } from "./body/copy-thread.js";
import {
  backupPath,
  createPrivateFile,
  fileBytes,
  readPieces,
  readPiecesAside,
  removeFile,
  removeLargeFile,
} from "./body/files.js";
import { type DatabaseFacts, inspectDatabase } from "./inspect-database.js";
import type { Backup, EntryId } from "./mvcc.js";
import type { MvccTelemetry } from "./telemetry.js";

/** Makes consistent copies of the database beside it while it is written to. The copy is a compact file of its own. */
export class Backups {
  readonly #path: string;
  readonly #usesThread: boolean;
  readonly #telemetry: MvccTelemetry;
  readonly #clock: Clock;
  readonly #running = new Map<Promise<unknown>, AbortController>();
  #count = 0;

  constructor(parts: { path: string; usesThread: boolean; telemetry: MvccTelemetry; clock: Clock }) {
    this.#path = parts.path;
    this.#usesThread = parts.usesThread;
    this.#telemetry = parts.telemetry;
    this.#clock = parts.clock;
  }

  /** @throws the signal's reason, what `stop` was told, or SQLite's error (no space). The temporary file is gone then. */
  async make(signal: AbortSignal | undefined): Promise<Backup> {
    const stopping = new AbortController();
    const either = signal === undefined ? stopping.signal : AbortSignal.any([signal, stopping.signal]);
    const making = this.#make(either);
    this.#running.set(making, stopping);
    try {
      return await making;
    } finally {
      this.#running.delete(making);
    }
  }

  /** Ends the copies that are being made, and waits until nothing reads the database for them any more. Those that are made stay. */
  async stop(error: Error): Promise<void> {
    for (const stopping of this.#running.values()) stopping.abort(error);
    await Promise.allSettled([...this.#running.keys()]);
  }

  async #make(signal: AbortSignal): Promise<Backup> {
    signal.throwIfAborted();
    const to = backupPath(this.#path, ++this.#count);
    const span = this.#telemetry.start("mvcc.backup", {});
    const startMs = this.#clock.monotonicMs();
    removeFile(to);
    createPrivateFile(to);
    try {
      if (this.#usesThread) await new CopyThread({ from: this.#path, to }).finished(signal);
      else copyDatabase({ from: this.#path, to });
      signal.throwIfAborted();
      const backup = new FileBackup(to, this.#usesThread);
      this.#telemetry.end(span, undefined);
      this.#telemetry.countBackup((this.#clock.monotonicMs() - startMs) / 1000);
      return backup;
    } catch (error) {
      removeFile(to);
      this.#telemetry.fail(span, error as Error);
      throw error;
    }
  }
}

class FileBackup implements Backup {
  readonly sizeBytes: number;
  readonly #path: string;
  readonly #readsAside: boolean;
  readonly #facts: DatabaseFacts;

  constructor(path: string, readsAside: boolean) {
    this.#path = path;
    this.#readsAside = readsAside;
    this.sizeBytes = fileBytes(path);
    this.#facts = inspectDatabase(path);
  }

  get applied(): EntryId {
    return this.#facts.applied;
  }

  bucket(name: string): ReadonlyMap<string, Uint8Array> {
    return this.#facts.bucket(name);
  }

  async *chunks(bytes: number, fromByte = 0): AsyncGenerator<Uint8Array> {
    const pieces = { bytes, from: fromByte };
    yield* this.#readsAside ? readPiecesAside(this.#path, pieces) : readPieces(this.#path, pieces);
  }

  close(): void {
    if (this.#readsAside) removeLargeFile(this.#path);
    else removeFile(this.#path);
  }
}
