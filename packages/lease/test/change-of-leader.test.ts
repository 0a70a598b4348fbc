import { describe, expect, it } from "vitest";
import { type LeaseCheckpoint, Lessor } from "../src/index.js";
import { buildPrimary, entry, grant, grantMany, leaseId } from "./build.js";

function applyAll(lessor: Lessor, checkpoints: readonly LeaseCheckpoint[]): void {
  for (const { id, remainingTtlSeconds } of checkpoints) lessor.checkpoint(id, remainingTtlSeconds);
}

describe("checkpoint", () => {
  it("is due for leases with a TTL over five minutes, every five minutes", () => {
    const lessor = buildPrimary();
    grant(lessor, 1, { ttl: 300 });
    grant(lessor, 2, { ttl: 301 });
    grant(lessor, 3, { ttl: 1000 });
    expect(lessor.tick(299_999).checkpoints).toEqual([]);
    const first = lessor.tick(300_500);
    expect(first.checkpoints).toEqual([
      { id: 2n, remainingTtlSeconds: 1 },
      { id: 3n, remainingTtlSeconds: 700 },
    ]);
    applyAll(lessor, first.checkpoints);
    expect(lessor.tick(599_000).checkpoints).toEqual([]);
    const second = lessor.tick(600_500);
    expect(second.checkpoints).toEqual([{ id: 3n, remainingTtlSeconds: 400 }]);
    applyAll(lessor, second.checkpoints);
    expect(lessor.tick(900_500).checkpoints).toEqual([{ id: 3n, remainingTtlSeconds: 100 }]);
  });

  it("is not due for a lease that is kept alive", () => {
    const lessor = buildPrimary();
    grant(lessor, 1, { ttl: 600 });
    for (let nowMs = 0; nowMs < 3_600_000; nowMs += 200_000) {
      expect(lessor.tick(nowMs).checkpoints).toEqual([]);
      expect(lessor.renew(leaseId(1), nowMs)).toMatchObject({ kind: "renewed", clearsCheckpoint: false });
    }
  });

  it("is proposed again when it had no effect", () => {
    const lessor = buildPrimary();
    grant(lessor, 1, { ttl: 1000 });
    expect(lessor.tick(300_000).checkpoints).toHaveLength(1);
    expect(lessor.tick(306_999).checkpoints).toEqual([]);
    expect(lessor.tick(307_499).checkpoints).toEqual([{ id: 1n, remainingTtlSeconds: 693 }]);
  });

  it("comes in batches of at most a thousand", () => {
    const lessor = buildPrimary();
    grantMany(lessor, 2_500, { ttl: 1000 });
    const sizes = [300_000, 300_500, 301_000, 301_500].map((nowMs) => lessor.tick(nowMs).checkpoints.length);
    expect(sizes).toEqual([1000, 1000, 500, 0]);
  });

  it("is cleared by an entry when the lease is renewed, be it recorded or on its way", () => {
    const lessor = buildPrimary();
    grant(lessor, 1, { ttl: 1000 });
    const { checkpoints } = lessor.tick(300_000);
    expect(lessor.renew(leaseId(1), 300_001)).toMatchObject({ clearsCheckpoint: true });
    applyAll(lessor, checkpoints);
    expect(lessor.renew(leaseId(1), 300_002)).toMatchObject({ clearsCheckpoint: true });
    expect(lessor.checkpoint(leaseId(1), undefined)?.remainingTtlSeconds).toBeUndefined();
    expect(lessor.renew(leaseId(1), 300_003)).toMatchObject({ clearsCheckpoint: false });
  });

  it("stays cleared only when no newer one is on its way behind the clearing entry", () => {
    const lessor = buildPrimary();
    grant(lessor, 1, { ttl: 1000 });
    applyAll(lessor, lessor.tick(300_000).checkpoints);
    lessor.renew(leaseId(1), 300_001);
    expect(lessor.tick(650_000).checkpoints).toEqual([]);
    lessor.checkpoint(leaseId(1), undefined);
    const late = lessor.tick(700_000).checkpoints;
    expect(late).toHaveLength(1);
    lessor.checkpoint(leaseId(1), undefined);
    expect(lessor.renew(leaseId(1), 700_001)).toMatchObject({ clearsCheckpoint: true });
  });

  it("of a lease that is gone, or beyond its TTL, does no harm", () => {
    const lessor = buildPrimary();
    expect(lessor.checkpoint(leaseId(4), 10)).toBeUndefined();
    grant(lessor, 1, { ttl: 20 });
    expect(lessor.checkpoint(leaseId(1), 50)?.remainingTtlSeconds).toBe(20);
    expect(lessor.checkpoint(leaseId(1), 0)?.remainingTtlSeconds).toBeUndefined();
  });
});

