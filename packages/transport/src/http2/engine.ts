import type { Clock, Logger, Random } from "@quorate/common";
import type { Limits } from "../limits.js";
import type { Wheel } from "../wheel.js";
import type { BufferPool } from "./output.js";

/** Who is at the other end of a connection. */
export interface PeerInfo {
  /** IP address without port; the empty string for a unix socket. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly isTls: boolean;
  /** Common name of the verified client certificate, or undefined. */
  readonly commonName: string | undefined;
}

/** Running counts of a listener. Plain numbers, read whenever somebody asks. */
export class Counts {
  connections = 0;
  connectionsTotal = 0;
  streams = 0;
  streamsTotal = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** Request bytes held for unfinished or unread messages. */
  heldBytes = 0;
  /** Reply bytes that wait for the peer's window or for the socket. */
  queuedBytes = 0;
  cancelledWork = 0;
  resetsByPeer = 0;
  resetsByUs = 0;
  goawaysForAbuse = 0;
  droppedForMemory = 0;
}

/** What the HTTP/2 connections of one listener share. */
export interface Engine {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly pool: BufferPool;
  readonly counts: Counts;
  /** Deadlines of calls. */
  readonly deadlines: Wheel;
  /** Housekeeping of connections: coarse. */
  readonly timers: Wheel;
  /** The connection has gathered output outside of a read: flush it at the end of this turn. */
  flushLater(connection: { flush(): void }): void;
  /** Queued reply bytes are over the listener's bound: drop whoever has stalled longest. */
  relieve(): void;
}
