import type { Clock, Logger, Revision } from "@quorate/common";
import { MvccError } from "@quorate/mvcc";
import { HashKVResponse } from "@quorate/proto";
import type { Fault } from "../public-errors.js";
import type { FromCore, ToCore } from "./core-link.js";
import type { MemberState } from "./member-state.js";
import { MessageBuilder } from "./reply-writer.js";
import { SnapshotJob } from "./snapshot-job.js";

/** Work that takes long and is done elsewhere. */
export type MaintenanceQuestion = Extract<ToCore, { kind: "hash" | "hash-kv" | "defragment" | "snapshot" }>;

/** CRC-32C of the three bytes "key": the HashKV of nothing. */
const emptyHash = 1_084_519_789;

/** Hashes, snapshots and defragmentation. The store does them beside its other work; here they are only started and answered. */
export class MaintenanceJobs {
  readonly #state: MemberState;
  readonly #header: (revision: Revision) => Uint8Array;
  readonly #emit: (message: FromCore) => void;
  readonly #onResized: () => void;
  readonly #storageVersion: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #fatal: (error: Error) => void;
  readonly #snapshots = new Map<number, SnapshotJob>();
  #isStopped = false;

  constructor(
    parts: {
      state: MemberState;
      header(revision: Revision): Uint8Array;
      emit(message: FromCore): void;
      /** The database file has another size. */
      onResized(): void;
    },
    options: { storageVersion: string },
    ports: { clock: Clock; logger: Logger; fatal: (error: Error) => void },
  ) {
    this.#state = parts.state;
    this.#header = (revision) => parts.header(revision);
    this.#emit = (message) => parts.emit(message);
    this.#onResized = () => parts.onResized();
    this.#storageVersion = options.storageVersion;
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#fatal = ports.fatal;
  }

  start(question: MaintenanceQuestion): void {
    const { serial } = question;
    switch (question.kind) {
      case "hash":
        return this.#run(serial, () => this.#hash(serial));
      case "hash-kv":
        return this.#run(serial, () => this.#hashKv(serial, question.revision, question.echo));
      case "defragment":
        return this.#run(serial, () => this.#defragment(serial));
      case "snapshot":
        return this.#run(serial, () => this.#openSnapshot(serial));
    }
  }

  /** More of a snapshot may be sent. */
  pull(serial: number): void {
    if (this.#snapshots.has(serial)) this.#run(serial, () => this.#sendSnapshot(serial));
  }

  cancel(serial: number): void {
    this.#snapshots.get(serial)?.close();
    this.#snapshots.delete(serial);
  }

  stop(): void {
    this.#isStopped = true;
    for (const serial of [...this.#snapshots.keys()]) this.cancel(serial);
  }

  async #hash(serial: number): Promise<void> {
    const hash = await this.#state.mvcc.hash();
    const header = this.#header(this.#state.mvcc.revision);
    this.#emit({ kind: "reply", serial, parts: [header, new MessageBuilder().number(2, hash).take()] });
  }

  async #hashKv(serial: number, revision: Revision | undefined, echo: bigint): Promise<void> {
    const { mvcc } = this.#state;
    if (echo < 0n) {
      // A negative revision is no error in etcd: it hashes nothing.
      const compactRevision = BigInt(mvcc.compactedRevision ?? -1);
      const body = HashKVResponse.encode({ hash: emptyHash, compactRevision, hashRevision: echo });
      this.#emit({ kind: "reply", serial, parts: [this.#header(mvcc.revision), body] });
      return;
    }
    const result = await mvcc.hashKv(revision);
    const compactRevision = BigInt(result.compactRevision ?? -1);
    const body = HashKVResponse.encode({
      hash: result.hash,
      compactRevision,
      hashRevision: BigInt(result.hashRevision),
    });
    this.#emit({ kind: "reply", serial, parts: [this.#header(result.revision), body] });
  }

  async #defragment(serial: number): Promise<void> {
    const before = this.#state.mvcc.size();
    const startMs = this.#clock.monotonicMs();
    this.#logger.info("defragmenting", {
      "current-db-size-bytes": before.totalBytes,
      "current-db-size-in-use-bytes": before.inUseBytes,
    });
    await this.#state.mvcc.defragment();
    const after = this.#state.mvcc.size();
    this.#logger.info("finished defragmenting directory", {
      "current-db-size-bytes-diff": after.totalBytes - before.totalBytes,
      "current-db-size-bytes": after.totalBytes,
      "current-db-size-in-use-bytes": after.inUseBytes,
      took: `${Math.round(this.#clock.monotonicMs() - startMs)}ms`,
    });
    this.#onResized(); // before the caller is told, who may well go on writing
    this.#emit({ kind: "reply", serial, parts: [new Uint8Array(0)] });
  }

  async #openSnapshot(serial: number): Promise<void> {
    const backup = await this.#state.mvcc.backup();
    if (this.#isStopped) return backup.close();
    const job = new SnapshotJob(backup, { storageVersion: this.#storageVersion }, { logger: this.#logger });
    this.#snapshots.set(serial, job);
    await this.#sendSnapshot(serial);
  }

  async #sendSnapshot(serial: number): Promise<void> {
    const job = this.#snapshots.get(serial);
    if (job === undefined) return;
    const { message, isLast } = await job.next();
    if (isLast) this.cancel(serial);
    this.#emit({ kind: "chunk", serial, parts: [message], last: isLast });
  }

  /** Starts work and answers its refusal. A failure that is no refusal is the store's, and ends the member. */
  #run(serial: number, work: () => Promise<void>): void {
    work().catch((error: unknown) => {
      if (this.#isStopped) return;
      if (error instanceof MvccError) this.#emit({ kind: "fail", serial, fault: error.fault satisfies Fault });
      else this.#fatal(error instanceof Error ? error : new Error(String(error)));
    });
  }
}