describe("checkpointAll", () => {
  it("keeps a restart from renewing anything, whatever the TTL", () => {
    const lessor = buildPrimary();
    grant(lessor, 1, { ttl: 10 });
    grant(lessor, 2, { ttl: 600 });
    grant(lessor, 3, { ttl: 10, at: 3_100 });
    const batches = lessor.checkpointAll(3_100);
    expect(batches).toEqual([
      [
        { id: 1n, remainingTtlSeconds: 7 },
        { id: 2n, remainingTtlSeconds: 597 },
      ],
    ]);
    for (const batch of batches) applyAll(lessor, batch);
    const restarted = new Lessor();
    restarted.restore(lessor.records());
    restarted.promote(50_000, 1_000);
    const remaining = [1, 2, 3].map((id) => restarted.timeToLive(leaseId(id), 50_000)?.remainingSeconds);
    expect(remaining).toEqual([8, 598, 11]);
    expect(restarted.timeToLive(leaseId(1), 50_000)?.grantedSeconds).toBe(10);
  });

  it("leaves an overdue lease one second, since zero would mean all of its TTL", () => {
    const lessor = buildPrimary();
    grant(lessor, 1);
    expect(lessor.checkpointAll(99_000)).toEqual([[{ id: 1n, remainingTtlSeconds: 1 }]]);
  });

  it("makes batches of at most a thousand, and none on a member that is not primary", () => {
    const lessor = buildPrimary();
    grantMany(lessor, 2_001);
    expect(lessor.checkpointAll(5_000).map((batch) => batch.length)).toEqual([1000, 1000, 1]);
    lessor.demote();
    expect(lessor.checkpointAll(5_000)).toEqual([]);
  });
});

describe("promote", () => {
  it("gives each lease the election timeout and its checkpointed rest or whole TTL", () => {
    const lessor = new Lessor();
    lessor.restore([
      { id: leaseId(1), ttlSeconds: 60, remainingTtlSeconds: undefined, grantedAt: entry(1) },
      { id: leaseId(2), ttlSeconds: 900, remainingTtlSeconds: 200, grantedAt: entry(2) },
    ]);
    lessor.promote(7_000, 1_000);
    expect(lessor.timeToLive(leaseId(1), 7_000)?.remainingSeconds).toBe(61);
    expect(lessor.timeToLive(leaseId(2), 7_000)?.remainingSeconds).toBe(201);
    expect(lessor.list()).toEqual([1n, 2n]);
  });

  it("starts afresh with what was proposed before", () => {
    const lessor = buildPrimary();
    grant(lessor, 1);
    lessor.tick(10_000);
    lessor.demote();
    lessor.promote(20_000, 1_000);
    expect(lessor.renew(leaseId(1), 30_999)).toMatchObject({ kind: "renewed" });
    expect(lessor.tick(40_999).expired).toEqual([1n]);
  });

  it("leaves the deadlines of fewer than a thousand leases alone", () => {
    const lessor = new Lessor();
    grantMany(lessor, 999, { ttl: 60 });
    lessor.promote(0, 0);
    expect(lessor.timeToLive(leaseId(999), 0)?.remainingSeconds).toBe(60);
  });

  it("spreads a thousand or more: at most 750 deadlines in any second, none earlier, in the same order", () => {
    const lessor = new Lessor({ expiredPerLookMax: 100_000, lookIntervalMs: 1 });
    for (let id = 1; id <= 5_000; id++) grant(lessor, id, { ttl: 60 + (id % 3) });
    lessor.promote(0, 0);
    const expiredAt: number[] = [];
    for (let nowMs = 59_000; nowMs < 75_000; nowMs += 100) {
      for (const id of lessor.tick(nowMs).expired) {
        expect(nowMs).toBeGreaterThanOrEqual(1000 * (60 + (Number(id) % 3)));
        expiredAt.push(nowMs);
        lessor.revoke(id);
      }
    }
    expect(expiredAt).toHaveLength(5_000);
    for (let i = 750; i < expiredAt.length; i++) {
      expect((expiredAt[i] as number) - (expiredAt[i - 750] as number)).toBeGreaterThanOrEqual(1000);
    }
  });
});

describe("restore", () => {
  it("replaces all that was there", () => {
    const lessor = buildPrimary();
    grantMany(lessor, 3);
    lessor.restore([{ id: leaseId(8), ttlSeconds: 5, remainingTtlSeconds: 3, grantedAt: entry(2) }]);
    expect(lessor.isPrimary).toBe(false);
    expect(lessor.list()).toEqual([8n]);
    expect(lessor.records()).toEqual([{ id: 8n, ttlSeconds: 5, remainingTtlSeconds: 3, grantedAt: 2 }]);
    lessor.promote(0, 0);
    expect(lessor.tick(3_000).expired).toEqual([8n]);
  });
});
