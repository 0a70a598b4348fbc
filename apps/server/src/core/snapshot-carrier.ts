import type { MemberId, SnapshotSink } from "@quorate/common";
import type { Envelope } from "@quorate/raft";

/** Who carries snapshots between members. */
export interface SnapshotCarrier {
  /** The consensus core wants a member to have a snapshot. How it went is told to the core. */
  send(envelope: Envelope): void;
  /** A snapshot of another member begins, or is continued; undefined refuses it. */
  receiver(from: MemberId, header: Uint8Array, sizeBytes: number): SnapshotSink | undefined;
}
