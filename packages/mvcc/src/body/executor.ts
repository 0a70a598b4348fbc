import { assert, assertNever } from "@quorate/common";
import { Compactor } from "./compactor.js";
import { Hasher } from "./hasher.js";
import type { BodyJob, BodyOpened, BodyResult, HashRequest } from "./jobs.js";
import { type Connection, openForWriting, type WriterSettings } from "./schema.js";
import { BodyWriter } from "./writer.js";

/** What a job answers, before size and time are added. */
type Outcome = Omit<BodyResult, "size" | "workMs">;

/** Carries out the store thread's jobs on the writing connection, one at a time. */
export class BodyExecutor {
  readonly #db: Connection;
  readonly #writer: BodyWriter;
  readonly #compactor: Compactor;
  #hasher: Hasher | undefined;

  /** @throws MvccError when the file can not be opened. */
  constructor(settings: WriterSettings) {
    this.#db = openForWriting(settings);
    this.#writer = new BodyWriter(this.#db);
    this.#compactor = new Compactor(this.#db);
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
      case "compact":
        return this.#writer.inTransaction(() => {
          const outcome = this.#compactor.advance(job, this.#writer.end());
          this.#writer.countRows(-outcome.removed);
          return outcome;
        });
      case "finish-compaction":
        this.#writer.inTransaction(() => this.#writer.writeState({ finishedPlusOne: job.to + 1 }));
        return {};
      case "vacuum":
        // Each step of the statement frees one page.
        this.#db.pragma(`incremental_vacuum(${job.pages})`);
        return {};
      case "hash":
        return { hash: this.#hash(job.request, job.rows) };
      default:
        return assertNever(job, "store job");
    }
  }

  #hash(request: HashRequest | undefined, rows: number): number | undefined {
    if (request !== undefined) this.#hasher = new Hasher(this.#db, request, this.#writer.end());
    assert(this.#hasher !== undefined, "a hash begins with its request");
    const hash = this.#hasher.advance(rows);
    if (hash !== undefined) this.#hasher = undefined;
    return hash;
  }

  /** Writes the log file into the database file as far as readers allow, and syncs both. True when nothing is left. */
  #checkpoint(): boolean {
    const [row] = this.#db.pragma("wal_checkpoint(PASSIVE)") as { busy: number; log: number; checkpointed: number }[];
    return row !== undefined && row.busy === 0 && row.log === row.checkpointed;
  }
}
