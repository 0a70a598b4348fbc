import { Worker } from "node:worker_threads";
import { BodyExecutor } from "./executor.js";
import type { Body, BodyJob, BodyOpened, BodyResult } from "./jobs.js";
import type { WriterSettings } from "./schema.js";

/** From the core to the store thread. */
export type ToThread = { kind: "job"; job: BodyJob } | { kind: "close" };

/** From the store thread to the core. Errors cross as text: their class does not survive the way. */
export type FromThread =
  | { kind: "done"; result: BodyResult }
  | { kind: "failed"; message: string; code: string | undefined; stack: string | undefined };

// Run from the sources (as tests do) the thread still needs the built file: a worker is started by Node alone.
const workerUrl = new URL(
  import.meta.url.endsWith(".ts") ? "../../dist/body/worker.js" : "./worker.js",
  import.meta.url,
);

/** The body behind a thread of its own. Jobs run there one after the other. */
export class ThreadBody implements Body {
  readonly opened: BodyOpened;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #done: ((result: BodyResult) => void) | undefined;
  #isClosing = false;

  /**
   * Opens the file here first, so that whatever is wrong with it is thrown to the caller.
   * @param whileOpen runs while the file is open in this thread: a reader opened now keeps SQLite from cleaning up in between.
   */
  constructor(settings: WriterSettings, ports: { fatal: (error: Error) => void; whileOpen: () => void }) {
    const executor = new BodyExecutor(settings);
    try {
      this.opened = executor.readOpened();
      ports.whileOpen();
    } finally {
      executor.close();
    }
    this.#worker = new Worker(workerUrl, { workerData: settings, name: "mvcc-store" });
    this.#worker.on("message", (message: FromThread) => {
      if (message.kind === "failed") ports.fatal(errorFrom(message));
      else this.#finish(message.result);
    });
    this.#worker.on("error", (error) => ports.fatal(error as Error));
    this.#exited = new Promise((resolve) => {
      this.#worker.once("exit", () => {
        resolve();
        if (!this.#isClosing) ports.fatal(new Error("the store thread has ended"));
      });
    });
  }

  run(job: BodyJob, done: (result: BodyResult) => void): void {
    this.#done = done;
    const message: ToThread = { kind: "job", job };
    this.#worker.postMessage(message, job.kind === "flush" ? job.runs.map((run) => run.buffer) : []);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#worker.postMessage({ kind: "close" } satisfies ToThread);
    await this.#exited;
  }

  #finish(result: BodyResult): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(result);
  }
}

function errorFrom(message: Extract<FromThread, { kind: "failed" }>): Error {
  const error = Object.assign(new Error(message.message), message.code === undefined ? {} : { code: message.code });
  if (message.stack !== undefined) error.stack = message.stack;
  return error;
}
