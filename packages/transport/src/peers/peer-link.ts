import type { Client, Metadata } from "@grpc/grpc-js";
import {
  type Clock,
  type Logger,
  type MemberId,
  type MessageUrgency,
  PeerError,
  type PeerStatus,
  type Random,
  type Timer,
} from "@quorate/common";
import { backoffMs, partly } from "./backoff.js";
import type { Channels } from "./channel.js";
import { callHeaders, hex, type PeerIdentity, type Refusal } from "./handshake.js";
import { LaneStream, laneHeader, peerMethods, type StreamEnd } from "./lane-stream.js";
import { MessageQueue } from "./message-queue.js";
import { PeerCalls } from "./peer-calls.js";
import type { PeerLimits } from "./peer-limits.js";
import type { PeerMetrics } from "./peer-metrics.js";
import { Prober } from "./prober.js";

/** What the links of a network share. */
export interface LinkHost {
  readonly identity: PeerIdentity;
  readonly limits: PeerLimits;
  /** What makes connections. Loaded before the first link is made. */
  readonly channels: Channels;
  readonly metrics: PeerMetrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Messages have been queued: flush the link at the end of this turn of the event loop. */
  flushLater(link: PeerLink): void;
  batch(from: MemberId, bytes: Buffer): void;
  linkLost(member: MemberId): void;
  refused(by: MemberId, refusal: Refusal): void;
}

type Lane = { readonly name: MessageUrgency; readonly queue: MessageQueue; stream: LaneStream | undefined };

/** The way to one peer: two lanes, each a stream on a connection of its own, that come and go together. */
export class PeerLink {
  readonly member: MemberId;
  /** It will be flushed at the end of this turn. */
  isDirty = false;
  private urls: readonly string[];
  private readonly host: LinkHost;
  private readonly ordered: Lane;
  private readonly urgent: Lane;
  private readonly calls: PeerCalls;
  private readonly prober: Prober;
  private readonly toLabel: Readonly<{ To: string }>;
  /** The URL in use, or tried last. */
  private urlPlace = 0;
  /** Attempts that failed since the link was last up for a while. */
  private failures = 0;
  private timer: Timer | undefined;
  private isWaiting = false;
  private activeSinceMs: number | undefined;
  private lastReason = "not connected yet";
  private hasOverflown = false;
  private isClosed = false;

  constructor(member: MemberId, urls: readonly string[], host: LinkHost) {
    this.member = member;
    this.urls = urls;
    this.host = host;
    this.toLabel = { To: hex(member) };
    this.ordered = { name: "ordered", queue: new MessageQueue(host.limits), stream: undefined };
    this.urgent = { name: "urgent", queue: new MessageQueue(host.limits), stream: undefined };
    this.calls = new PeerCalls(member, host.clock);
    const { limits } = host;
    this.prober = new Prober(
      { member, limits, ask: (timeoutMs) => this.unary(peerMethods.probe, noBytes, timeoutMs) },
      host,
    );
    this.connect();
  }

  get isUp(): boolean {
    return this.activeSinceMs !== undefined;
  }

  /** Bytes that wait in its queues. */
  get queuedBytes(): number {
    return this.ordered.queue.bytes + this.urgent.queue.bytes;
  }

  /** @returns false when the message was dropped. */
  send(parts: readonly Uint8Array[], length: number, urgency: MessageUrgency): boolean {
    if (!this.isUp) return false;
    const lane = urgency === "urgent" && this.isBehind ? this.urgent : this.ordered;
    const isQueued = lane.queue.push(parts, length);
    if (!isQueued) this.overflow();
    if (!this.isDirty) {
      this.isDirty = true;
      this.host.flushLater(this);
    }
    return isQueued;
  }

  /** Something has waited since the last turn. Else what is urgent goes with the rest, in the same batch: one write, not two. */
  private get isBehind(): boolean {
    const { queue, stream } = this.ordered;
    return queue.bytes > this.host.limits.batchBytesMax || stream?.hasRoom !== true;
  }

  /** Hands over what waits, as far as there is room. */
  flush(): void {
    this.isDirty = false;
    this.pump(this.urgent);
    this.pump(this.ordered);
    if (!this.hasOverflown) return;
    this.hasOverflown = false;
    this.host.linkLost(this.member);
  }

  ask(question: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    if (this.calls.count >= this.host.limits.questionsMax)
      return Promise.reject(this.unreachable("too many questions"));
    return this.unary(peerMethods.ask, question, timeoutMs);
  }

  /** A client for a call of its own, to where the link is connected to. @throws what `Channels.open` throws. */
  openClient(): Client {
    return this.host.channels.open(this.urls[this.urlPlace % this.urls.length] ?? "");
  }

  /** The metadata that says who calls. */
  headers(): Metadata {
    return this.host.channels.metadata(callHeaders(this.host.identity, this.member));
  }

  status(): PeerStatus {
    const { last } = this.prober;
    return {
      isConnected: this.isUp,
      activeSinceMs: this.activeSinceMs,
      roundTripMs: last?.roundTripMs,
      clockDifferenceMs: last?.clockDifferenceMs,
    };
  }

