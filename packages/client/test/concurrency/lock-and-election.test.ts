import { describe, expect, it } from "vitest";
import { prefix } from "../../src/index.js";
import { buildClient, errorOf, until } from "../build.js";
import { FakeMember } from "../fake/fake-member.js";

const decode = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

describe("lock", () => {
  it("is held by one at a time, in the order of asking", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const order: number[] = [];
    let holders = 0;
    const work = async (index: number) => {
      await using lock = await client.lock("jobs");
      holders += 1;
      expect(holders).toBe(1);
      order.push(Number(lock.revision));
      await client.text.put("work", String(index));
      holders -= 1;
    };
    await Promise.all([1, 2, 3, 4, 5].map(work));
    expect(order).toEqual([...order].sort((one, other) => one - other));
    expect(new Set(order).size).toBe(5);
    expect(member.store.leases.size).toBe(0);
  });

  it("stands under the key that etcd's own lock service would use", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const lock = await client.lock("jobs");
    const [id] = [...member.store.leases.keys()];
    expect(decode(lock.key)).toBe(`jobs/${id?.toString(16)}`);
    expect(await client.text.get(decode(lock.key))).toMatchObject({ createRevision: lock.revision });
    await lock.release();
    await lock.release();
  });

  it("is not waited for longer than asked, and leaves no place in the line", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const lock = await client.lock("jobs");
    expect(await errorOf(client.lock("jobs", { timeoutMs: 5 }))).toMatchObject({ code: "client/deadline" });
    const controller = new AbortController();
    const failed = errorOf(client.lock("jobs", { signal: controller.signal }));
    await until(() => member.watchStreams.size === 1); // it waits for the one before it
    controller.abort();
    expect(await failed).toMatchObject({ code: "client/aborted" });
    expect(await client.text.count(prefix("jobs/"))).toBe(1n);
    await lock.release();
  });

  it("can live with a lease that is held already, which stays", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    await using lease = await client.leases.hold({ ttlSeconds: 60 });
    const [first, second] = [await client.lock("a", { lease }), await client.lock("b", { lease })];
    await first.release();
    expect(await client.text.get(decode(first.key))).toBeUndefined();
    expect(await client.text.get(decode(second.key))).toBeDefined();
    expect(member.store.leases.size).toBe(1);
    // The same lease has the lock already: it gets it again.
    expect((await client.lock("b", { lease })).revision).toBe(second.revision);
  });

  it("fails when the lease ends while it waits", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const lock = await client.lock("jobs");
    const lease = await client.leases.hold({ ttlSeconds: 60, onLost: () => {} });
    const failed = errorOf(client.lock("jobs", { lease }));
    await until(() => member.watchStreams.size === 1);
    await client.leases.revoke(lease.id);
    await lock.release();
    expect(await failed).toMatchObject({ code: "client/lock-lost" });
    lease.abandon();
  });
});

describe("Election", () => {
  it("has one leader at a time, who says what it likes until it resigns", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const election = client.election("boss");
    expect(await election.leader()).toBeUndefined();
    await using one = await client.leases.hold({ ttlSeconds: 60 });
    await using other = await client.leases.hold({ ttlSeconds: 60 });
    const first = await election.campaign(one, "one");
    const waiting = election.campaign(other, "other");
    await first.proclaim("still one");
    expect(decode((await election.leader())?.value)).toBe("still one");
    await first.resign();
    const second = await waiting;
    expect(decode((await election.leader())?.value)).toBe("other");
    expect(second.revision).toBeGreaterThan(first.revision);
    expect(await errorOf(first.proclaim("me again"))).toMatchObject({ code: "client/not-leader" });
    await first.resign(); // of no effect on its successor
    expect(decode((await election.leader())?.value)).toBe("other");
  });

  it("shows each leader to those who observe", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const election = client.election("boss");
    const controller = new AbortController();
    const seen: string[] = [];
    const observing = (async () => {
      for await (const leader of election.observe({ signal: controller.signal })) seen.push(decode(leader.value));
    })();
    await using lease = await client.leases.hold({ ttlSeconds: 60 });
    const leadership = await election.campaign(lease, "one");
    await until(() => seen.length === 1);
    await leadership.proclaim("two");
    await until(() => seen.length === 2);
    controller.abort();
    expect(await errorOf(observing)).toMatchObject({ code: "client/aborted" });
    expect(seen).toEqual(["one", "two"]);
  });
});
