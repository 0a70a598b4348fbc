import type { MemberId, SnapshotSink } from "@quorate/common";
import type { Envelope, RaftInput } from "@quorate/raft";

/** Who carries snapshots between members. */
export interface SnapshotCarrier {
  /** The consensus core wants a member to have a snapshot. How it went is told to the core. */
  send(envelope: Envelope): void;
  /** A snapshot of another member begins, or is continued; undefined refuses it. */
  receiver(from: MemberId, header: Uint8Array, sizeBytes: number): SnapshotSink | undefined;
}

/** Carries none: who lags so far that entries are gone waits. */
export class NoSnapshots implements SnapshotCarrier {
  readonly #push: (input: RaftInput) => void;

  constructor(push: (input: RaftInput) => void) {
    this.#push = push;
  }

  send({ to }: Envelope): void {
    this.#push({ kind: "snapshot-status", peer: to, isDelivered: false });
  }

  receiver(): undefined {
    return undefined;
  }
}
