import type { Clock, Logger, LogIndex, MemberId, PeerNetwork, Random, SnapshotSink } from "@quorate/common";
import type { Mvcc } from "@quorate/mvcc";
import type { Envelope, Snapshot } from "@quorate/raft";
import type { CoreObserver } from "./core-options.js";
import { receivedPath } from "./received-file.js";
import type { SnapshotCarrier } from "./snapshot-carrier.js";
import { type ReceiverParts, SnapshotReceiver } from "./snapshot-receiver.js";
import { type SenderParts, SnapshotSender } from "./snapshot-sender.js";

type MoverParts = Omit<SenderParts, "network"> &
  Omit<ReceiverParts, "databasePath"> &
  Readonly<{ network: PeerNetwork | undefined }>;

type MoverPorts = Readonly<{
  clock: Clock;
  random: Random;
  logger: Logger;
  observe: Pick<CoreObserver, "snapshotSaved" | "snapshotInstalling">;
  fatal: (error: Error) => void;
}>;

/** Brings copies of the database to other members, and theirs here: what a member that has fallen too far behind begins again from. */
export class SnapshotMover implements SnapshotCarrier {
  readonly #sender: SnapshotSender | undefined;
  readonly #receiver: SnapshotReceiver;
  readonly #mvcc: Mvcc;
  readonly #databasePath: string;
  readonly #logger: Logger;
  readonly #observe: Pick<CoreObserver, "snapshotInstalling">;
  readonly #fatal: (error: Error) => void;
  #installing: Promise<void> | undefined;

  /** @param options without a store thread received files are written in this one too, as a simulation needs it. */
  constructor(parts: MoverParts, options: { databasePath: string; hasStoreThread: boolean }, ports: MoverPorts) {
    const { network } = parts;
    const { databasePath, hasStoreThread } = options;
    this.#sender = network && new SnapshotSender({ ...parts, network }, ports);
    this.#receiver = new SnapshotReceiver({ ...parts, databasePath }, { writesHere: !hasStoreThread }, ports);
    this.#mvcc = parts.mvcc;
    this.#databasePath = databasePath;
    this.#logger = ports.logger;
    this.#observe = ports.observe;
    this.#fatal = ports.fatal;
  }

  /** The log should keep what follows this entry: it is on its way to a member that will need what comes after. */
  get pinnedIndex(): LogIndex | undefined {
    return this.#sender?.pinnedIndex;
  }

  send(envelope: Envelope): void {
    this.#sender?.send(envelope);
  }

  receiver(from: MemberId, header: Uint8Array, sizeBytes: number): SnapshotSink | undefined {
    return this.#receiver.begin(from, header, sizeBytes);
  }

  /**
   * The received file takes the database's place. The log has the snapshot's record by now: after a crash a start does the same.
   * @param done runs when it is there.
   */
  install(snapshot: Snapshot, done: () => void): void {
    const path = receivedPath(this.#databasePath, snapshot.index);
    const fields = {
      "current-applied-index": this.#mvcc.applied.index,
      "incoming-leader-snapshot-index": snapshot.index,
      "incoming-leader-snapshot-term": snapshot.term,
    };
    this.#logger.info("applying snapshot", fields);
    this.#observe.snapshotInstalling(true);
    const installed = (): void => {
      this.#receiver.installed();
      done();
      this.#logger.info("applied snapshot", fields);
    };
    this.#installing = this.#mvcc
      .install(path)
      .then(installed)
      // Without the file, or half way, this member has no state that it could answer from: the log is ahead of the database.
      .catch((error: unknown) => this.#fatal(error instanceof Error ? error : new Error(String(error))))
      .finally(() => {
        this.#installing = undefined;
        this.#observe.snapshotInstalling(false);
      });
  }

  /** Waits for the install that goes on, if one does. */
  async settled(): Promise<void> {
    await this.#installing;
  }

  stop(): void {
    this.#sender?.stop();
    this.#receiver.stop();
  }
}
