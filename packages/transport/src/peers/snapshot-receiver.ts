import { createHash, type Hash } from "node:crypto";
import { AssertionError, equalBytes, type MemberId, type PeerReceiver, type SnapshotSink } from "@quorate/common";
import type { StreamCall } from "../grpc/call.js";
import { Code } from "../grpc/status.js";
import { hex } from "./handshake.js";
import type { ServiceHost } from "./service-host.js";
import { decodeSenderFrame, encodeReceiverFrame, type SenderFrame } from "./snapshot-frames.js";

/** A digest of the bytes from `from` to `upTo` of the snapshot with that header. */
type Digest = { readonly header: Uint8Array; readonly from: number; upTo: number; hash: Hash };

/** The snapshots that come in, one from each member at a time. */
export class SnapshotReceivers {
  private readonly host: ServiceHost;
  private readonly active = new Map<MemberId, SnapshotReceive>();
  /** How far the last attempt of each member had come, so that the next can check the whole. */
  private readonly digests = new Map<MemberId, Digest>();

  constructor(host: ServiceHost) {
    this.host = host;
  }

  /** Takes a call over. */
  accept(from: MemberId, call: StreamCall): void {
    const receiver = this.host.receiver();
    const before = this.active.get(from);
    before?.cancel();
    if (receiver === undefined || this.active.has(from)) {
      const message = receiver === undefined ? "the member is starting" : "the attempt before is not over";
      call.fail({ code: Code.Unavailable, message });
      return;
    }
    const receive = new SnapshotReceive(from, call, this.host, receiver, this.digests, () => this.active.delete(from));
    this.active.set(from, receive);
    receive.start();
  }

  stop(): void {
    for (const receive of this.active.values()) receive.cancel();
  }
}

/** One attempt of a member to send us a snapshot. Frames are worked off one after the other. */
class SnapshotReceive {
  private readonly from: MemberId;
  private readonly call: StreamCall;
  private readonly host: ServiceHost;
  private readonly receiver: PeerReceiver;
  private readonly digests: Map<MemberId, Digest>;
  private readonly over: () => void;
  private readonly waiting: SenderFrame[] = [];
  private waitingBytes = 0;
  private sink: SnapshotSink | undefined;
  private sizeBytes = 0;
  /** Of the whole, if it is known from the start; and of what this attempt brings. */
  private running: Digest[] = [];
  private takenBytes = 0;
  private isWorking = false;
  private isInputEnded = false;
  /** The sink has been told that all is there: nothing more is said to it. */
  private isFinishing = false;
  private isCancelled = false;
  private isOver = false;
  private metric: ReturnType<ServiceHost["metrics"]["snapshotBegins"]> | undefined;
  private startMs = 0;

  constructor(
    from: MemberId,
    call: StreamCall,
    host: ServiceHost,
    receiver: PeerReceiver,
    digests: Map<MemberId, Digest>,
    over: () => void,
  ) {
    this.from = from;
    this.call = call;
    this.host = host;
    this.receiver = receiver;
    this.digests = digests;
    this.over = over;
  }

  start(): void {
    const { call } = this;
    call.onCancel(() => this.cancel());
    call.onMessage((bytes) => this.take(bytes));
    call.onHalfClose(() => {
      this.isInputEnded = true;
      if (!this.isWorking) void this.work();
    });
  }

  /** The attempt has broken. The sink hears of it when its running call is over. */
  cancel(): void {
    this.isCancelled = true;
    if (!this.isWorking) this.fail(Code.Canceled, "cancelled");
  }

  private take(bytes: Uint8Array): void {
    if (this.isOver || this.isCancelled) return;
    // The view is only there during the call, and a chunk belongs to the sink.
    const frame = decodeSenderFrame(Uint8Array.prototype.slice.call(bytes));
    if (typeof frame === "string") {
      this.host.metrics.receiveFailures.add(1, { From: hex(this.from) });
      this.call.fail({ code: Code.DataLoss, message: frame });
      return this.cancel();
    }
    this.waiting.push(frame);
    this.waitingBytes += bytes.length;
    if (this.waitingBytes > this.host.limits.snapshotWindowBytes) this.call.pauseReading();
    if (!this.isWorking) void this.work();
  }

  /** Never rejects. */
  private async work(): Promise<void> {
    this.isWorking = true;
    try {
      for (let frame = this.waiting.shift(); frame !== undefined && !this.isCancelled; frame = this.waiting.shift()) {
        if (frame.kind === "begin") this.begin(frame.header, frame.sizeBytes);
        else if (frame.kind === "chunk") await this.write(frame.offset, frame.data);
        else await this.finish(frame.digestFrom, frame.digest);
        if (this.isOver) break;
      }
      if (this.waiting.length === 0 && !this.isOver && !this.isCancelled) this.resume();
    } catch (error) {
      this.isWorking = false;
      if (error instanceof AssertionError) throw error;
      this.fail(Code.Internal, (error as Error).message); // the sink could not write: the sender hears why
    }
    this.isWorking = false;
    if (this.isCancelled) this.fail(Code.Canceled, "cancelled");
    else if (this.isInputEnded && this.waiting.length === 0) this.fail(Code.InvalidArgument, "the snapshot is cut off");
  }

