import { AssertionError, type MemberId } from "@quorate/common";
import type { CallEnd, CallInfo, StreamCall, UnaryCall } from "../grpc/call.js";
import type { GrpcServices } from "../grpc/registry.js";
import { Code } from "../grpc/status.js";
import { batchHeadBytes, framedBytes, readFrames, sealBatch, writeFrame } from "./batch.js";
import { admit, hex } from "./handshake.js";
import { laneHeader, peerMethods } from "./lane-stream.js";
import { probeAnswer } from "./prober.js";
import type { ServiceHost } from "./service-host.js";
import { SnapshotReceivers } from "./snapshot-receiver.js";

const logEveryMs = 5000;
/** Callers whose last refusal is remembered, so that each is logged now and then only. */
const refusedMax = 64;

/** What a member answers its peers. */
export class PeerService {
  private readonly host: ServiceHost;
  /** The latest stream of each lane of each member: `from lane`. */
  private readonly inbound = new Map<string, StreamCall>();
  private readonly questions = new Map<MemberId, number>();
  private readonly refused = new Map<string, number>();
  private readonly snapshots: SnapshotReceivers;

  constructor(host: ServiceHost) {
    this.host = host;
    this.snapshots = new SnapshotReceivers(host);
  }

  register(services: GrpcServices): void {
    services.bidi(peerMethods.messages, (call) => this.messages(call));
    services.bidi(peerMethods.snapshot, (call) => {
      const from = this.admitted(call);
      if (from !== undefined) this.snapshots.accept(from, call);
    });
    services.unary(peerMethods.ask, (call, question) => this.ask(call, question));
    services.unary(peerMethods.probe, (call) => {
      if (this.admitted(call) !== undefined) call.reply(probeAnswer(this.host.clock));
    });
  }

  /** Sends a message back on the stream on which that member speaks to us, for when we cannot reach it. @returns false when it was dropped. */
  reply(to: MemberId, parts: readonly Uint8Array[], length: number): boolean {
    const call = this.inbound.get(`${to} ordered`);
    if (call === undefined || call.isOver || call.queuedBytes + length > this.host.limits.unsentBytesMax) return false;
    const batch = Buffer.allocUnsafe(batchHeadBytes + framedBytes(length));
    writeFrame(batch, batchHeadBytes, parts, length);
    call.send(sealBatch(batch));
    return true;
  }

  /** Ends the streams of members that may not speak to us any more. */
  dropRemoved(): void {
    for (const [key, call] of this.inbound) {
      const from = BigInt(key.slice(0, key.indexOf(" "))) as MemberId;
      if (this.host.isRemoved(from)) this.drop(key, call, "removed member");
    }
  }

  stop(): void {
    for (const [key, call] of this.inbound) this.drop(key, call, "the member stops");
    this.snapshots.stop();
  }

  /** The caller's id; undefined when it has been turned away. */
  admitted(call: CallEnd & CallInfo): MemberId | undefined {
    const { identity, logger, clock } = this.host;
    const admission = admit(call, identity, (member) => this.host.isRemoved(member));
    if (admission.kind === "admitted") return admission.from;
    const key = `${admission.from} ${admission.refusal}`;
    const nowMs = clock.monotonicMs();
    if (nowMs - (this.refused.get(key) ?? Number.NEGATIVE_INFINITY) >= logEveryMs) {
      if (this.refused.size >= refusedMax) this.refused.clear();
      this.refused.set(key, nowMs);
      logger.warn(admission.line, admission.fields);
    }
    call.fail(admission.status);
    return undefined;
  }

  private messages(call: StreamCall): void {
    const from = this.admitted(call);
    if (from === undefined) return;
    const lane = call.metadata.get(laneHeader) === "urgent" ? "urgent" : "ordered";
    const key = `${from} ${lane}`;
    const before = this.inbound.get(key);
    if (before !== undefined) this.drop(key, before, "another stream of the same member has come");
    this.inbound.set(key, call);
    const label = { From: hex(from) };
    const fields = { "local-member-id": hex(this.host.identity.self), "remote-peer-id": hex(from), lane };
    call.onMessage((batch) => {
      this.host.metrics.received.add(batch.length, label);
      if (readFrames(batch, (message) => this.host.receiver()?.message(from, message))) return;
      this.host.metrics.receiveFailures.add(1, label);
      this.host.logger.warn("failed to read a batch of messages from remote peer", fields);
      this.drop(key, call, "malformed batch", Code.InvalidArgument);
    });
    call.onHalfClose(() => this.drop(key, call, "the stream has ended"));
    call.onCancel(() => {
      if (this.inbound.get(key) === call) this.inbound.delete(key);
    });
    call.sendHead();
    if (lane === "ordered") this.host.heardFrom(from);
  }

  private drop(key: string, call: StreamCall, message: string, code: number = Code.Unavailable): void {
    if (this.inbound.get(key) === call) this.inbound.delete(key);
    call.fail({ code, message });
  }

  private ask(call: UnaryCall, question: Uint8Array): void {
    const from = this.admitted(call);
    if (from === undefined) return;
    const receiver = this.host.receiver();
    const open = this.questions.get(from) ?? 0;
    if (receiver === undefined) return call.fail({ code: Code.Unavailable, message: "the member is starting" });
    if (open >= this.host.limits.questionsMax)
      return call.fail({ code: Code.ResourceExhausted, message: "too many questions" });
    this.questions.set(from, open + 1);
    const done = (): void => {
      const left = (this.questions.get(from) ?? 1) - 1;
      if (left === 0) this.questions.delete(from);
      else this.questions.set(from, left);
    };
    call.onCancel(() => {}); // the answer is made anyway, and counted until then
    // The view is only there during the call.
    receiver.answer(from, Uint8Array.prototype.slice.call(question)).then(
      (answer) => {
        done();
        call.reply(answer);
      },
      (error: unknown) => {
        done();
        if (error instanceof AssertionError) throw error;
        call.fail({ code: Code.Aborted, message: error instanceof Error ? error.message : String(error) });
      },
    );
  }
}
