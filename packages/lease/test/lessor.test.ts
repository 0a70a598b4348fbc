import { describe, expect, it } from "vitest";
import { type LeaseEvent, LeaseError, type LeaseFault, Lessor } from "../src/index.js";
import { buildPrimary, bytes, entry, grant, grantMany, leaseId, texts } from "./build.js";

function refusalOf(run: () => unknown): LeaseFault {
  try {
    run();
  } catch (error) {
    if (error instanceof LeaseError) return error.fault;
    throw error;
  }
  throw new Error("it was not refused");
}

describe("grant", () => {
  for (const [asked, granted] of [
    [0, 2],
    [-1, 2],
    [Number(-(2n ** 63n)), 2],
    [1, 2],
    [2, 2],
    [3, 3],
    [9_000_000_000, 9_000_000_000],
  ] as const) {
    it(`gives a TTL of ${granted} s when ${asked} s are asked for`, () => {
      const lessor = buildPrimary();
      expect(grant(lessor, 1, { ttl: asked }).ttlSeconds).toBe(granted);
      expect(lessor.timeToLive(leaseId(1), 0)).toEqual({
        remainingSeconds: granted,
        grantedSeconds: granted,
        keyCount: 0,
      });
    });
  }

  it("refuses a TTL above the limit, also for an id that is taken", () => {
    const lessor = buildPrimary();
    grant(lessor, 1);
    const fault = refusalOf(() => grant(lessor, 1, { ttl: 9_000_000_001 }));
    expect(fault).toEqual({ code: "lease/ttl-too-large", ttlSeconds: 9_000_000_001, maxTtlSeconds: 9_000_000_000 });
  });

  it("refuses an id that is taken, and takes it again after a revoke", () => {
    const lessor = buildPrimary();
    grant(lessor, -5);
    expect(refusalOf(() => grant(lessor, -5))).toEqual({ code: "lease/exists", id: -5n });
    lessor.revoke(leaseId(-5));
    expect(grant(lessor, -5, { ttl: 7 }).ttlSeconds).toBe(7);
  });

  it("takes the smallest and the largest id, but never 0", () => {
    const lessor = buildPrimary();
    for (const id of [2n ** 63n - 1n, -(2n ** 63n)]) expect(grant(lessor, id).id).toBe(id);
    expect(() => grant(lessor, 0)).toThrow("0 is never a lease");
  });
});

describe("keys", () => {
  it("come back from a revoke in byte order, whatever the order they were attached in", () => {
    const lessor = buildPrimary();
    grant(lessor, 1);
    lessor.attach(leaseId(1), ["q", "a\u0000", "\u00ff", "a", "z", "q"].map(bytes));
    expect(lessor.timeToLive(leaseId(1), 0)?.keyCount).toBe(5);
    expect(texts(lessor.keysOf(leaseId(1)))).toEqual(["a", "a\u0000", "q", "z", "\u00ff"]);
    expect(texts(lessor.revoke(leaseId(1)).keys)).toEqual(["a", "a\u0000", "q", "z", "\u00ff"]);
    expect(lessor.keysOf(leaseId(1))).toBeUndefined();
  });

  it("can be detached one by one", () => {
    const lessor = buildPrimary();
    grant(lessor, 1);
    lessor.attach(leaseId(1), [bytes("a")]);
    lessor.detach(leaseId(1), [bytes("b")]);
    expect(texts(lessor.keysOf(leaseId(1)))).toEqual(["a"]);
    lessor.attach(leaseId(1), [bytes("b"), bytes("c")]);
    lessor.detach(leaseId(1), [bytes("a"), bytes("c"), bytes("a")]);
    expect(texts(lessor.keysOf(leaseId(1)))).toEqual(["b"]);
    lessor.detach(leaseId(1), [bytes("b")]);
    expect(lessor.keysOf(leaseId(1))).toEqual([]);
  });

  it("cannot be attached to a lease that is not there; detaching from it does nothing", () => {
    const lessor = buildPrimary();
    expect(refusalOf(() => lessor.attach(leaseId(3), [bytes("a")]))).toEqual({ code: "lease/not-found", id: 3n });
    lessor.detach(leaseId(3), [bytes("a")]);
  });

  it("are not changed by the caller's buffer afterwards", () => {
    const lessor = buildPrimary();
    grant(lessor, 1);
    const buffer = bytes("a");
    lessor.attach(leaseId(1), [buffer]);
    buffer[0] = 0x62;
    expect(texts(lessor.revoke(leaseId(1)).keys)).toEqual(["a"]);
  });
});

