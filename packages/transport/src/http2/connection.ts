import type { WheelEntry } from "../wheel.js";
import { HpackDecoder } from "../hpack/hpack-decoder.js";
import { AbuseGuard } from "./abuse-guard.js";
import type { Application } from "./application.js";
import { BlockCache } from "./block-cache.js";
import type { Engine, PeerInfo } from "./engine.js";
import { KeepAlive } from "./keep-alive.js";
import { Output, ReplyBlocks, type Wire } from "./output.js";
import {
  ConnectionError,
  defaultFrameBytes,
  defaultWindow,
  ErrorCode,
  Flag,
  FrameType,
  frameHeaderBytes,
  streamIdMax,
} from "./protocol.js";
import { settingsPayload } from "./own-settings.js";
import type { Stream, StreamHost } from "./stream.js";

/** How long a connection that has ended waits for the peer to take the last bytes. */
const lingerMs = 5000;

/** How far a connection has come towards its end. */
export type ConnectionPhase = "open" | "draining" | "closing" | "closed";

/**
 * The state of one HTTP/2 connection of a server, all that it sends, and its end. What the peer sends comes through `FrameReader`.
 */
export class Connection implements WheelEntry, StreamHost {
  readonly engine: Engine;
  readonly application: Application;
  readonly wire: Wire;
  readonly peer: PeerInfo;
  readonly output: Output;
  readonly blocks: ReplyBlocks = new ReplyBlocks();
  readonly decoder: HpackDecoder;
  readonly cache: BlockCache = new BlockCache();
  readonly streams: Map<number, Stream> = new Map();
  readonly guard: AbuseGuard;
  readonly keepAlive: KeepAlive;
  phase: ConnectionPhase = "open";
  /** Moment of the read that is being parsed, or of the last one. Monotonic. */
  nowMs: number;
  openedMs: number;
  hasSettings = false;
  lastStreamId = 0;
  /** Streams above this are ignored once GOAWAY has said so. */
  goawayId: number = streamIdMax;
  sendWindow: number = defaultWindow;
  receiveWindow: number = defaultWindow;
  private unacknowledged = 0;
  peerInitialWindow: number = defaultWindow;
  peerFrameBytes: number = defaultFrameBytes;
  /** Unsent body bytes of all streams. */
  queuedBytes = 0;
  /** Since when nothing queued could be sent; only meaningful while `queuedBytes` is above zero. */
  stalledSinceMs = 0;
  heldBytes = 0;
  /** Calls that the client has given up and whose handler has not ended. */
  cancelledWork = 0;
  /** A header block under assembly. */
  block: { bytes: Buffer; length: number; id: number; flags: number; frames: number; sinceMs: number } | undefined;
  wheelNext: WheelEntry | undefined = undefined;
  wheelPrevious: WheelEntry | undefined = undefined;
  wheelSlot = -1;
  expiresMs = 0;
  isFlushPlanned = false;
  /** Runs once, when the connection is over. */
  onClosed: (() => void) | undefined;
  /** A read is being parsed: output leaves at its end. */
  isReading = false;
  private isPaused = false;
  private countedOut = 0;
  private waiting: Stream[] = [];

  constructor(engine: Engine, application: Application, wire: Wire, peer: PeerInfo) {
    this.engine = engine;
    this.application = application;
    this.wire = wire;
    this.peer = peer;
    this.output = new Output(wire, engine.pool, () => this.written());
    const { limits } = engine;
    this.decoder = new HpackDecoder({
      tableBytesMax: limits.headerTableBytes,
      listBytesMax: limits.maxHeaderListBytes,
    });
    this.guard = new AbuseGuard(limits);
    this.nowMs = engine.clock.monotonicMs();
    this.openedMs = this.nowMs;
    this.keepAlive = new KeepAlive(limits, this.nowMs);
    this.output.frame(FrameType.SETTINGS, 0, 0, settingsPayload(limits));
    this.writeWindowUpdate(0, limits.connectionWindowBytes - defaultWindow);
    this.receiveWindow = limits.connectionWindowBytes;
    this.plan();
  }

