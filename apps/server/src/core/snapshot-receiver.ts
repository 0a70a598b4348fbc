import { type Clock, equalBytes, type Logger, type LogIndex, type MemberId, type SnapshotSink } from "@quorate/common";
import { inspectDatabase, type Mvcc } from "@quorate/mvcc";
import type { RaftInput } from "@quorate/raft";
import type { CoreObserver } from "./core-options.js";
import { purgeReceived, ReceivedFile, receivedPath } from "./received-file.js";
import { decodeSnapshotHeader, type SnapshotHeader } from "./snapshot-header.js";
import { sizeText } from "./snapshot-sender.js";

/** What receiving snapshots needs. */
export type ReceiverParts = Readonly<{
  mvcc: Mvcc;
  databasePath: string;
  /** What this member knows to be committed. */
  committed(): LogIndex;
  push(input: RaftInput): void;
}>;

/** A snapshot of which some bytes are here. */
type Arriving = Readonly<{ from: MemberId; header: Uint8Array; read: SnapshotHeader; file: ReceivedFile }>;

/**
 * Receives snapshots into `<index>.snap.db` beside the database. The consensus core hears of one when the file is whole, looked into and on disk. One at a time:
 * a newer one ends the one before it; one that broke off goes on where it was.
 */
export class SnapshotReceiver {
  readonly #parts: ReceiverParts;
  readonly #writesHere: boolean;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #observe: Pick<CoreObserver, "snapshotSaved">;
  #arriving: Arriving | undefined;
  /** Those that are whole: the core may be about to have them installed. */
  readonly #whole = new Map<string, LogIndex>();
  #isStopped = false;

  /** @param options `writesHere`: files are written in this thread. */
  constructor(
    parts: ReceiverParts,
    options: { writesHere: boolean },
    ports: { clock: Clock; logger: Logger; observe: Pick<CoreObserver, "snapshotSaved"> },
  ) {
    this.#parts = parts;
    this.#writesHere = options.writesHere;
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#observe = ports.observe;
  }

  /** A snapshot begins, or is continued. @returns undefined when it is of no use here. */
  begin(from: MemberId, header: Uint8Array, sizeBytes: number): SnapshotSink | undefined {
    if (this.#isStopped) return undefined;
    const read = decodeSnapshotHeader(header);
    const index = read?.message.snapshot.index;
    if (read === undefined || index === undefined || index <= this.#parts.committed()) {
      const fields = { "remote-snapshot-sender-id": from.toString(16), "incoming-snapshot-index": index };
      this.#logger.warn("rejected incoming database snapshot", fields);
      // The leader does not know how far this member is. The message alone, which changes nothing here, has it told.
      if (read !== undefined) this.#parts.push({ kind: "message", from, message: read.message });
      return undefined;
    }
    const arriving = this.#resume(from, header) ?? this.#open(from, header, read);
    // The transport tells of the way; this tells what is done with what comes.
    const fields = { "snapshot-index": index, bytes: sizeBytes, size: sizeText(sizeBytes) };
    this.#logger.debug("a snapshot arrives", { ...fields, "received-bytes": arriving.file.bytes });
    const beganMs = this.#clock.monotonicMs();
    return {
      receivedBytes: arriving.file.bytes,
      write: async (chunk) => {
        if (arriving.file.bytes + chunk.length > sizeBytes) throw new Error("more bytes than were announced");
        await this.#append(arriving, chunk);
      },
      finish: async () => {
        if (arriving.file.bytes !== sizeBytes) throw new Error("fewer bytes than were announced");
        const syncedFromMs = this.#clock.monotonicMs();
        await this.#finish(arriving);
        const nowMs = this.#clock.monotonicMs();
        this.#observe.snapshotSaved({
          totalSeconds: (nowMs - beganMs) / 1000,
          syncSeconds: (nowMs - syncedFromMs) / 1000,
        });
        this.#logger.debug("a snapshot has arrived", fields);
        this.#parts.push({ kind: "message", from, message: read.message });
      },
      abort: () => {
        this.#logger.debug("a snapshot has broken off", { ...fields, "received-bytes": arriving.file.bytes });
      },
    };
  }

  /** A received file has taken the database's place: those it covers are of no use any more. */
  installed(): void {
    this.#purge();
  }

  stop(): void {
    this.#isStopped = true;
    this.#arriving?.file.discard();
    this.#arriving = undefined;
  }

  #resume(from: MemberId, header: Uint8Array): Arriving | undefined {
    const known = this.#arriving;
    return known !== undefined && known.from === from && equalBytes(known.header, header) ? known : undefined;
  }

  #open(from: MemberId, header: Uint8Array, read: SnapshotHeader): Arriving {
    this.#arriving?.file.discard();
    this.#arriving = undefined;
    this.#purge();
    const path = receivedPath(this.#parts.databasePath, read.message.snapshot.index);
    const file = new ReceivedFile(path, { writesHere: this.#writesHere });
    this.#arriving = { from, header: header.slice(), read, file };
    return this.#arriving;
  }

  /** What cannot be written, as on a full disk, does not stay to take the last of its space. */
  async #append(arriving: Arriving, chunk: Uint8Array): Promise<void> {
    try {
      await arriving.file.append(chunk);
    } catch (error) {
      arriving.file.discard();
      if (this.#arriving === arriving) this.#arriving = undefined;
      throw error;
    }
  }

  async #finish(arriving: Arriving): Promise<void> {
    const { file, read } = arriving;
    const { index, term } = read.message.snapshot;
    try {
      await file.finish((part) => {
        const { applied } = inspectDatabase(part);
        if (applied.index === index && applied.term === term) return;
        throw new Error("the database is not of the entry that its message names");
      });
    } finally {
      if (this.#arriving === arriving) this.#arriving = undefined;
    }
    this.#whole.set(file.path, index);
  }

  #purge(): void {
    const { mvcc, databasePath } = this.#parts;
    for (const [path, index] of this.#whole) if (index <= mvcc.applied.index) this.#whole.delete(path);
    const part = this.#arriving?.file.part;
    purgeReceived(databasePath, [...this.#whole.keys(), ...(part === undefined ? [] : [part])]);
  }
}
