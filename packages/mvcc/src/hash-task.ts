import type { Span } from "@quorate/common";
import type { BodyJob, BodyResult, HashRequest } from "./body/jobs.js";
import { hashRowsPerSlice } from "./compaction.js";
import type { HashLock } from "./hash-lock.js";
import type { BackgroundTask } from "./scheduler.js";
import type { MvccTelemetry } from "./telemetry.js";

/**
 * One HashKV computation. The body can work on one hash at a time, so all who want one, compactions included, hold `lock` in turn:
 * a task waits while another is in its middle.
 */
export class HashTask implements BackgroundTask {
  readonly #request: () => HashRequest;
  readonly #lock: HashLock;
  readonly #telemetry: MvccTelemetry;
  readonly #resolve: (hash: number) => void;
  readonly #reject: (error: Error) => void;
  #isStarted = false;
  #span: Span | undefined;

  /** @param request made when the task begins, with what is true of the body then. */
  constructor(parts: {
    request: () => HashRequest;
    lock: HashLock;
    telemetry: MvccTelemetry;
    resolve: (hash: number) => void;
    reject: (error: Error) => void;
  }) {
    this.#request = parts.request;
    this.#lock = parts.lock;
    this.#telemetry = parts.telemetry;
    this.#resolve = parts.resolve;
    this.#reject = parts.reject;
  }

  nextJob(): BodyJob | undefined {
    if (this.#isStarted) return { kind: "hash", request: undefined, rows: hashRowsPerSlice };
    if (!this.#lock.take(this)) return undefined;
    this.#isStarted = true;
    const request = this.#request();
    this.#span = this.#telemetry.start("mvcc.hash", { "mvcc.revision": request.upTo });
    return { kind: "hash", request, rows: hashRowsPerSlice };
  }

  take(result: BodyResult): boolean {
    if (result.hash === undefined) return false;
    this.#telemetry.end(this.#span, result);
    this.#lock.release(this);
    this.#resolve(result.hash);
    return true;
  }

  fail(error: Error): void {
    this.#telemetry.fail(this.#span, error);
    this.#reject(error);
  }
}