  /** Nothing that comes in counts any more. */
  get isEnding(): boolean {
    return this.phase === "closing" || this.phase === "closed";
  }

  /** Bytes have come from the peer and are about to be parsed. */
  beginRead(bytes: number): void {
    this.nowMs = this.engine.clock.monotonicMs();
    this.engine.counts.bytesIn += bytes;
    this.keepAlive.heard(this.nowMs);
    this.isReading = true;
  }

  // --- Sending -------------------------------------------------------------------------------------------------------------

  /** Output has been gathered: it leaves at the end of the read, or of this turn. */
  touch(): void {
    if (!this.isReading && !this.isFlushPlanned) {
      this.isFlushPlanned = true;
      this.engine.flushLater(this);
    }
  }

  /** Hands gathered output to the wire. Stops reading from a peer that does not read. */
  flush(): void {
    this.isFlushPlanned = false;
    if (this.phase === "closed") return;
    this.output.flush();
    this.engine.counts.bytesOut += this.output.total - this.countedOut;
    this.countedOut = this.output.total;
    if (!this.isPaused && this.output.backlog > this.engine.limits.socketStopReadingBytes) {
      this.isPaused = true;
      this.wire.pause();
    }
  }

  /** The wire has given bytes to the system: there may be room again. */
  private written(): void {
    if (this.isPaused && this.output.backlog * 2 <= this.engine.limits.socketStopReadingBytes) {
      this.isPaused = false;
      this.wire.resume();
    }
    if (this.waiting.length === 0 || !this.canSend()) return;
    this.pumpWaiting();
    if (!this.isReading) this.flush();
  }

  writeHeaders(id: number, block: Uint8Array, isLast: boolean): void {
    const { output } = this;
    const update = this.blocks.takeSizeUpdate();
    const whole = update === undefined ? block : Buffer.concat([update, block]);
    const max = this.peerFrameBytes;
    let flags = isLast ? Flag.END_STREAM : 0;
    let type: number = FrameType.HEADERS;
    let at = 0;
    do {
      const size = Math.min(max, whole.length - at);
      if (at + size === whole.length) flags |= Flag.END_HEADERS;
      output.frame(type, flags, id, size === whole.length ? whole : whole.subarray(at, at + size));
      at += size;
      type = FrameType.CONTINUATION;
      flags = 0;
    } while (at < whole.length);
    this.spoke();
  }

  /** HEADERS or DATA have been written into the output. */
  spoke(): void {
    this.keepAlive.spoke();
    this.touch();
  }

  writeReset(id: number, code: number): void {
    this.output.numberFrame(FrameType.RST_STREAM, id, code);
    this.guard.resetByUs(id);
    this.engine.counts.resetsByUs++;
    this.touch();
  }

  writeWindowUpdate(id: number, increment: number): void {
    if (increment <= 0) return;
    this.output.numberFrame(FrameType.WINDOW_UPDATE, id, increment);
    this.touch();
  }

  /** Sends as much of a stream's queue as windows and socket take. */
  pump(stream: Stream): void {
    while (stream.queuedBytes > 0 && !stream.isLocalClosed) {
      if (stream.sendWindow <= 0) return; // its WINDOW_UPDATE comes back here
      if (!this.canSend()) {
        this.wait(stream);
        return;
      }
      this.writeData(stream);
    }
  }

  private canSend(): boolean {
    return this.sendWindow > 0 && this.output.backlog < this.engine.limits.socketHighWaterBytes;
  }

