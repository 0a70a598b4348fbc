import { createHash, type Hash } from "node:crypto";
import type { Client, ClientDuplexStream, Metadata } from "@grpc/grpc-js";
import type { Clock, Logger, MemberId, Random, SnapshotSource, Timer } from "@quorate/common";
import { Code } from "../grpc/status.js";
import { backoffMs } from "./backoff.js";
import { hex } from "./handshake.js";
import { peerMethods } from "./lane-stream.js";
import type { PeerLimits } from "./peer-limits.js";
import type { PeerMetrics } from "./peer-metrics.js";
import { decodeReceiverFrame, encodeSenderFrame } from "./snapshot-frames.js";

/** How to get to the peer. */
export interface SnapshotRoute {
  readonly member: MemberId;
  /** A client with a connection of its own. May throw. */
  openClient(): Client;
  headers(): Metadata;
}

type Ports = Readonly<{ clock: Clock; random: Random; logger: Logger; metrics: PeerMetrics; limits: PeerLimits }>;
type Outcome = "delivered" | "refused" | "broken" | "unreadable";

const paceStepMs = 2;
const asIs = (bytes: Buffer): Buffer => bytes;

/** Sends one snapshot to one peer, in as many attempts as it takes. */
export class SnapshotSender {
  readonly member: MemberId;
  private readonly route: SnapshotRoute;
  private readonly source: SnapshotSource;
  private readonly ports: Ports;
  private call: ClientDuplexStream<Buffer, Buffer> | undefined;
  /** How the running attempt has ended, or undefined. */
  private outcome: Outcome | undefined;
  private lastReason = "";
  private takenBytes = 0;
  private hasBegun = false;
  private isCancelled = false;
  private changed: (() => void) | undefined;
  private stallTimer: Timer | undefined;
  private digestFrom = 0;
  private hash: Hash = createHash("sha256");
  /** The digest up to each place from which the receiver may have to go on. */
  private readonly digests = new Map<number, Hash>();

  constructor(route: SnapshotRoute, source: SnapshotSource, ports: Ports) {
    this.member = route.member;
    this.route = route;
    this.source = source;
    this.ports = ports;
  }

  /** Runs to the end, and closes the source. Never rejects. @returns whether the peer has it. */
  async run(): Promise<boolean> {
    const { logger, clock } = this.ports;
    const fields = { "remote-peer-id": hex(this.member), bytes: this.source.sizeBytes };
    const startMs = clock.monotonicMs();
    logger.info("sending database snapshot", fields);
    const end = this.ports.metrics.snapshotBegins("send", this.member);
    const outcome = await this.attempts();
    this.source.close();
    const isDelivered = outcome === "delivered";
    end({ isGood: isDelivered, tookMs: clock.monotonicMs() - startMs });
    if (isDelivered) logger.info("sent database snapshot", fields);
    else logger.warn("failed to send database snapshot", { ...fields, error: this.lastReason });
    return isDelivered;
  }

  /** Gives up. */
  cancel(): void {
    this.isCancelled = true;
    this.end("broken", "cancelled");
  }

  private async attempts(): Promise<Outcome> {
    const { limits, random, clock } = this.ports;
    let failures = 0;
    let furthestBytes = 0;
    for (;;) {
      const outcome = await this.attempt();
      if (outcome !== "broken" || this.isCancelled) return outcome;
      failures = this.takenBytes > furthestBytes ? 1 : failures + 1;
      furthestBytes = Math.max(furthestBytes, this.takenBytes);
      if (failures >= limits.snapshotAttemptsMax) return outcome;
      await new Promise<void>((resolve) => {
        clock.after(backoffMs(failures, limits, random), resolve);
      });
      if (this.isCancelled) return outcome;
    }
  }

