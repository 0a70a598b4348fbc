import { Worker } from "node:worker_threads";
import type { CopyRequest } from "./copy.js";

const workerUrl = new URL(
  import.meta.url.endsWith(".ts") ? "../../dist/body/copy-worker.js" : "./copy-worker.js",
  import.meta.url,
);

/** A thread that copies the database once and ends. */
export class CopyThread {
  readonly #worker: Worker;

  constructor(request: CopyRequest) {
    this.#worker = new Worker(workerUrl, { workerData: request, name: "mvcc-copy" });
  }

  /** Resolves when the copy is complete. @throws what went wrong, or the signal's reason once the thread has stopped. */
  async finished(signal: AbortSignal | undefined): Promise<void> {
    const stop = (): void => void this.#worker.terminate();
    signal?.addEventListener("abort", stop, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        this.#worker.once("error", reject);
        this.#worker.once("exit", () => resolve());
      });
    } finally {
      signal?.removeEventListener("abort", stop);
    }
    signal?.throwIfAborted();
  }
}
