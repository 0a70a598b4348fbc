type ModelLease = {
  readonly id: bigint;
  readonly ttlSeconds: number;
  deadlineMs: number;
  /** What was written down of its time left, by an orderly stop. */
  remainingSeconds: number | undefined;
};

const lookMs = 500;
const minTtlSeconds = 2n;
const electionMs = 1000;
export const maxTtlSeconds = 9_000_000_000n;

/** semantics.md, "Lease", of a member that leads all the time it runs. */
export class ModelLeases {
  readonly all = new Map<bigint, ModelLease>();
  #nextLookMs = 0;

  has(id: bigint): boolean {
    return this.all.has(id);
  }

  grant(id: bigint, ttl: bigint, nowMs: number): number {
    const ttlSeconds = Number(ttl < minTtlSeconds ? minTtlSeconds : ttl);
    const deadlineMs = nowMs + ttlSeconds * 1000;
    this.all.set(id, { id, ttlSeconds, deadlineMs, remainingSeconds: undefined });
    return ttlSeconds;
  }

  /** @returns the TTL granted, "pending" while an overdue lease waits for its end, 0 for an unknown one. */
  renew(id: bigint, nowMs: number): number | "pending" {
    const lease = this.all.get(id);
    if (lease === undefined) return 0;
    if (lease.deadlineMs <= nowMs) return "pending";
    lease.deadlineMs = Math.max(lease.deadlineMs, nowMs + lease.ttlSeconds * 1000);
    lease.remainingSeconds = undefined;
    return lease.ttlSeconds;
  }

  timeToLive(id: bigint, nowMs: number): { TTL: bigint; grantedTTL: bigint } {
    const lease = this.all.get(id);
    if (lease === undefined) return { TTL: -1n, grantedTTL: 0n };
    const left = Math.max(0, Math.floor((lease.deadlineMs - nowMs) / 1000));
    return { TTL: BigInt(left), grantedTTL: BigInt(lease.ttlSeconds) };
  }

  /** Those with the least time left first. */
  list(): bigint[] {
    const order = (a: ModelLease, b: ModelLease): number => a.deadlineMs - b.deadlineMs || (a.id < b.id ? -1 : 1);
    return [...this.all.values()].sort(order).map(({ id }) => id);
  }

  /** The member has begun to lead: every lease gets its time again, or what was written down of it. */
  lead(nowMs: number): void {
    this.#nextLookMs = nowMs + lookMs;
    for (const lease of this.all.values()) {
      lease.deadlineMs = nowMs + electionMs + (lease.remainingSeconds ?? lease.ttlSeconds) * 1000;
    }
  }

  /** An orderly stop: what is left of each is written down. */
  writeDown(nowMs: number): void {
    for (const lease of this.all.values()) {
      const left = Math.max(1, Math.ceil((lease.deadlineMs - nowMs) / 1000));
      if (left < (lease.remainingSeconds ?? lease.ttlSeconds)) lease.remainingSeconds = left;
    }
  }

  /** Time has come to `nowMs`. @param end carries out the end of a lease; called for each, in order. */
  advance(nowMs: number, end: (id: bigint) => void): void {
    for (; this.#nextLookMs <= nowMs; this.#nextLookMs += lookMs) {
      const overdue = [...this.all.values()].filter(({ deadlineMs }) => deadlineMs <= this.#nextLookMs);
      overdue.sort((a, b) => (a.id < b.id ? -1 : 1));
      for (const { id } of overdue) {
        this.all.delete(id);
        end(id);
      }
    }
  }
}
