import { BodyExecutor } from "./executor.js";
import type { Body, BodyJob, BodyOpened, BodyResult } from "./jobs.js";
import type { WriterSettings } from "./schema.js";

/** The body without a thread: jobs run where they are asked for. For simulation, small tools, and machines with one core. */
export class LocalBody implements Body {
  readonly opened: BodyOpened;
  readonly #executor: BodyExecutor;
  readonly #fatal: (error: Error) => void;

  constructor(settings: WriterSettings, fatal: (error: Error) => void) {
    this.#executor = new BodyExecutor(settings);
    this.#fatal = fatal;
    this.opened = this.#executor.readOpened();
  }

  run(job: BodyJob, done: (result: BodyResult) => void): void {
    let result: BodyResult;
    try {
      result = this.#executor.run(job);
    } catch (error) {
      this.#fatal(error as Error);
      return;
    }
    done(result);
  }

  async close(): Promise<void> {
    this.#executor.close();
  }
}
