import type { Clock, Logger, LogIndex, MemberId, PeerNetwork, Random, Term, Timer } from "@quorate/common";
import type { Backup, Mvcc } from "@quorate/mvcc";
import { type ConfState, type Envelope, isMember, type MemoryLog, type RaftInput } from "@quorate/raft";
import { loadConfState } from "./conf-change-apply.js";
import { encodeSnapshotHeader, type SnapshotMessage } from "./snapshot-header.js";

/** Snapshots that may be on their way at once; more fail at once and are asked for again. etcd's bound. */
const inFlightMax = 16;
/** Bytes of a copy that are read at once. */
const pieceBytes = 131_072;
/**
 * So fast a snapshot is sent, so that puts hardly notice: checksums and sockets are work of the thread that serves them, about six milliseconds for a megabyte. A
 * large one goes faster, to be there within a minute: what is written meanwhile has to be kept for its receiver.
 */
const bytesPerSecondMin = 33_554_432;
const sendSecondsMax = 60;
/**
 * How long a copy stays after its last use, and the log what follows it: for the member that has it now and will ask for that, and for one whose way
 * was broken, which goes on where it was. etcd's number.
 */
const releaseDelayMs = 30_000;

/** Until then nobody tries again to make what could not be made: the consensus core asks with every heartbeat. */
const failedDelayMs = 5000;

/** What sending snapshots needs. */
export type SenderParts = Readonly<{
  member: MemberId;
  mvcc: Pick<Mvcc, "applied" | "backup">;
  log: MemoryLog;
  network: Pick<PeerNetwork, "sendSnapshot">;
  /** The term of now, and who is in the cluster as far as is applied. */
  raft: { readonly term: Term; readonly confState: ConfState };
  push(input: RaftInput): void;
}>;

/** One copy of the database, for all who need one while it is fresh enough. */
type Copy = {
  readonly token: number;
  readonly making: Promise<Backup>;
  index: LogIndex;
  /** Who was in the cluster when it was made. */
  readonly confState: ConfState;
  users: number;
  /** Runs when nobody has used it for a while. */
  release: Timer | undefined;
};

/**
 * Sends snapshots to members that need entries this one has no more. As in etcd the copy is made when it is sent, so that it is as new as can be; members that
 * ask at about the same time share one. While it travels, and a little longer, the log keeps what follows it.
 */
export class SnapshotSender {
  readonly #parts: SenderParts;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  /** Copies that travel, and those that did lately. */
  readonly #pinned = new Set<Copy>();
  #newest: Copy | undefined;
  #inFlight = 0;

  constructor(parts: SenderParts, ports: { clock: Clock; random: Random; logger: Logger }) {
    this.#parts = parts;
    this.#clock = ports.clock;
    this.#random = ports.random;
    this.#logger = ports.logger;
  }

