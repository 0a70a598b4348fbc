import type { Client, ClientDuplexStream, Metadata } from "@grpc/grpc-js";
import type { PeerLimits } from "./peer-limits.js";
import { type Refusal, refusalIn } from "./handshake.js";

/** The methods of peers. */
export const peerMethods = {
  messages: "/quorate.peer.v1.Peer/Messages",
  snapshot: "/quorate.peer.v1.Peer/Snapshot",
  ask: "/quorate.peer.v1.Peer/Ask",
  probe: "/quorate.peer.v1.Peer/Probe",
} as const;

/** Says which lane a stream is. */
export const laneHeader = "quorate-lane";

/** Why a stream is over. */
export type StreamEnd = Readonly<{ refusal: Refusal | undefined; reason: string }>;

/** What happens on a stream. After `ended`, and after `close`, nothing more does. */
export interface LaneEvents {
  /** The peer has taken us in. */
  up(): void;
  ended(end: StreamEnd): void;
  /** A batch came the other way. */
  batch(bytes: Buffer): void;
  /** The system has taken a batch: there is room for the next. */
  room(): void;
}

const asIs = (bytes: Buffer): Buffer => bytes;

/** One stream of batches to a peer, with a connection of its own. */
export class LaneStream {
  readonly client: Client;
  isUp = false;
  private readonly call: ClientDuplexStream<Buffer, Buffer>;
  private readonly limits: PeerLimits;
  private readonly events: LaneEvents;
  private isClosed = false;
  private unsentBytes = 0;
  private unsentBatches = 0;

  constructor(client: Client, metadata: Metadata, limits: PeerLimits, events: LaneEvents) {
    this.client = client;
    this.limits = limits;
    this.events = events;
    this.call = client.makeBidiStreamRequest(peerMethods.messages, asIs, asIs, metadata);
    this.call.on("metadata", () => this.onHead());
    this.call.on("data", (bytes: Buffer) => {
      if (!this.isClosed) events.batch(bytes);
    });
    this.call.on("error", () => {}); // "status" says the same, and comes for good ends too
    this.call.on("status", (status) => this.end({ refusal: refusalIn(status), reason: status.details }));
  }

  /** Whether another batch may be handed over. */
  get hasRoom(): boolean {
    const { unsentBytesMax, unsentBatchesMax } = this.limits;
    return this.isUp && this.unsentBytes < unsentBytesMax && this.unsentBatches < unsentBatchesMax;
  }

  write(batch: Buffer): void {
    this.unsentBytes += batch.length;
    this.unsentBatches++;
    this.call.write(batch, () => {
      this.unsentBytes -= batch.length;
      this.unsentBatches--;
      if (!this.isClosed) this.events.room();
    });
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.isUp = false;
    this.call.cancel();
    this.client.close();
  }

  private onHead(): void {
    if (this.isClosed) return;
    this.isUp = true;
    this.events.up();
  }

  private end(end: StreamEnd): void {
    if (this.isClosed) return;
    this.close();
    this.events.ended(end);
  }
}
