import type { Limits } from "../limits.js";

/** Every bound between members. Bytes, counts and milliseconds as the names say. */
export interface PeerLimits {
  /** One message. Longer ones are dropped and logged. The listener's `maxReceiveBytes` must be above it. */
  readonly messageBytesMax: number;
  /** What waits for one peer, in bytes and in messages, in each of its two lanes. Beyond: `send` says false. */
  readonly queueBytesMax: number;
  readonly queueMessagesMax: number;
  /** Messages are put together up to this size; a longer one travels alone. */
  readonly batchBytesMax: number;
  /** Bytes and batches handed to a connection that the system has not taken yet. More wait in the queue, where they are put together. */
  readonly unsentBytesMax: number;
  readonly unsentBatchesMax: number;
  /** From the first packet to the peer's word that it is the right one. */
  readonly connectMs: number;
  /** Pause before the first and before a late attempt to connect; it doubles in between, and half of it is chance. */
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  /** Pause after a refusal: wrong cluster, wrong member, removed. */
  readonly refusedMs: number;
  /** A connection is asked for a sign of life this often, and cut when none comes for that long. */
  readonly keepAliveIntervalMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly probeIntervalMs: number;
  /** Clocks further apart than this are logged. */
  readonly clockDifferenceMsMax: number;
  /** Questions to one peer that wait for their answer. Beyond: refused at once. So for questions of one peer to us. */
  readonly questionsMax: number;
  /** Bytes of a snapshot in one checksummed message, and on the way without an answer. */
  readonly snapshotChunkBytes: number;
  readonly snapshotWindowBytes: number;
  /** No faster than this, so that most of a core is left for everything else (a megabyte costs the sender some 4 ms). */
  readonly snapshotBytesPerSecondMax: number;
  /** A snapshot's receiver may be silent for so long. */
  readonly snapshotStallMs: number;
  /** Attempts in a row that bring a snapshot no further. Then it has failed. */
  readonly snapshotAttemptsMax: number;
}

/** What is used where nothing else is said. */
export const defaultPeerLimits: PeerLimits = {
  messageBytesMax: 64 * 1024 * 1024,
  queueBytesMax: 64 * 1024 * 1024,
  queueMessagesMax: 8192,
  batchBytesMax: 256 * 1024,
  unsentBytesMax: 1024 * 1024,
  unsentBatchesMax: 4,
  connectMs: 3000,
  reconnectMinMs: 100,
  reconnectMaxMs: 2000,
  refusedMs: 5000,
  keepAliveIntervalMs: 2000,
  keepAliveTimeoutMs: 5000,
  probeIntervalMs: 4000,
  clockDifferenceMsMax: 1000,
  questionsMax: 1024,
  // Below 64 KiB, with all heads: above, each buffer is a mapping of its own for the system.
  snapshotChunkBytes: 64_000,
  snapshotWindowBytes: 1024 * 1024,
  snapshotBytesPerSecondMax: 128 * 1024 * 1024,
  snapshotStallMs: 60_000,
  snapshotAttemptsMax: 10,
};

/** Limits of a listener for peers: long messages, signs of life in seconds. */
export const peerListenerLimits: Partial<Limits> = {
  maxReceiveBytes: defaultPeerLimits.messageBytesMax + defaultPeerLimits.batchBytesMax,
  heldBytesPerConnection: 2 * defaultPeerLimits.messageBytesMax,
  streamWindowBytes: 4 * 1024 * 1024,
  keepAliveIntervalMs: 5000,
  keepAliveTimeoutMs: 5000,
  keepAliveMinPingMs: 500,
  keepAliveWithoutStreams: true,
};