  /** The log should keep what follows this entry: somebody is about to need it. */
  get pinnedIndex(): LogIndex | undefined {
    let least: LogIndex | undefined;
    for (const { index } of this.#pinned) if (least === undefined || index < least) least = index;
    return least;
  }

  /** The consensus core wants a member to have a snapshot. */
  send({ to, message }: Envelope): void {
    if (this.#stopping.signal.aborted || message.kind !== "snapshot") return;
    if (this.#inFlight >= inFlightMax) return this.#report(to, false);
    this.#inFlight += 1;
    const copy = this.#share(to);
    copy.users += 1;
    copy.making.then(
      (backup) => this.#start(to, message, copy, backup),
      (error: unknown) => {
        this.#end(to, copy, { isMade: false, isDelivered: false });
        if (this.#stopping.signal.aborted) return;
        // A full disk, or a snapshot of this member's own: a later attempt may do better. If the store cannot go on, it says so itself.
        this.#logger.warn("failed to create snapshot", {
          "remote-peer-id": hex(to),
          error: error instanceof Error ? error.message : String(error),
        });
      },
    );
  }

  stop(): void {
    this.#stopping.abort();
    for (const copy of this.#pinned) this.#drop(copy);
  }

  /** The copy that travels already, unless the log has gone on too far since, or the receiver is not in it: a member does not take a cluster without it. */
  #share(to: MemberId): Copy {
    const { mvcc, log, raft } = this.#parts;
    const newest = this.#newest;
    if (newest !== undefined && newest.index + 1 >= log.firstIndex && isMember(newest.confState, to)) {
      newest.release?.cancel();
      newest.release = undefined;
      return newest;
    }
    const token = this.#random.integer(0, 2 ** 47);
    const making = mvcc.backup(this.#stopping.signal);
    const { confState } = raft;
    const copy: Copy = { token, making, index: mvcc.applied.index, confState, users: 0, release: undefined };
    this.#newest = copy;
    this.#pinned.add(copy);
    return copy;
  }

  #start(to: MemberId, asked: SnapshotMessage, copy: Copy, backup: Backup): void {
    const { raft, network } = this.#parts;
    const { index, term } = backup.applied;
    copy.index = index;
    // Another leads by now, who will ask for its own.
    if (this.#stopping.signal.aborted || raft.term !== asked.term) {
      return this.#end(to, copy, { isMade: true, isDelivered: false });
    }
    const confState = loadConfState(backup) ?? raft.confState;
    const message: SnapshotMessage = { ...asked, snapshot: { index, term, confState, data: new Uint8Array(0) } };
    const startMs = this.#clock.monotonicMs();
    const fields = {
      from: hex(this.#parts.member),
      to: hex(to),
      "snapshot-index": index,
      bytes: backup.sizeBytes,
      size: sizeText(backup.sizeBytes),
    };
    this.#logger.info("sending snapshot", fields);
    const source = {
      header: encodeSnapshotHeader({ token: copy.token, message }),
      sizeBytes: backup.sizeBytes,
      chunks: (fromByte: number) => this.#paced(backup.chunks(pieceBytes, fromByte), backup.sizeBytes),
      close: () => {},
    };
    network.sendSnapshot(to, source, (isDelivered) => {
      const took = `${Math.round(this.#clock.monotonicMs() - startMs)}ms`;
      if (isDelivered) this.#logger.info("sent merged snapshot", { ...fields, took });
      else this.#logger.warn("failed to send snapshot", { ...fields, took });
      this.#end(to, copy, { isMade: true, isDelivered });
    });
  }

  async *#paced(pieces: AsyncIterable<Uint8Array>, sizeBytes: number): AsyncGenerator<Uint8Array> {
    const bytesPerSecond = Math.max(bytesPerSecondMin, sizeBytes / sendSecondsMax);
    const startMs = this.#clock.monotonicMs();
    let bytes = 0;
    for await (const piece of pieces) {
      yield piece;
      bytes += piece.length;
      const aheadMs = startMs + (bytes / bytesPerSecond) * 1000 - this.#clock.monotonicMs();
      if (aheadMs >= 1) await new Promise<void>((resolve) => this.#clock.after(aheadMs, resolve));
    }
  }

  #end(to: MemberId, copy: Copy, { isMade, isDelivered }: { isMade: boolean; isDelivered: boolean }): void {
    this.#inFlight -= 1;
    copy.users -= 1;
    if (copy.users === 0) {
      copy.release = this.#clock.after(isMade ? releaseDelayMs : failedDelayMs, () => this.#drop(copy));
    }
    this.#report(to, isDelivered);
  }

  #drop(copy: Copy): void {
    copy.release?.cancel();
    this.#pinned.delete(copy);
    if (this.#newest === copy) this.#newest = undefined;
    copy.making.then(
      (backup) => backup.close(),
      () => {}, // there is nothing to close; who asked for it was told
    );
  }

  #report(peer: MemberId, isDelivered: boolean): void {
    if (!this.#stopping.signal.aborted) this.#parts.push({ kind: "snapshot-status", peer, isDelivered });
  }
}

const hex = (id: MemberId): string => id.toString(16);

/** As etcd's log writes sizes: `1.2 GB`. */
export function sizeText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  let value = bytes;
  for (; value >= 1000 && at < units.length - 1; at++) value /= 1000;
  return `${at === 0 || value >= 10 ? Math.round(value) : Math.round(value * 10) / 10} ${units[at]}`;
}