  private async attempt(): Promise<Outcome> {
    this.outcome = undefined;
    this.hasBegun = false;
    let client: Client;
    try {
      client = this.route.openClient();
    } catch (error) {
      this.lastReason = (error as Error).message; // a URL or a certificate that cannot be used: perhaps later
      return "broken";
    }
    const call = client.makeBidiStreamRequest(peerMethods.snapshot, asIs, asIs, this.route.headers());
    this.call = call;
    call.on("data", (bytes: Buffer) => {
      if (call === this.call && this.outcome === undefined) this.answered(bytes);
    });
    call.on("error", () => {}); // "status" says the same
    call.on("status", ({ code, details }) => {
      if (call !== this.call) return;
      const isRefused = code === Code.FailedPrecondition;
      if (code === Code.OK) this.end("delivered", "");
      else this.end(isRefused ? "refused" : "broken", details);
    });
    this.watch();
    const { header, sizeBytes } = this.source;
    call.write(encodeSenderFrame({ kind: "begin", sizeBytes, header }));
    while (!this.hasBegun && this.outcome === undefined) await this.change();
    try {
      if (this.outcome === undefined) await this.sendRest(call);
    } catch (error) {
      this.end("unreadable", (error as Error).message); // the snapshot itself cannot be read: no attempt will help
    }
    while (this.outcome === undefined) await this.change();
    this.stallTimer?.cancel();
    call.cancel();
    client.close();
    return this.outcome;
  }

  private async sendRest(call: ClientDuplexStream<Buffer, Buffer>): Promise<void> {
    const { snapshotChunkBytes, snapshotWindowBytes } = this.ports.limits;
    let offset = this.takenBytes;
    const pace = this.startPace(offset);
    for await (const piece of this.source.chunks(offset)) {
      for (let at = 0; at < piece.length; at += snapshotChunkBytes) {
        while (this.outcome === undefined && offset - this.takenBytes >= snapshotWindowBytes) await this.change();
        await pace(offset);
        if (this.outcome !== undefined) return;
        const data = piece.subarray(at, at + snapshotChunkBytes);
        call.write(encodeSenderFrame({ kind: "chunk", offset, data }));
        offset += data.length;
        this.hash.update(data);
        this.digests.set(offset, this.hash.copy());
      }
    }
    if (offset !== this.source.sizeBytes) throw new Error(`snapshot of ${offset} bytes, not ${this.source.sizeBytes}`);
    call.write(encodeSenderFrame({ kind: "end", digestFrom: this.digestFrom, digest: this.hash.digest() }));
    call.end();
  }

  /** What to wait for before each chunk: it is ahead of its time when it is over the rate. */
  private startPace(fromByte: number): (offset: number) => Promise<void> | undefined {
    const { clock, limits } = this.ports;
    const startMs = clock.monotonicMs();
    return (offset) => {
      const dueMs = startMs + ((offset - fromByte) * 1000) / limits.snapshotBytesPerSecondMax;
      const aheadMs = dueMs - clock.monotonicMs();
      // Timers are no finer than that.
      return aheadMs < paceStepMs ? undefined : new Promise((resolve) => clock.after(aheadMs, resolve));
    };
  }

  private answered(bytes: Buffer): void {
    const frame = decodeReceiverFrame(bytes);
    const isSound = frame !== undefined && frame.receivedBytes <= this.source.sizeBytes;
    if (!isSound) return this.end("broken", "malformed answer");
    if (frame.kind === "begun") {
      if (this.hasBegun) return this.end("broken", "malformed answer");
      this.hasBegun = true;
      this.takenBytes = frame.receivedBytes;
      this.goOnDigesting(frame.receivedBytes, frame.digestFrom);
    } else this.takenBytes = Math.max(this.takenBytes, frame.receivedBytes);
    for (const offset of this.digests.keys()) if (offset < this.takenBytes) this.digests.delete(offset);
    this.watch();
    this.changed?.();
  }

  /** The digest goes on where the receiver's does, when we have it up to there; else it counts from there. */
  private goOnDigesting(offset: number, digestFrom: number): void {
    const known = digestFrom === this.digestFrom ? this.digests.get(offset) : undefined;
    if (known === undefined) this.digestFrom = offset;
    this.hash = known?.copy() ?? createHash("sha256");
    this.digests.clear();
    this.digests.set(offset, this.hash.copy());
  }

  /** Ends the attempt when the receiver is silent for too long. */
  private watch(): void {
    this.stallTimer?.cancel();
    const { clock, limits } = this.ports;
    this.stallTimer = clock.after(limits.snapshotStallMs, () => this.end("broken", "the receiver is silent"));
  }

  private end(outcome: Outcome, reason: string): void {
    if (this.outcome !== undefined) return;
    this.outcome = outcome;
    this.lastReason = reason;
    this.call?.cancel();
    this.changed?.();
  }

  private change(): Promise<void> {
    return new Promise((resolve) => {
      this.changed = resolve;
    });
  }
}
