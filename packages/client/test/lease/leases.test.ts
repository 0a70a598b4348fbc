import { describe, expect, it, vi } from "vitest";
import type { ClientError } from "../../src/index.js";
import { buildClient, errorOf, until } from "../build.js";
import { FakeMember } from "../fake/fake-member.js";
import { FaultyProxy } from "../fake/proxy.js";
import { ManualClock } from "../manual-clock.js";

const keepAlivePath = "/etcdserverpb.Lease/LeaseKeepAlive";

/** Lets what was sent arrive and be answered: a call on the same connection comes after it. */
async function settle(client: ReturnType<typeof buildClient>): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await client.text.get("settle");
}

describe("Leases", () => {
  it("grants, shows, lists, renews once and revokes", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const lease = await client.leases.grant(30, { id: -7n });
    expect(lease).toMatchObject({ id: -7n, ttlSeconds: 30 });
    await client.text.put("a", "1", { lease: lease.id });
    expect(await client.leases.state(-7n, { keys: true })).toMatchObject({ remainingSeconds: 30, grantedSeconds: 30 });
    expect(await client.leases.keepAliveOnce(-7n)).toBe(30);
    await client.leases.revoke(-7n);
    expect(await client.text.get("a")).toBeUndefined();
    expect(await client.leases.state(-7n)).toMatchObject({ remainingSeconds: undefined, grantedSeconds: 0 });
    expect(await errorOf(client.leases.keepAliveOnce(-7n))).toMatchObject({ code: "etcd/lease-not-found" });
    expect(await errorOf(client.leases.revoke(-7n))).toMatchObject({ code: "etcd/lease-not-found", mayHaveRun: false });
  });
});

describe("HeldLease", () => {
  it("is renewed three times in its life", async () => {
    await using member = await FakeMember.start();
    const clock = new ManualClock();
    await using client = buildClient(member, {}, { clock });
    const lease = await client.leases.hold({ ttlSeconds: 9 });
    await settle(client);
    for (let turn = 0; turn < 20; turn += 1) {
      clock.advance(3_000);
      await settle(client);
    }
    expect(clock.nowMs()).toBe(60_000);
    expect(lease.isLost).toBe(false);
    expect(member.count(keepAlivePath)).toBe(1);
    await lease.release();
    await lease.release();
    expect(member.store.leases.size).toBe(0);
    expect(member.count("/etcdserverpb.Lease/LeaseRevoke")).toBe(1);
  });

  it("is lost when it was revoked elsewhere", async () => {
    await using member = await FakeMember.start();
    const clock = new ManualClock();
    await using client = buildClient(member, {}, { clock });
    const lost: ClientError[] = [];
    const lease = await client.leases.hold({ ttlSeconds: 9, onLost: (error) => lost.push(error) });
    await settle(client);
    await client.leases.revoke(lease.id);
    clock.advance(3_000);
    await until(() => lease.isLost);
    expect(lost.map((error) => error.code)).toEqual(["client/lease-lost"]);
    expect(lost[0]?.message).toContain("expired or was revoked");
    expect(lease.signal.reason).toBe(lost[0]);
    await lease.release(); // nothing is left to be done
    expect(member.count("/etcdserverpb.Lease/LeaseRevoke")).toBe(1);
  });

  it("is lost when its whole time has passed without a confirmed renewal, and not before", async () => {
    await using member = await FakeMember.start();
    const clock = new ManualClock();
    await using client = buildClient(member, {}, { clock });
    member.answersKeepAlives = false;
    const lease = await client.leases.hold({ ttlSeconds: 9, onLost: () => {} });
    for (let turn = 0; turn < 8; turn += 1) {
      clock.advance(1_000);
      await settle(client);
    }
    clock.advance(999);
    expect(lease.isLost).toBe(false);
    clock.advance(1);
    expect(lease.isLost).toBe(true);
    // Silence is answered with another stream: the connection may be the fault.
    expect(member.count(keepAlivePath)).toBeGreaterThan(1);
  });

  it("outlives broken connections", async () => {
    await using member = await FakeMember.start();
    await using proxy = await FaultyProxy.start(member.port);
    const clock = new ManualClock();
    await using client = buildClient(proxy, {}, { clock });
    const lease = await client.leases.hold({ ttlSeconds: 9, onLost: () => {} });
    await settle(client);
    for (let turn = 1; turn <= 10; turn += 1) {
      proxy.reset();
      await until(() => {
        clock.advance(1);
        return member.count(keepAlivePath) > turn;
      });
      await settle(client);
      clock.advance(2_900);
      await settle(client);
    }
    expect(lease.isLost).toBe(false);
    expect(clock.nowMs()).toBeGreaterThan(27_000);
  });

  it("that is lost unheard ends in an unhandled rejection", async () => {
    await using member = await FakeMember.start();
    const clock = new ManualClock();
    await using client = buildClient(member, {}, { clock });
    member.answersKeepAlives = false;
    const unhandled: unknown[] = [];
    const others = process.listeners("unhandledRejection");
    process.removeAllListeners("unhandledRejection");
    process.on("unhandledRejection", (reason) => unhandled.push(reason));
    try {
      await client.leases.hold({ ttlSeconds: 2 });
      clock.advance(2_000);
      await until(() => unhandled.length > 0);
    } finally {
      process.removeAllListeners("unhandledRejection");
      for (const other of others) process.on("unhandledRejection", other);
    }
    expect(unhandled).toMatchObject([{ code: "client/lease-lost" }]);
  });

  it("is told when the client is closed", async () => {
    await using member = await FakeMember.start();
    const client = buildClient(member);
    const onLost = vi.fn();
    const lease = await client.leases.hold({ ttlSeconds: 60, onLost });
    const quiet = await client.leases.hold({ ttlSeconds: 60 });
    client.close();
    expect(onLost.mock.calls).toMatchObject([[{ code: "client/closed" }]]);
    expect([lease.isLost, quiet.isLost]).toEqual([true, true]);
  });

  it("takes over a lease that is there", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const { id } = await client.leases.grant(60);
    const lease = await client.leases.keepAlive(id);
    expect(lease).toMatchObject({ id, ttlSeconds: 60 });
    lease.abandon();
    expect(member.store.leases.size).toBe(1);
    expect(await errorOf(client.leases.keepAlive(12n))).toMatchObject({ code: "etcd/lease-not-found" });
  });
});
