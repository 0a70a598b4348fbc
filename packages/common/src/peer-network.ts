import type { MemberId } from "./brand.js";
import { CodedError } from "./coded-error.js";

/** Where another member listens for its peers: base URLs (`http://10.0.0.2:2380`), tried in turn. */
export type PeerAddress = Readonly<{ member: MemberId; urls: readonly string[] }>;

/** Whether a message may overtake others. "ordered" where nothing is said. */
export type MessageUrgency = "ordered" | "urgent";

/**
 * Messages between members. May drop, delay, repeat and reorder them, and may deliver what was sent long ago; never throws and never waits.
 * Bytes that are handed over are not changed afterwards by either side.
 */
export interface PeerNetwork {
  /**
   * Replaces the list of members that may be spoken to (never this member itself; learners included). Links to members
   * that are no longer listed are closed; a link whose URLs are new goes there. A member that speaks to this one may be answered though it is not
   * listed: one that lags behind has to answer a leader that it has not heard of yet.
   */
  setPeers(peers: readonly PeerAddress[]): void;
  /**
   * Hands one message over, in parts that nobody changes afterwards (parts may be shared between peers: encoded once).
   * Messages to one peer keep their order while the link lives, but what is "urgent" may overtake others, so that it does not wait behind megabytes.
   * @returns false when it was dropped: no link, or the peer's queue is full. True promises nothing but that it was queued.
   */
  send(to: MemberId, parts: readonly Uint8Array[], urgency?: MessageUrgency): boolean;
  /**
   * Sends a snapshot on a stream of its own, resuming after a broken connection. `done` runs exactly once, never during the call;
   * after it `snapshot.close()` has been called.
   */
  sendSnapshot(to: MemberId, snapshot: SnapshotSource, done: (isDelivered: boolean) => void): void;
  /**
   * A question with one answer (renew a lease at the leader, promote a learner). It may have been answered although this fails.
   * @throws PeerError (a rejected promise) when there is no such peer, the link fails, the other side fails, or after `timeoutMs`.
   */
  ask(to: MemberId, question: Uint8Array, options: { timeoutMs: number }): Promise<Uint8Array>;
  /** Says who gets what arrives. The last caller counts. */
  receive(receiver: PeerReceiver): void;
  /** What is known of a member; undefined when it is not among the peers. */
  status(member: MemberId): PeerStatus | undefined;
}

/** What is known of a peer. `activeSinceMs` is monotonic, undefined while there is no link; the two probe results are of the last probe. */
export type PeerStatus = Readonly<{
  isConnected: boolean;
  activeSinceMs: number | undefined;
  roundTripMs: number | undefined;
  /** Its wall clock minus ours, half a round trip taken into account. */
  clockDifferenceMs: number | undefined;
}>;

/** Who gets what arrives from other members. */
export interface PeerReceiver {
  /** `frame` is a view that is valid only during the call. Must not throw: whatever the bytes are, they are somebody's, not ours. */
  message(from: MemberId, frame: Uint8Array): void;
  /** Messages on their way to that member may be lost. */
  linkLost(member: MemberId): void;
  /** A snapshot begins, or is continued; undefined refuses it. */
  snapshot(from: MemberId, header: Uint8Array, sizeBytes: number): SnapshotSink | undefined;
  /** Answers a question. A rejection becomes the asker's PeerError "peer/refused" with its message. */
  answer(from: MemberId, question: Uint8Array): Promise<Uint8Array>;
}

/** A snapshot to be sent. `chunks` may be called again after a broken connection; `close` is called once, at the end. */
export type SnapshotSource = Readonly<{
  /** Says which snapshot it is; the same header means the same bytes. */
  header: Uint8Array;
  sizeBytes: number;
  chunks(fromByte: number): AsyncIterable<Uint8Array>;
  close(): void;
}>;

/** Where the bytes of a snapshot go. Calls come one after the other; after `finish` or `abort` none comes. */
export interface SnapshotSink {
  /** Bytes of that very snapshot (same header) that are here already, from an attempt that broke. */
  readonly receivedBytes: number;
  /** `chunk` belongs to the sink from now on. */
  write(chunk: Uint8Array): Promise<void>;
  /** All bytes are there and their checksum is right. Resolves when the receiver has taken it over. */
  finish(): Promise<void>;
  /** The attempt broke; what was received may be kept for the next, unless the whole was found to be corrupt. */
  abort(options?: { readonly isCorrupt: boolean }): void;
}

/** Why a question to a peer has no answer. */
export type PeerFault =
  | { readonly code: "peer/unknown"; readonly member: MemberId }
  | { readonly code: "peer/unreachable"; readonly member: MemberId; readonly reason: string }
  | { readonly code: "peer/timeout"; readonly member: MemberId }
  | { readonly code: "peer/refused"; readonly member: MemberId; readonly reason: string };

/** How `PeerNetwork.ask` fails. */
export class PeerError extends CodedError<PeerFault> {}