describe("revoke", () => {
  it("refuses an unknown lease", () => {
    expect(refusalOf(() => buildPrimary().revoke(leaseId(9)))).toEqual({ code: "lease/not-found", id: 9n });
  });

  it("keeps a lease from being named as expired", () => {
    const lessor = buildPrimary();
    grantMany(lessor, 3);
    lessor.revoke(leaseId(2));
    expect(lessor.tick(10_000).expired).toEqual([1n, 3n]);
  });
});

describe("renew", () => {
  it("gives a whole TTL from now", () => {
    const lessor = buildPrimary();
    grant(lessor, 1);
    expect(lessor.renew(leaseId(1), 9_999)).toEqual({ kind: "renewed", ttlSeconds: 10, clearsCheckpoint: false });
    expect(lessor.tick(19_998).expired).toEqual([]);
    expect(lessor.timeToLive(leaseId(1), 9_999)?.remainingSeconds).toBe(10);
    expect(lessor.tick(20_498).expired).toEqual([1n]);
  });

  it("never shortens what a change of leader gave", () => {
    const lessor = new Lessor();
    grant(lessor, 1);
    lessor.promote(0, 5_000);
    lessor.renew(leaseId(1), 1_000);
    expect(lessor.timeToLive(leaseId(1), 1_000)?.remainingSeconds).toBe(14);
  });

  it("waits for the revoke of an overdue lease, proposed or not", () => {
    const lessor = buildPrimary();
    grant(lessor, 1);
    expect(lessor.isOverdue(leaseId(1), 9_999)).toBe(false);
    expect(lessor.renew(leaseId(1), 10_000)).toEqual({ kind: "pending" });
    expect(lessor.isOverdue(leaseId(1), 10_000)).toBe(true);
    expect(lessor.tick(10_000).expired).toEqual([1n]);
    expect(lessor.renew(leaseId(1), 10_100)).toEqual({ kind: "pending" });
    lessor.revoke(leaseId(1));
    expect(lessor.renew(leaseId(1), 10_200)).toEqual({ kind: "not-found" });
    expect(lessor.isOverdue(leaseId(1), 10_200)).toBe(false);
  });

  it("is for the primary only, and so is the time to live", () => {
    const lessor = new Lessor();
    grant(lessor, 1);
    expect(refusalOf(() => lessor.renew(leaseId(1), 0))).toEqual({ code: "lease/not-primary" });
    expect(refusalOf(() => lessor.timeToLive(leaseId(1), 0))).toEqual({ code: "lease/not-primary" });
  });
});

describe("timeToLive", () => {
  it("rounds down, is 0 when overdue, and undefined when unknown", () => {
    const lessor = buildPrimary();
    grant(lessor, 1);
    expect(lessor.timeToLive(leaseId(1), 1)?.remainingSeconds).toBe(9);
    expect(lessor.timeToLive(leaseId(1), 12_500)?.remainingSeconds).toBe(0);
    expect(lessor.timeToLive(leaseId(2), 0)).toBeUndefined();
  });
});

