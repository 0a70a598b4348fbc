/** Counts events that are harmless one by one: so many at once, so many forgiven a second. */
export class Bucket {
  private readonly burst: number;
  private readonly perSecond: number;
  private level = 0;
  private lastMs = 0;

  constructor(options: { burst: number; perSecond: number }) {
    this.burst = options.burst;
    this.perSecond = options.perSecond;
  }

  /** Counts one, or `weight`. @returns true when that is too many. */
  isOverflowing(nowMs: number, weight = 1): boolean {
    const forgiven = ((nowMs - this.lastMs) / 1000) * this.perSecond;
    this.lastMs = nowMs;
    this.level = Math.max(0, this.level - forgiven) + weight;
    return this.level > this.burst;
  }

  /** Takes one back. */
  forgive(): void {
    if (this.level >= 1) this.level--;
  }
}
