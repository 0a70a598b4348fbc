import type { Revision, Span } from "@quorate/common";
import type { BodyJob, BodyResult, BodySize } from "./body/jobs.js";
import type { HashLock } from "./hash-lock.js";
import type { CompactionRequest } from "./head-layer.js";
import type { MvccPorts } from "./mvcc.js";
import type { Pins } from "./pins.js";
import type { BackgroundTask, Scheduler } from "./scheduler.js";
import type { MvccTelemetry } from "./telemetry.js";

/** Rows hashed in one slice: a few milliseconds. */
export const hashRowsPerSlice = 4000;
/** Hashes of past compactions that are remembered, as etcd does. */
const hashesKept = 10;

/** A hash taken by a compaction: HashKV at its revision answers it. */
export type CompactionHash = Readonly<{ hash: number; previous: Revision | undefined; revision: Revision }>;

/** Who waits for a compaction. */
type Waiter = Readonly<{ revision: Revision; resolve: () => void; reject: (error: Error) => void }>;

type Settings = Readonly<{ compactionBatchLimit: number; compactionSleepMs: number }>;

/**
 * The physical side of compaction: takes the hash, then removes rows in slices with pauses, then notes that it is finished. One
 * request after the other; what a restart interrupts begins again.
 */
export class Compactions implements BackgroundTask {
  readonly #settings: Settings;
  readonly #scheduler: Scheduler;
  readonly #pins: Pins;
  readonly #telemetry: MvccTelemetry;
  readonly #finishedOne: () => void;
  readonly #lock: HashLock;
  readonly #ports: Pick<MvccPorts, "clock" | "logger">;
  #startedMs = 0;
  readonly #queue: CompactionRequest[] = [];
  readonly #hashes: CompactionHash[] = [];
  #finished: Revision | undefined;
  #requested: Revision | undefined;
  #stage: { kind: "hash"; isStarted: boolean } | { kind: "rows"; afterSeq: number } | { kind: "finish" } | undefined;
  #isSleeping = false;
  #span: Span | undefined;
  #waiters: Waiter[] = [];

  constructor(
    parts: {
      settings: Settings;
      scheduler: Scheduler;
      pins: Pins;
      telemetry: MvccTelemetry;
      lock: HashLock;
      ports: Pick<MvccPorts, "clock" | "logger">;
      finishedOne: () => void;
    },
    state: { finished: Revision | undefined; requested: Revision | undefined },
  ) {
    this.#settings = parts.settings;
    this.#scheduler = parts.scheduler;
    this.#pins = parts.pins;
    this.#telemetry = parts.telemetry;
    this.#finishedOne = parts.finishedOne;
    this.#lock = parts.lock;
    this.#ports = parts.ports;
    this.#finished = state.finished;
    this.#requested = state.requested;
    if (state.requested !== undefined && state.requested !== state.finished) {
      this.#queue.push({ to: state.requested, previous: state.finished, takesHash: false });
    }
  }

  /** The last compaction whose rows are gone. */
  get finished(): Revision | undefined {
    return this.#finished;
  }

  /** Takes note of a compaction when it is applied. Its rows may go once it is in the body: see `start`. */
  request(to: Revision): CompactionRequest {
    const request = { to, previous: this.#requested, takesHash: this.#requested === this.#finished };
    this.#requested = to;
    return request;
  }

  /** Queues compactions that have reached the body. */
  start(requests: readonly CompactionRequest[]): void {
    this.#queue.push(...requests);
  }

  /** The hash taken by the compaction to `revision`, if it is remembered. */
  hashAt(revision: Revision): CompactionHash | undefined {
    return this.#hashes.find((stored) => stored.revision === revision);
  }

  whenFinished(revision: Revision | undefined): Promise<void> {
    if (revision === undefined || (this.#finished !== undefined && this.#finished >= revision))
      return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiters.push({ revision, resolve, reject }));
  }

  nextJob(): BodyJob | undefined {
    const [request] = this.#queue;
    if (request === undefined || this.#isSleeping || !this.#pins.allow(request.to)) return undefined;
    if (this.#stage === undefined) {
      this.#startedMs = this.#ports.clock.monotonicMs();
      this.#span = this.#telemetry.start("mvcc.compact", { "mvcc.revision": request.to });
      this.#stage = request.takesHash ? { kind: "hash", isStarted: false } : { kind: "rows", afterSeq: 0 };
    }
    switch (this.#stage.kind) {
      case "hash":
        return this.#hashJob(request, this.#stage);
      case "rows": {
        const { afterSeq } = this.#stage;
        return {
          kind: "compact",
          from: this.#finished ?? 0,
          to: request.to,
          afterSeq,
          rows: this.#settings.compactionBatchLimit,
        };
      }
      case "finish":
        return { kind: "finish-compaction", to: request.to };
    }
  }

  take(result: BodyResult): boolean {
    const [request] = this.#queue;
    if (request === undefined || this.#stage === undefined) return false;
    if (this.#stage.kind === "hash") {
      if (result.hash === undefined) return false;
      this.#lock.release(this);
      this.#remember({ hash: result.hash, previous: request.previous, revision: request.to });
      this.#stage = { kind: "rows", afterSeq: 0 };
    } else if (this.#stage.kind === "rows") {
      this.#telemetry.countCompactionSlice(result);
      this.#stage = result.afterSeq === undefined ? { kind: "finish" } : { kind: "rows", afterSeq: result.afterSeq };
      if (result.afterSeq !== undefined) this.#sleep();
    } else this.#finish(request, result);
    return false;
  }

  fail(error: Error): void {
    this.#telemetry.fail(this.#span, error);
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#waiters = [];
  }

  #hashJob(request: CompactionRequest, stage: { isStarted: boolean }): BodyJob | undefined {
    if (!this.#lock.take(this)) return undefined;
    const isFirst = !stage.isStarted;
    stage.isStarted = true;
    const { to: upTo, previous } = request;
    const hashed = { upTo, compacted: previous, finished: this.#finished, isCompaction: true };
    return { kind: "hash", request: isFirst ? hashed : undefined, rows: hashRowsPerSlice };
  }

  #remember(stored: CompactionHash): void {
    this.#hashes.push(stored);
    if (this.#hashes.length > hashesKept) this.#hashes.shift();
  }

  #sleep(): void {
    if (this.#settings.compactionSleepMs <= 0) return;
    this.#isSleeping = true;
    this.#scheduler.after(this.#settings.compactionSleepMs, () => {
      this.#isSleeping = false;
    });
  }

  #finish(request: CompactionRequest, result: BodyResult): void {
    this.#telemetry.end(this.#span, result);
    this.#span = undefined;
    this.#stage = undefined;
    this.#finished = request.to;
    this.#log(request.to, result.size);
    this.#queue.shift();
    const left: Waiter[] = [];
    for (const waiter of this.#waiters) {
      if (waiter.revision <= request.to) waiter.resolve();
      else left.push(waiter);
    }
    this.#waiters = left;
    this.#finishedOne();
  }

  /** Fields as etcd names them. */
  #log(revision: Revision, { pages, freePages, pageBytes }: BodySize): void {
    this.#ports.logger.info("finished scheduled compaction", {
      "compact-revision": revision,
      took: `${(this.#ports.clock.monotonicMs() - this.#startedMs).toFixed(3)}ms`,
      hash: this.hashAt(revision)?.hash,
      "current-db-size-bytes": pages * pageBytes,
      "current-db-size-in-use-bytes": (pages - freePages) * pageBytes,
    });
  }
}