  private resume(): void {
    this.waitingBytes = 0;
    this.call.resumeReading();
  }

  private begin(header: Uint8Array, sizeBytes: number): void {
    const { host, from, call, receiver } = this;
    if (this.sink !== undefined) return this.fail(Code.InvalidArgument, "a second beginning");
    const sink = receiver.snapshot(from, header, sizeBytes);
    if (sink === undefined) return this.fail(Code.FailedPrecondition, "the snapshot is not wanted");
    this.sink = sink;
    this.sizeBytes = sizeBytes;
    this.takenBytes = sink.receivedBytes;
    this.startMs = host.clock.monotonicMs();
    this.metric = host.metrics.snapshotBegins("receive", from);
    const known = this.digests.get(from);
    const isKnown = known !== undefined && known.upTo === this.takenBytes && equalBytes(known.header, header);
    const fresh = { header, from: this.takenBytes, upTo: this.takenBytes, hash: createHash("sha256") };
    this.running = isKnown && known.from !== this.takenBytes ? [known, fresh] : [fresh];
    this.digests.set(from, this.running[0] as Digest);
    const digestFrom = (this.running[0] as Digest).from;
    host.logger.info("receiving database snapshot", {
      "local-member-id": hex(host.identity.self),
      "remote-snapshot-sender-id": hex(from),
      "incoming-snapshot-bytes": sizeBytes,
      "received-bytes": this.takenBytes,
    });
    call.send(encodeReceiverFrame({ kind: "begun", receivedBytes: this.takenBytes, digestFrom }));
  }

  private async write(offset: number, first: Uint8Array): Promise<void> {
    const { sink } = this;
    const data = this.withNext(offset, first);
    if (sink === undefined || offset !== this.takenBytes || offset + data.length > this.sizeBytes)
      return this.fail(Code.DataLoss, "chunk out of place");
    await sink.write(data);
    this.host.metrics.received.add(data.length, { From: hex(this.from) });
    this.takenBytes += data.length;
    for (const digest of this.running) {
      digest.hash.update(data);
      digest.upTo = this.takenBytes;
    }
    this.call.send(encodeReceiverFrame({ kind: "taken", receivedBytes: this.takenBytes }));
    if (this.waitingBytes > 0 && this.waiting.length === 0) this.resume();
  }

  /** The chunk with those behind it that have come by now: one write for all, since each is a way to a thread and back. */
  private withNext(offset: number, first: Uint8Array): Uint8Array {
    const parts = [first];
    let end = offset + first.length;
    for (let next = this.waiting[0]; next?.kind === "chunk" && next.offset === end; next = this.waiting[0]) {
      parts.push(next.data);
      end += next.data.length;
      this.waiting.shift();
    }
    return parts.length === 1 ? first : Buffer.concat(parts);
  }

  private async finish(digestFrom: number, digest: Uint8Array): Promise<void> {
    const { sink, host } = this;
    const ours = this.running.find((known) => known.from === digestFrom);
    this.digests.delete(this.from); // a digest that has been read goes on no more
    const isWhole = sink !== undefined && this.takenBytes === this.sizeBytes && ours !== undefined;
    if (!isWhole || !equalBytes(ours.hash.digest(), digest)) {
      this.fail(Code.FailedPrecondition, "the snapshot's checksum is wrong", { isCorrupt: true });
      return;
    }
    this.isFinishing = true;
    await sink.finish();
    this.isOver = true;
    this.sink = undefined;
    this.metric?.({ isGood: true, tookMs: host.clock.monotonicMs() - this.startMs });
    host.logger.info("received and saved database snapshot", {
      "local-member-id": hex(host.identity.self),
      "remote-snapshot-sender-id": hex(this.from),
      "incoming-snapshot-bytes": this.sizeBytes,
    });
    this.over();
    this.call.end();
  }

  private fail(code: number, message: string, options: { isCorrupt: boolean } = { isCorrupt: false }): void {
    if (this.isOver) return;
    this.isOver = true;
    this.waiting.length = 0;
    if (!this.isFinishing) this.sink?.abort(options);
    if (this.sink !== undefined) {
      this.metric?.({ isGood: false, tookMs: this.host.clock.monotonicMs() - this.startMs });
      this.host.logger.warn("failed to receive database snapshot", {
        "local-member-id": hex(this.host.identity.self),
        "remote-snapshot-sender-id": hex(this.from),
        "received-bytes": this.takenBytes,
        error: message,
      });
    }
    this.over();
    this.call.fail({ code, message });
  }
}
