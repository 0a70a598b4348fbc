import type { SpanContext } from "@opentelemetry/api";
import type {
  Clock,
  Logger,
  MemberId,
  MessageUrgency,
  PeerNetwork,
  PeerReceiver,
  Random,
  SnapshotSink,
} from "@quorate/common";
import { type Envelope, MessageEncoder, type RaftInput, type RaftMessage } from "@quorate/raft";
import { FrameWindow } from "./frame-window.js";
import type { HeldInput } from "./held-proposals.js";
import {
  decodeFrameBody,
  decodeFrameHead,
  type Delivered,
  encodeFrameHead,
  encodeMessageHead,
  encodeTraces,
  isFrameFault,
} from "./peer-frame.js";
import type { PeerQuestions } from "./peer-questions.js";
import type { SnapshotCarrier } from "./snapshot-carrier.js";

/** Shortest time between two lines about what cannot be read, in milliseconds. */
const complainEveryMs = 10_000;

/** What a mailbox hands on. */
export type MailParts = Readonly<{
  member: MemberId;
  network: PeerNetwork;
  /** Takes inputs that came together, to be stepped together. */
  push(inputs: readonly RaftInput[]): void;
  /** Takes back proposals for a leader that could not be sent: nothing has happened to them. */
  unsent(proposals: readonly HeldInput[]): void;
  questions: PeerQuestions;
  snapshots: SnapshotCarrier;
  traces: MailTraces;
}>;

/** Spans that travel with entries. Asked only while something is traced. */
export interface MailTraces {
  readonly isQuiet: boolean;
  /** The spans that entries of a message belong to, by position, or undefined when there are none. */
  leaving(message: RaftMessage): ReadonlyMap<number, SpanContext> | undefined;
  arrived(from: MemberId, message: RaftMessage, traces: ReadonlyMap<number, SpanContext>): void;
}

/** What goes to one member with the next frames. */
type Box = {
  readonly to: MemberId;
  readonly parts: Record<MessageUrgency, Uint8Array[]>;
  /** Those of the next frame. */
  proposals: HeldInput[];
  number: number;
  readonly window: FrameWindow;
};

/**
 * What must not wait behind megabytes of entries, and may overtake them: what keeps a leader in office, elects one, and lets reads go on. A heartbeat says
 * no more of the log than its receiver has said itself.
 */
const urgencyOf: Readonly<Record<RaftMessage["kind"], MessageUrgency>> = {
  append: "ordered",
  "append-response": "ordered",
  vote: "urgent",
  "pre-vote": "urgent",
  "vote-response": "urgent",
  "pre-vote-response": "urgent",
  snapshot: "ordered",
  heartbeat: "urgent",
  "heartbeat-response": "urgent",
  "timeout-now": "ordered",
  transfer: "ordered",
  propose: "ordered",
  "read-index": "urgent",
  "read-index-response": "urgent",
};

/**
 * Letters between members: what the consensus core has for one peer in one turn goes out as one frame, with entries encoded once however many peers get
 * them; what comes in is stepped together. A frame that cannot be sent or read is lost, as the network may lose any.
 */
export class PeerMail implements PeerReceiver {
  readonly #parts: MailParts;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #life: number;
  readonly #encoder = new MessageEncoder();
  readonly #boxes = new Map<MemberId, Box>();
  #full: Box[] = [];
  #complainedAtMs = Number.NEGATIVE_INFINITY;
  #unreadable = 0;
  #isStopped = false;

  constructor(parts: MailParts, ports: { clock: Clock; random: Random; logger: Logger }) {
    this.#parts = parts;
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    // From 1: 0 stands for a life that is not known.
    this.#life = 1 + ports.random.integer(0, 2 ** 47);
    parts.network.receive(this);
  }

  /** Frames that could not be read. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /** Puts messages into the boxes of those they are for. */
  put(envelopes: readonly Envelope[]): void {
    for (let i = 0; i < envelopes.length; i++) this.#put(envelopes[i] as Envelope);
  }