  private writeData(stream: Stream): void {
    const length = Math.min(stream.queuedBytes, stream.sendWindow, this.sendWindow, this.peerFrameBytes);
    const isLast = length === stream.queuedBytes && stream.endsWithData;
    const at = this.output.reserve(frameHeaderBytes + length);
    this.output.frameHeader(at, length, FrameType.DATA, isLast ? Flag.END_STREAM : 0, stream.id);
    stream.takeQueued(this.output.buffer, at + frameHeaderBytes, length);
    stream.sendWindow -= length;
    this.sendWindow -= length;
    this.stalledSinceMs = this.nowMs;
    this.spoke();
    if (isLast) stream.closeLocal();
    else if (stream.queuedBytes === 0) stream.drained();
    else stream.checkLowWater();
  }

  private wait(stream: Stream): void {
    if (stream.isWaiting) return;
    stream.isWaiting = true;
    this.waiting.push(stream);
  }

  /** A frame of each waiting stream in turn, while the connection's window and the socket allow. */
  pumpWaiting(): void {
    let turn = this.waiting;
    while (turn.length > 0 && this.canSend()) {
      this.waiting = [];
      for (const stream of turn) {
        stream.isWaiting = false;
        if (stream.isLocalClosed || stream.queuedBytes === 0 || stream.sendWindow <= 0) continue;
        if (this.canSend()) this.writeData(stream);
        if (stream.queuedBytes > 0 && stream.sendWindow > 0) this.wait(stream);
      }
      turn = this.waiting;
    }
  }

  /** Counts body bytes that begin or cease to wait. */
  addQueued(bytes: number): void {
    if (this.queuedBytes === 0) this.stalledSinceMs = this.nowMs;
    this.queuedBytes += bytes;
    this.engine.counts.queuedBytes += bytes;
  }

  get isOverQueueBound(): boolean {
    const { limits, counts } = this.engine;
    return this.queuedBytes > limits.queuedBytesPerConnection || counts.queuedBytes > limits.queuedBytesTotal;
  }

  /** Too much waits to be sent: this stream goes, or the connection that has stalled longest. */
  shed(stream: Stream): void {
    if (this.queuedBytes > this.engine.limits.queuedBytesPerConnection) stream.reset(ErrorCode.ENHANCE_YOUR_CALM);
    else this.engine.relieve();
  }

  // --- Receiving -----------------------------------------------------------------------------------------------------------

