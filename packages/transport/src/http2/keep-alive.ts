import type { Limits } from "../limits.js";

/** What a connection has to do about silence. */
export type KeepAliveAction = "nothing" | "ping" | "dead" | "drained";

const drainWaitMs = 5000;
const strikesMax = 2;
const idlePingMs = 2 * 60 * 60 * 1000;
const drainMark = 0xd7;
const aliveMark = 0xa1;

/**
 * PINGs both ways: our own after a silence and the wait for their answer, and the client's, which may come too often. The rules
 * for clients are grpc-go's: a ping too soon is a strike, sending headers or data takes all strikes back, the third one ends it.
 */
export class KeepAlive {
  /** No stream is open. */
  isIdle = true;
  private readonly limits: Limits;
  private lastHeardMs: number;
  private pingSentMs: number | undefined;
  private drainSentMs: number | undefined;
  private isDrainConfirmed = false;
  private strikes = 0;
  private lastPingMs = Number.NEGATIVE_INFINITY;

  constructor(limits: Limits, nowMs: number) {
    this.limits = limits;
    this.lastHeardMs = nowMs;
  }

  /** Bytes came in. */
  heard(nowMs: number): void {
    this.lastHeardMs = nowMs;
    this.pingSentMs = undefined;
  }

  /** HEADERS or DATA went out. */
  spoke(): void {
    this.strikes = 0;
    this.lastPingMs = Number.NEGATIVE_INFINITY;
  }

  /** The client has pinged. @returns true when that was too often. */
  isPingTooMany(nowMs: number): boolean {
    const isUnwanted = this.isIdle && !this.limits.keepAliveWithoutStreams;
    const apartMs = isUnwanted ? idlePingMs : this.limits.keepAliveMinPingMs;
    if (nowMs - this.lastPingMs < apartMs) this.strikes++;
    this.lastPingMs = nowMs;
    return this.strikes > strikesMax;
  }

  /** Our PING came back. @returns true when it was the one sent with the first GOAWAY. */
  answered(mark: number): boolean {
    if (mark !== drainMark || this.drainSentMs === undefined || this.isDrainConfirmed) return false;
    this.isDrainConfirmed = true;
    return true;
  }

  /** Payload of a keep-alive PING that goes out now. */
  nextPing(nowMs: number): Buffer {
    this.pingSentMs = nowMs;
    return Buffer.alloc(8, aliveMark);
  }

  /** Payload of the PING that follows the first GOAWAY. */
  drainPing(nowMs: number): Buffer {
    this.drainSentMs = nowMs;
    return Buffer.alloc(8, drainMark);
  }

  check(nowMs: number): KeepAliveAction {
    const { keepAliveIntervalMs, keepAliveTimeoutMs } = this.limits;
    if (this.drainSentMs !== undefined && !this.isDrainConfirmed && nowMs - this.drainSentMs >= drainWaitMs) {
      this.isDrainConfirmed = true;
      return "drained";
    }
    if (this.pingSentMs !== undefined) {
      return keepAliveTimeoutMs > 0 && nowMs - this.pingSentMs >= keepAliveTimeoutMs ? "dead" : "nothing";
    }
    return keepAliveIntervalMs > 0 && nowMs - this.lastHeardMs >= keepAliveIntervalMs ? "ping" : "nothing";
  }

  /** When `check` may next have something to say. */
  nextCheckMs(): number {
    const { keepAliveIntervalMs, keepAliveTimeoutMs } = this.limits;
    let at = Number.POSITIVE_INFINITY;
    if (this.drainSentMs !== undefined && !this.isDrainConfirmed) at = this.drainSentMs + drainWaitMs;
    if (this.pingSentMs !== undefined)
      return keepAliveTimeoutMs > 0 ? Math.min(at, this.pingSentMs + keepAliveTimeoutMs) : at;
    return keepAliveIntervalMs > 0 ? Math.min(at, this.lastHeardMs + keepAliveIntervalMs) : at;
  }
}
