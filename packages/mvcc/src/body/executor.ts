import { assertNever } from "@quorate/common";
import { removeStaleBackups } from "./files.js";
import type { BodyJob, BodyOpened, BodyResult } from "./jobs.js";
import { type Connection, openForWriting, type WriterSettings } from "./schema.js";
import { BodyWriter } from "./writer.js";

/** What a job answers, before size and time are added. */
type Outcome = Omit<BodyResult, "size" | "workMs">;

/** Carries out the store thread's jobs on the writing connection, one at a time. */
export class BodyExecutor {
  readonly #db: Connection;
  readonly #writer: BodyWriter;

  /** @throws MvccError when the file can not be opened. */
  constructor(settings: WriterSettings) {
    this.#db = openForWriting(settings);
    removeStaleBackups(settings.path);
    this.#writer = new BodyWriter(this.#db);
  }

  readOpened(): BodyOpened {
    return this.#writer.readOpened();
  }

  /** @throws SQLite's error; the store can not go on then. */
  run(job: BodyJob): BodyResult {
    const start = performance.now();
    const outcome = this.#execute(job);
    return { ...outcome, size: this.#writer.size(), workMs: performance.now() - start };
  }

  close(): void {
    this.#db.close();
  }

  #execute(job: BodyJob): Outcome {
    switch (job.kind) {
      case "flush":
        return { fenceEdits: this.#writer.flush(job) };
      case "checkpoint":
        return { isComplete: this.#checkpoint() };
      default:
        return {};
    }
  }

  /** Writes the log file into the database file as far as readers allow, and syncs both. True when nothing is left. */
  #checkpoint(): boolean {
    const [row] = this.#db.pragma("wal_checkpoint(PASSIVE)") as { busy: number; log: number; checkpointed: number }[];
    return row !== undefined && row.busy === 0 && row.log === row.checkpointed;
  }
}