  /** Sends what is in the boxes, one frame for each, or two: what is urgent has its own. */
  flush(): void {
    if (this.#full.length === 0) return;
    const full = this.#full;
    this.#full = [];
    for (const box of full) {
      const { proposals } = box;
      if (proposals.length > 0) box.proposals = [];
      const isUrgentSent = this.#send(box, "urgent");
      const isOrderedSent = this.#send(box, "ordered");
      if (!isUrgentSent || !isOrderedSent) this.linkLost(box.to);
      if (!isOrderedSent && proposals.length > 0) this.#parts.unsent(proposals);
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#full = [];
  }

  message(from: MemberId, frame: Uint8Array): void {
    if (this.#isStopped) return;
    const bytes = new Uint8Array(frame); // kept: entries stay views of it
    let delivered: readonly Delivered[];
    try {
      delivered = this.#open(from, bytes);
    } catch (error) {
      if (!isFrameFault(error)) throw error;
      return this.#complain(from, error.message);
    }
    if (delivered.length === 0) return;
    const inputs: RaftInput[] = [];
    for (const { from: origin, message, traces } of delivered) {
      if (traces !== undefined) this.#parts.traces.arrived(origin, message, traces);
      inputs.push({ kind: "message", from: origin, message });
    }
    this.#parts.push(inputs);
  }

  linkLost(member: MemberId): void {
    if (!this.#isStopped) this.#parts.push([{ kind: "unreachable", peer: member }]);
  }

  snapshot(from: MemberId, header: Uint8Array, sizeBytes: number): SnapshotSink | undefined {
    return this.#isStopped ? undefined : this.#parts.snapshots.receiver(from, header, sizeBytes);
  }

  answer(from: MemberId, question: Uint8Array): Promise<Uint8Array> {
    if (this.#isStopped) return Promise.reject(new Error("the member stops"));
    return this.#parts.questions.answer(from, new Uint8Array(question));
  }

  #send(box: Box, urgency: MessageUrgency): boolean {
    const parts = box.parts[urgency];
    if (parts.length === 0) return true;
    box.parts[urgency] = [];
    parts[0] = encodeFrameHead({ life: this.#life, to: box.window.life, number: ++box.number });
    return this.#parts.network.send(box.to, parts, urgency);
  }

  #put(envelope: Envelope): void {
    const { from, to, message } = envelope;
    if (message.kind === "snapshot") return this.#parts.snapshots.send(envelope);
    const { member, traces } = this.#parts;
    const box = this.#box(to);
    if (box.parts.ordered.length + box.parts.urgent.length === 0) this.#full.push(box);
    const parts = box.parts[urgencyOf[message.kind]];
    if (parts.length === 0) parts.push(new Uint8Array(0)); // the head takes this place
    const bytes = this.#encoder.encodeParts(message);
    let length = 0;
    for (const part of bytes) length += part.length;
    parts.push(encodeMessageHead(length, from === member ? undefined : from), ...bytes);
    if (message.kind === "propose") box.proposals.push({ kind: "message", from, message });
    if (traces.isQuiet) return;
    const leaving = traces.leaving(message);
    if (leaving !== undefined) parts.push(encodeTraces(leaving));
  }

  #open(from: MemberId, bytes: Uint8Array): readonly Delivered[] {
    const { head, start } = decodeFrameHead(bytes);
    const delivered = decodeFrameBody(bytes, start, from);
    if (!this.#box(from).window.take(head.life, head.number)) return [];
    if (head.to === this.#life) return delivered;
    // Sent to an earlier life of this member, which may have taken it already. All other messages may come twice.
    return delivered.filter(({ message }) => message.kind !== "propose");
  }

  #box(member: MemberId): Box {
    let box = this.#boxes.get(member);
    if (box === undefined) {
      box = { to: member, parts: { ordered: [], urgent: [] }, proposals: [], number: 0, window: new FrameWindow() };
      this.#boxes.set(member, box);
    }
    return box;
  }

  #complain(from: MemberId, problem: string): void {
    this.#unreadable += 1;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#complainedAtMs < complainEveryMs) return;
    this.#complainedAtMs = nowMs;
    this.#logger.warn("a frame of another member cannot be read", {
      "remote-peer-id": from.toString(16),
      problem,
      "peer.unreadable.frames": this.#unreadable,
    });
  }
}