describe("list", () => {
  it("has those with the least time left first, and by id where equal", () => {
    const lessor = buildPrimary();
    for (const [id, ttl] of [
      [7, 30],
      [-2, 60],
      [3, 60],
      [9, 5],
    ] as const)
      grant(lessor, id, { ttl });
    expect(lessor.list()).toEqual([9n, 7n, -2n, 3n]);
    lessor.renew(leaseId(9), 4_000);
    lessor.renew(leaseId(7), 40_000);
    lessor.demote();
    expect(lessor.list()).toEqual([-2n, 3n, 7n, 9n]);
  });
});

describe("tick", () => {
  it("looks at most every 500 ms", () => {
    const lessor = buildPrimary();
    grant(lessor, 1);
    expect(lessor.tick(9_700).expired).toEqual([]);
    expect(lessor.tick(10_199).expired).toEqual([]);
    expect(lessor.tick(10_200).expired).toEqual([1n]);
  });

  it("names at most 500 in a look, so ten thousand at once go in twenty entries over ten seconds", () => {
    const lessor = buildPrimary();
    grantMany(lessor, 10_000);
    const looks: number[] = [];
    for (let nowMs = 9_000; lessor.size > 0; nowMs += 100) {
      const { expired } = lessor.tick(nowMs);
      if (expired.length > 0) looks.push(expired.length);
      expect([...expired].sort((a, b) => (a < b ? -1 : 1))).toEqual(expired);
      for (const id of expired) lessor.revoke(id);
      expect(nowMs).toBeLessThan(20_000);
    }
    expect(looks).toEqual(Array.from({ length: 20 }, () => 500));
  });

  it("names a lease again when it is not revoked within the retry time", () => {
    const events: LeaseEvent[] = [];
    const lessor = buildPrimary({}, (event) => events.push(event));
    grantMany(lessor, 2);
    expect(lessor.tick(10_000).expired).toEqual([1n, 2n]);
    lessor.revoke(leaseId(2));
    expect(lessor.tick(16_999).expired).toEqual([]);
    expect(lessor.tick(17_499).expired).toEqual([1n]);
    expect(events.filter(({ kind }) => kind === "expired")).toEqual([
      { kind: "expired", ids: [1n, 2n], again: 0 },
      { kind: "expired", ids: [1n], again: 1 },
    ]);
  });

  it("has no work on a member that is not primary", () => {
    const lessor = new Lessor();
    grant(lessor, 1);
    expect(lessor.tick(1e9)).toEqual({ expired: [], checkpoints: [] });
    lessor.promote(0, 0);
    lessor.demote();
    expect(lessor.tick(1e9)).toEqual({ expired: [], checkpoints: [] });
  });
});

describe("isStale", () => {
  it("tells a lease from one that had its id before", () => {
    const lessor = buildPrimary();
    grant(lessor, 1, { by: 4 });
    expect(lessor.isStale(leaseId(1), entry(4))).toBe(false);
    lessor.revoke(leaseId(1));
    expect(lessor.isStale(leaseId(1), entry(4))).toBe(true);
    grant(lessor, 1, { by: 6 });
    expect(lessor.isStale(leaseId(1), entry(5))).toBe(true);
    expect(lessor.isStale(leaseId(1), entry(6))).toBe(false);
  });
});

describe("events", () => {
  it("tell what happened, in order", () => {
    const events: LeaseEvent[] = [];
    const lessor = buildPrimary({}, (event) => events.push(event));
    grant(lessor, 1);
    lessor.attach(leaseId(1), [bytes("a")]);
    lessor.renew(leaseId(1), 0);
    lessor.tick(10_000);
    lessor.revoke(leaseId(1));
    lessor.demote();
    lessor.demote();
    expect(events).toEqual([
      { kind: "promoted", leaseCount: 0, delayed: 0 },
      { kind: "granted", id: 1n, ttlSeconds: 10 },
      { kind: "renewed", id: 1n, ttlSeconds: 10 },
      { kind: "expired", ids: [1n], again: 0 },
      { kind: "revoked", id: 1n, keyCount: 1, wasProposed: true },
      { kind: "demoted" },
    ]);
  });
});
