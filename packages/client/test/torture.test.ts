import { expect, it } from "vitest";
import { prefix, type WatchEvent } from "../src/index.js";
import { buildClient, until } from "./build.js";
import { FakeMember } from "./fake/fake-member.js";
import { FaultyProxy } from "./fake/proxy.js";

const faults = 200;
const bytesOf = (value: string) => Buffer.from(value);

/** The same faults in every run. */
function mistreat(proxy: FaultyProxy, turn: number): void {
  switch (turn % 5) {
    case 0:
      return proxy.cut();
    case 1:
      return proxy.reset();
    case 2:
      return proxy.delay(1 + (turn % 7));
    case 3:
      return proxy.resetAfter(1 + ((turn * 37) % 400));
    default:
      proxy.delay(2);
      return proxy.reset();
  }
}

it(`gives each event once and in order through a proxy that breaks ${faults} times`, { timeout: 30_000 }, async () => {
  await using member = await FakeMember.start();
  member.splitsWatchAnswers = true;
  await using proxy = await FaultyProxy.start(member.port);
  await using client = buildClient(proxy, { pings: { everyMs: 200, timeoutMs: 200 } });
  const { store } = member;
  const ranges = [prefix("a/"), prefix(""), "a/3"] as const;
  const seen: WatchEvent<string, string>[][] = ranges.map(() => []);
  const watches = ranges.map((range, index) => client.text.watch(range, { fragment: index === 1, startRevision: 1n }));
  const readers = watches.map(async (watch, index) => {
    for await (const event of watch) {
      seen[index]?.push(event);
      if (event.key === "end") return;
    }
  });
  const lostAt: string[] = [];
  const lease = await client.leases.hold({ ttlSeconds: 60, onLost: (error) => lostAt.push(error.message) });

  for (let turn = 0; turn < faults; turn += 1) {
    for (let write = 0; write < 3; write += 1) {
      store.put({ key: bytesOf(`a/${(turn + write) % 5}`), value: bytesOf(`${turn}.${write}`) });
    }
    if (turn % 10 === 9) store.deleteRange({ key: bytesOf("a/"), rangeEnd: bytesOf("a0") });
    await until(() => proxy.open > 0); // no fault is wasted on a connection that is gone
    mistreat(proxy, turn);
    // Half of the faults hit streams that have caught up, the others such as are being set up or are behind.
    if (turn % 2 === 0) await until(() => BigInt(seen[1]?.at(-1)?.revision ?? 0n) === store.revision);
    else await new Promise((resolve) => setImmediate(resolve));
  }
  store.put({ key: bytesOf("a/3"), value: bytesOf("last") });
  store.put({ key: bytesOf("end"), value: bytesOf("") });
  await until(() => seen.every((events) => (events.at(-1)?.revision ?? 0n) >= store.revision - 1n));
  for (const watch of watches) watch.cancel();
  await Promise.all(readers);

  const shown = (events: readonly WatchEvent<string, string>[]) =>
    events.map(
      (event) => `${event.revision} ${event.type} ${event.key} ${event.type === "put" ? event.entry.value : ""}`,
    );
  const all = store.history.map(({ type, kv }) => {
    const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();
    return `${kv?.modRevision} ${type === 0 ? "put" : "delete"} ${text(kv?.key)} ${text(kv?.value)}`;
  });
  expect(shown(seen[1] ?? [])).toEqual(all);
  expect(shown(seen[0] ?? [])).toEqual(all.filter((line) => line.includes(" a/")));
  expect(shown(seen[2] ?? [])).toEqual(all.filter((line) => line.includes(" a/3 ")));
  // Three faults of five end the connection; the delays of the others may meet one that is ending.
  expect(proxy.connections).toBeGreaterThan(faults / 2);
  expect(member.count("/etcdserverpb.Watch/Watch")).toBeGreaterThan(faults / 2);
  expect(member.count("/etcdserverpb.Lease/LeaseKeepAlive")).toBeGreaterThan(faults / 2);
  expect(lostAt).toEqual([]);
  expect(lease.isLost).toBe(false);
  await lease.release();
  expect(store.leases.size).toBe(0);
});
