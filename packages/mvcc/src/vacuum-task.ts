import type { Span } from "@quorate/common";
import type { BodyJob, BodyResult } from "./body/jobs.js";
import type { BackgroundTask } from "./scheduler.js";
import type { MvccTelemetry } from "./telemetry.js";

/** Pages given back in one slice: a few milliseconds. */
const pagesPerSlice = 256;

/** Gives free pages back to the file system until `share` of the file, at most, is free. */
export class VacuumTask implements BackgroundTask {
  readonly #share: number;
  readonly #telemetry: MvccTelemetry;
  readonly #waiter: { resolve(): void; reject(error: Error): void } | undefined;
  #freePages = Number.POSITIVE_INFINITY;
  #span: Span | undefined;

  constructor(
    share: number,
    parts: { telemetry: MvccTelemetry; waiter?: { resolve(): void; reject(error: Error): void } },
  ) {
    this.#share = share;
    this.#telemetry = parts.telemetry;
    this.#waiter = parts.waiter;
  }

  nextJob(): BodyJob {
    this.#span ??= this.#telemetry.start("mvcc.defragment", {});
    return { kind: "vacuum", pages: pagesPerSlice };
  }

  take(result: BodyResult): boolean {
    const { freePages, pages } = result.size;
    // A slice that frees nothing will not free more the next time.
    const isOver = freePages <= pages * this.#share || freePages >= this.#freePages;
    this.#freePages = freePages;
    if (!isOver) return false;
    this.#telemetry.end(this.#span, result);
    this.#waiter?.resolve();
    return true;
  }

  fail(error: Error): void {
    this.#telemetry.fail(this.#span, error);
    this.#waiter?.reject(error);
  }
}