  /** Counts received DATA and gives window back when half of it is used. */
  countReceived(bytes: number): void {
    this.receiveWindow -= bytes;
    if (this.receiveWindow < 0) throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "connection window exceeded");
    this.unacknowledged += bytes;
    if (this.unacknowledged * 2 < this.engine.limits.connectionWindowBytes) return;
    this.receiveWindow += this.unacknowledged;
    this.writeWindowUpdate(0, this.unacknowledged);
    this.unacknowledged = 0;
  }

  /** Counts request bytes that are held (negative: that are no more). @returns false when that is over a bound; they count all the same. */
  hold(bytes: number): boolean {
    const { counts, limits } = this.engine;
    this.heldBytes += bytes;
    counts.heldBytes += bytes;
    return this.heldBytes <= limits.heldBytesPerConnection && counts.heldBytes <= limits.heldBytesTotal;
  }

  // --- The end -------------------------------------------------------------------------------------------------------------

  /** A stream has left. */
  forget(stream: Stream): void {
    if (this.streams.delete(stream.id)) {
      this.engine.counts.streams--;
      if (this.streams.size === 0) {
        this.keepAlive.isIdle = true;
        if (this.phase === "draining") this.finishDraining();
      }
    }
  }

  /** An answer was complete: forgives a reset. */
  completed(): void {
    this.guard.completed();
  }

  /** An error of the peer that ends the connection: GOAWAY, then close. */
  fail(code: number, reason: string): void {
    if (this.isEnding) return;
    if (code === ErrorCode.ENHANCE_YOUR_CALM) this.engine.counts.goawaysForAbuse++;
    this.engine.logger.debug("http/2 connection ended", { "http2.error": code, "http2.reason": reason });
    this.writeGoaway(this.lastStreamId, code, reason);
    this.close();
  }

  writeGoaway(lastId: number, code: number, reason: string): void {
    const debug = Buffer.from(reason, "latin1");
    const payload = Buffer.allocUnsafe(8 + debug.length);
    payload.writeUInt32BE(lastId, 0);
    payload.writeUInt32BE(code, 4);
    debug.copy(payload, 8);
    this.output.frame(FrameType.GOAWAY, 0, 0, payload);
    this.touch();
  }

  /** Closes in order: what is gathered is written, streams that run are cut. */
  close(): void {
    if (this.isEnding) return;
    this.phase = "closing";
    this.dropStreams();
    this.flush();
    this.expiresMs = this.engine.clock.monotonicMs() + lingerMs; // a peer that does not take what is written does not keep the socket
    this.plan();
    this.wire.end();
  }

  /** The wire is gone. */
  closed(): void {
    if (this.phase === "closed") return;
    this.phase = "closed";
    this.dropStreams();
    this.engine.timers.remove(this);
    this.block = undefined;
    this.waiting = [];
    this.onClosed?.();
  }

  private dropStreams(): void {
    for (const stream of [...this.streams.values()]) stream.drop();
  }

  /** Begins a graceful end: no new streams after the client has seen it, those that run finish. */
  drain(): void {
    if (this.phase !== "open") return;
    this.phase = "draining";
    this.writeGoaway(streamIdMax, ErrorCode.NO_ERROR, "graceful_stop");
    this.output.frame(FrameType.PING, 0, 0, this.keepAlive.drainPing(this.engine.clock.monotonicMs()));
    this.touch();
    this.plan();
  }

  /** The client has seen the first GOAWAY (its PING came back, or too much time has gone): the last stream is known. */
  confirmDrain(): void {
    if (this.phase !== "draining" || this.goawayId !== streamIdMax) return;
    this.goawayId = this.lastStreamId;
    this.writeGoaway(this.lastStreamId, ErrorCode.NO_ERROR, "");
    if (this.streams.size === 0) this.finishDraining();
  }

  private finishDraining(): void {
    if (this.goawayId !== streamIdMax) this.close();
  }

  /** Housekeeping: handshake, slow header blocks, keep-alive. */
  onExpire(): void {
    this.nowMs = this.engine.clock.monotonicMs();
    if (this.phase === "closing") {
      this.wire.destroy();
      return;
    }
    const { limits } = this.engine;
    if (!this.hasSettings && this.nowMs - this.openedMs >= limits.handshakeMs)
      return this.fail(ErrorCode.SETTINGS_TIMEOUT, "no settings");
    if (this.block !== undefined && this.nowMs - this.block.sinceMs >= limits.headersMs) {
      return this.fail(ErrorCode.ENHANCE_YOUR_CALM, "slow header block");
    }
    const action = this.keepAlive.check(this.nowMs);
    if (action === "drained") this.confirmDrain();
    if (action === "dead") {
      this.engine.logger.debug("http/2 connection is silent", {});
      this.wire.destroy();
      return;
    }
    if (action === "ping") this.output.frame(FrameType.PING, 0, 0, this.keepAlive.nextPing(this.nowMs));
    this.touch();
    this.plan();
  }

  /** Puts the connection into the wheel for the next thing that may be due. */
  plan(): void {
    const { limits, timers } = this.engine;
    if (this.phase !== "closing") {
      let at = this.keepAlive.nextCheckMs();
      if (!this.hasSettings) at = Math.min(at, this.openedMs + limits.handshakeMs);
      if (this.block !== undefined) at = Math.min(at, this.block.sinceMs + limits.headersMs);
      if (at === Number.POSITIVE_INFINITY) return timers.remove(this);
      if (this.wheelSlot >= 0 && at >= this.expiresMs) return; // rings earlier, looks again then
      timers.remove(this);
      this.expiresMs = at;
    } else timers.remove(this);
    timers.add(this);
  }
}
