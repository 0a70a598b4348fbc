import { describe, expect, it } from "vitest";
import { createClient, json, prefix, prefixed, text, type WatchEvent } from "../src/index.js";
import { errorOf } from "./build.js";
import { FaultyProxy } from "./fake/proxy.js";

// Run by hand beside a real member, with an empty directory: REAL_MEMBER_PORT=2379 vitest run test/real-member.test.ts
const port = Number(process.env.REAL_MEMBER_PORT ?? 0);
const endpoints = `http://127.0.0.1:${port}`;

// Skipped without a member: tests of this package need nothing but Node.
describe.skipIf(port === 0)("against a real member", { timeout: 60_000 }, () => {
  it("reads, writes and decides", async () => {
    await using client = createClient({ endpoints });
    await client.text.delete(prefix("real/"));
    const users = client.keyspace({ key: prefixed("real/users/", text), value: json<{ age: number }>() });
    const { op, compare } = users;
    const create = {
      if: [compare.missing("ann")],
      success: [op.put("ann", { age: 31 })],
      failure: [op.get("ann")],
    } as const;
    expect(await client.txn(create)).toMatchObject({ succeeded: true });
    expect(await client.txn(create)).toMatchObject({ succeeded: false, results: [{ value: { age: 31 } }] });
    for (let index = 0; index < 250; index += 1) await users.put(`u${index}`, { age: index });
    const counts = [0, 0];
    for await (const _entry of users.entries(prefix("u"), { pageSize: 100 })) counts[0] = (counts[0] ?? 0) + 1;
    for await (const _entry of users.stream(prefix("u"))) counts[1] = (counts[1] ?? 0) + 1;
    expect(counts).toEqual([250, 250]);
    expect(await errorOf(users.get("ann", { revision: 1n << 60n }))).toMatchObject({ code: "etcd/future-revision" });
    expect(await errorOf(users.put("ann", { age: 1 }, { lease: 12n }))).toMatchObject({ code: "etcd/lease-not-found" });
  });

  it("reports compaction to reads and watches", async () => {
    await using client = createClient({ endpoints });
    for (let index = 0; index < 5; index += 1) await client.text.put("real/c", String(index));
    const { revision } = (await client.text.read("real/c")).header;
    await client.maintenance.compact(revision);
    const watch = client.text.watch("real/c", { startRevision: revision - 2n });
    expect(await errorOf(watch.batches().next())).toMatchObject({ code: "etcd/compacted", compactRevision: revision });
    expect(await errorOf(client.text.get("real/c", { revision: 2n }))).toMatchObject({ code: "etcd/compacted" });
  });

  it("keeps leases, locks and elections", async () => {
    await using client = createClient({ endpoints });
    await using lease = await client.leases.hold({ ttlSeconds: 2 });
    await client.text.put("real/held", "", { lease: lease.id });
    const order: string[] = [];
    const first = await client.lock("real/lock");
    const second = client.lock("real/lock").then((lock) => {
      order.push("second");
      return lock;
    });
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect(await client.text.get("real/held")).toBeDefined();
    order.push("first");
    await first.release();
    await (await second).release();
    expect(order).toEqual(["first", "second"]);
    const leadership = await client.election("real/boss").campaign(lease, "me");
    await leadership.proclaim("still me");
    await leadership.resign();
  });

  it("streams a snapshot whose digest fits", async () => {
    await using client = createClient({ endpoints });
    let size = 0;
    for await (const { bytes } of client.maintenance.snapshot()) size += bytes.length;
    expect(size % 512).toBe(32);
    expect(await client.maintenance.health()).toMatchObject([{ isHealthy: true }]);
  });

  it("gives each event once through a proxy that breaks connections", async () => {
    await using proxy = await FaultyProxy.start(port);
    await using client = createClient({ endpoints: proxy.url });
    await using writer = createClient({ endpoints });
    const lost: string[] = [];
    const lease = await client.leases.hold({ ttlSeconds: 5, onLost: (error) => lost.push(error.message) });
    const watch = client.text.watch(prefix("real/t/"));
    await watch.ready;
    const seen: WatchEvent<string, string>[] = [];
    const reading = (async () => {
      for await (const event of watch) {
        seen.push(event);
        if (event.key === "real/t/end") break;
      }
    })();
    for (let index = 0; index < 200; index += 1) {
      await writer.text.put(`real/t/${index % 7}`, String(index));
      [() => proxy.cut(), () => proxy.reset(), () => proxy.delay(3), () => proxy.resetAfter(1 + index)][index % 4]?.();
      if (index % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await writer.text.put("real/t/end", "");
    await reading;
    const values = seen.map((event) => (event.type === "put" ? event.entry.value : "deleted"));
    expect(values).toEqual([...Array.from({ length: 200 }, (_, index) => String(index)), ""]);
    expect(lost).toEqual([]);
    await lease.release();
  });
});