  /** Goes to other URLs, unless they are the same. */
  setUrls(urls: readonly string[]): void {
    if (urls.length === this.urls.length && urls.every((url, place) => url === this.urls[place])) return;
    this.urls = urls;
    this.urlPlace = 0;
    this.failures = 0;
    this.host.logger.info("updated remote peer", {
      "local-member-id": hex(this.host.identity.self),
      "updated-remote-peer-id": hex(this.member),
      "updated-remote-peer-urls": urls,
    });
    this.down("its URLs have changed");
    this.connect();
  }

  /** The peer is known to be there: no need to wait for long. */
  wake(): void {
    if (!this.isWaiting || this.failures === 0) return;
    this.failures = 0;
    this.connectLater(this.host.limits.reconnectMinMs);
  }

  close(): void {
    this.isClosed = true;
    this.prober.stop();
    this.timer?.cancel();
    this.down("closed");
  }

  private connect(): void {
    this.timer?.cancel();
    this.isWaiting = false;
    const { limits, clock } = this.host;
    try {
      this.open(this.urgent);
      this.open(this.ordered);
    } catch (error) {
      this.ended({ refusal: undefined, reason: (error as Error).message }); // a URL or a certificate that cannot be used
      return;
    }
    const reason = `no answer within ${limits.connectMs} ms`;
    this.timer = clock.after(limits.connectMs, () => this.ended({ refusal: undefined, reason }));
  }

  private open(lane: Lane): void {
    const metadata = this.headers();
    metadata.set(laneHeader, lane.name);
    lane.stream = new LaneStream(this.openClient(), metadata, this.host.limits, {
      up: () => this.laneUp(),
      ended: (end) => this.ended(end),
      batch: (bytes) => this.host.batch(this.member, bytes),
      room: () => this.pump(lane),
    });
  }

  private laneUp(): void {
    if (this.ordered.stream?.isUp !== true || this.urgent.stream?.isUp !== true) return;
    this.timer?.cancel();
    const { clock, identity, logger, metrics } = this.host;
    this.activeSinceMs = clock.monotonicMs();
    metrics.linked(identity.self, this.member, true);
    logger.info("peer became active", { "peer-id": hex(this.member) });
    void this.prober.probe();
  }

  /** An attempt has failed, or the link has broken. */
  private ended({ refusal, reason }: StreamEnd): void {
    const { clock, limits, random } = this.host;
    const upMs = this.activeSinceMs === undefined ? 0 : clock.monotonicMs() - this.activeSinceMs;
    if (upMs > limits.reconnectMaxMs) this.failures = 0;
    this.down(reason);
    if (refusal !== undefined) this.host.refused(this.member, refusal);
    if (this.isClosed) return; // closed by whoever heard of it
    this.failures++;
    this.urlPlace = (this.urlPlace + 1) % Math.max(1, this.urls.length);
    const rounds = Math.floor((this.failures - 1) / Math.max(1, this.urls.length));
    this.connectLater(refusal === undefined ? backoffMs(rounds, limits, random) : partly(limits.refusedMs, random));
  }

  private connectLater(delayMs: number): void {
    this.timer?.cancel();
    this.isWaiting = true;
    this.timer = this.host.clock.after(delayMs, () => this.connect());
  }

  /** Closes both lanes and forgets what waits in them. */
  private down(reason: string): void {
    this.timer?.cancel();
    this.lastReason = reason;
    for (const lane of [this.ordered, this.urgent]) {
      lane.stream?.close();
      lane.stream = undefined;
      lane.queue.clear();
    }
    this.calls.cancelAll();
    if (!this.isUp) return;
    this.activeSinceMs = undefined;
    const { identity, logger, metrics } = this.host;
    metrics.linked(identity.self, this.member, false);
    if (this.isClosed) return logger.info("stopped remote peer", { "remote-peer-id": hex(this.member) });
    metrics.sendFailures.add(1, this.toLabel);
    logger.warn("peer became inactive (message send to peer failed)", { "peer-id": hex(this.member), error: reason });
    this.host.linkLost(this.member);
  }

  private pump(lane: Lane): void {
    const { stream, queue } = lane;
    while (stream?.hasRoom === true) {
      const batch = queue.takeBatch();
      if (batch === undefined) return;
      this.host.metrics.sent.add(batch.length, this.toLabel);
      stream.write(batch);
    }
  }

  private overflow(): void {
    this.host.metrics.sendFailures.add(1, this.toLabel);
    if (this.hasOverflown) return;
    this.hasOverflown = true;
    this.host.logger.warn("dropped internal Raft message since sending buffer is full", {
      "local-member-id": hex(this.host.identity.self),
      "remote-peer-id": hex(this.member),
      "remote-peer-active": true,
      "queued-bytes": this.queuedBytes,
    });
  }

  private unary(path: string, message: Uint8Array, timeoutMs: number): Promise<Buffer> {
    const { stream } = this.urgent;
    if (!this.isUp || stream === undefined) return Promise.reject(this.unreachable(this.lastReason));
    return this.calls.call(stream.client, { path, metadata: this.headers(), message, timeoutMs });
  }

  private unreachable(reason: string): PeerError {
    return new PeerError({ code: "peer/unreachable", member: this.member, reason });
  }
}

const noBytes = new Uint8Array(0);
