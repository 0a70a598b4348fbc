import { crc32c } from "@node-rs/crc32";
import type { Revision } from "@quorate/common";
import { emptyHash } from "./body/hasher.js";
import type { HashRequest } from "./body/jobs.js";
import type { Buckets } from "./buckets.js";
import type { Compactions } from "./compaction.js";
import type { HashLock } from "./hash-lock.js";
import { HashTask } from "./hash-task.js";
import type { HashKvResult } from "./mvcc.js";
import type { Pins } from "./pins.js";
import { checkReadable, type ReadBounds } from "./range.js";
import type { Scheduler } from "./scheduler.js";
import type { MvccTelemetry } from "./telemetry.js";

/** What is hashed, as the store has it when it is asked. */
export interface HashedStore {
  readonly bounds: ReadBounds;
  flush(): Promise<void>;
}

/** Hashes over the store's content, taken by the store thread in slices. */
export class Hashes {
  readonly #store: HashedStore;
  readonly #buckets: Buckets;
  readonly #compactions: Compactions;
  readonly #scheduler: Scheduler;
  readonly #pins: Pins;
  readonly #lock: HashLock;
  readonly #telemetry: MvccTelemetry;

  constructor(
    store: HashedStore,
    parts: {
      buckets: Buckets;
      compactions: Compactions;
      scheduler: Scheduler;
      pins: Pins;
      lock: HashLock;
      telemetry: MvccTelemetry;
    },
  ) {
    this.#store = store;
    this.#buckets = parts.buckets;
    this.#compactions = parts.compactions;
    this.#scheduler = parts.scheduler;
    this.#pins = parts.pins;
    this.#lock = parts.lock;
    this.#telemetry = parts.telemetry;
  }

  /** @see `Mvcc.hashKv`. */
  async ofHistory(revision: Revision | undefined): Promise<HashKvResult> {
    const { bounds } = this.#store;
    const { current, compacted } = bounds;
    const upTo = revision === undefined || revision === 0 ? current : revision;
    if (upTo < 0) return { hash: emptyHash, compactRevision: compacted, hashRevision: upTo, revision: current };
    // As in etcd, a remembered hash answers even when its revision has been compacted since; and it is looked up by the number asked
    // for, so that "the newest" (0) never finds one, but that of a compaction to 0.
    const asked = revision ?? (0 as Revision);
    const stored = this.#compactions.hashAt(asked);
    if (stored !== undefined) {
      return { hash: stored.hash, compactRevision: stored.previous, hashRevision: asked, revision: current };
    }
    checkReadable(upTo, bounds);
    const hash = await this.#ofRows(upTo, compacted);
    return { hash, compactRevision: compacted, hashRevision: upTo, revision: current };
  }

  /** @see `Mvcc.hash`. */
  async ofAll(): Promise<number> {
    const tables = this.#buckets.content();
    const { current, compacted } = this.#store.bounds;
    return crc32c(tables, await this.#ofRows(current, compacted));
  }

  async #ofRows(upTo: Revision, compacted: Revision | undefined): Promise<number> {
    const release = this.#pins.add(compacted ?? 0);
    try {
      await this.#store.flush();
      const request = (): HashRequest => ({
        upTo,
        compacted,
        finished: this.#compactions.finished,
        isCompaction: false,
      });
      const parts = { request, lock: this.#lock, telemetry: this.#telemetry };
      return await new Promise((resolve, reject) => this.#scheduler.add(new HashTask({ ...parts, resolve, reject })));
    } finally {
      release();
    }
  }
}
