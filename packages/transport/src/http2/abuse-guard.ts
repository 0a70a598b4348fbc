import type { Limits } from "../limits.js";
import { Bucket } from "./bucket.js";
import { ConnectionError, ErrorCode } from "./protocol.js";

const rememberedResets = 256;

/** Counts what is legal one by one and an attack in thousands (`reference`: CVE-2023-44487, CVE-2025-8671, CVE-2019-9511 to 9518). */
export class AbuseGuard {
  private readonly resets: Bucket;
  private readonly idleFrames: Bucket;
  private readonly recent: Set<number> = new Set();

  constructor(limits: Limits) {
    this.resets = new Bucket({ burst: limits.resetBurst, perSecond: limits.resetsPerSecond });
    this.idleFrames = new Bucket({ burst: limits.idleFrameBurst, perSecond: limits.idleFramesPerSecond });
  }

  /** A stream was reset by the peer, or by us for something that the peer did. @throws ConnectionError when that is one too many. */
  countReset(nowMs: number): void {
    if (this.resets.isOverflowing(nowMs)) throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, "too many resets");
  }

  /** A frame that carries nothing; `weight` says how many of them it is worth. @throws ConnectionError when that is one too many. */
  countIdleFrame(nowMs: number, weight = 1): void {
    if (this.idleFrames.isOverflowing(nowMs, weight))
      throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, "too many idle frames");
  }

  /** A call was answered: legal clients do that far more often than they reset. */
  completed(): void {
    this.resets.forgive();
  }

  /** DATA with content came. */
  carried(): void {
    this.idleFrames.forgive();
  }

  /** We have reset a stream: frames that were on their way are ignored. The oldest are forgotten. */
  resetByUs(id: number): void {
    this.recent.add(id);
    if (this.recent.size > rememberedResets) this.recent.delete(this.recent.values().next().value as number);
  }

  wasResetByUs(id: number): boolean {
    return this.recent.has(id);
  }
}
