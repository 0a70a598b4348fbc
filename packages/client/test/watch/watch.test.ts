import { describe, expect, it } from "vitest";
import { between, everything, prefix, type WatchEvent } from "../../src/index.js";
import { buildClient, errorOf, until } from "../build.js";
import { FakeMember } from "../fake/fake-member.js";
import { FakeStore } from "../fake/fake-store.js";
import { FaultyProxy } from "../fake/proxy.js";

const watchPath = "/etcdserverpb.Watch/Watch";
const bytesOf = (value: string) => Buffer.from(value);

/** Reads so many events and leaves. */
async function take<T>(events: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  if (count === 0) return taken;
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

const shown = (event: WatchEvent<string, string>) => `${event.type} ${event.key} ${event.revision}`;

describe("Watch", () => {
  it("gives what happens after it is ready, and ends with the loop that reads it", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    await client.text.put("a/0", "before");
    const watch = client.text.watch(prefix("a/"));
    expect(await watch.ready).toBe(2n);
    await client.text.put("a/1", "1");
    await client.text.put("b", "not watched");
    await client.text.delete("a/0");
    const events = await take(watch, 2);
    expect(events.map(shown)).toEqual(["put a/1 3", "delete a/0 5"]);
    expect(events[0]).toMatchObject({ isCreate: true, entry: { value: "1", version: 1n }, previous: undefined });
    await until(() => member.watchStreams.size === 0);
  });

  it("begins with a revision of the past, with previous values and one kind of event if asked to", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    await client.text.put("a", "1");
    await client.text.put("a", "2");
    await client.text.delete("a");
    const puts = await take(client.text.watch("a", { startRevision: 3n, previous: true, only: "put" }), 1);
    expect(puts[0]).toMatchObject({ revision: 3n, entry: { value: "2" }, previous: { value: "1" }, isCreate: false });
    const deletes = await take(client.text.watch("a", { startRevision: 1n, previous: true, only: "delete" }), 1);
    expect(deletes[0]).toMatchObject({ revision: 4n, previous: { value: "2" } });
  });

  it("gives events that belong to one revision in one batch", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    member.splitsWatchAnswers = true;
    const { op } = client.text;
    const watch = client.text.watch(prefix("a"), { fragment: true });
    await watch.ready;
    await client.txn({ success: [op.put("a1", ""), op.put("a2", ""), op.put("a3", "")] });
    const [batch] = await take(watch.batches(), 1);
    expect(batch?.events.map(shown)).toEqual(["put a1 2", "put a2 2", "put a3 2"]);
  });

  it("loses nothing that happens between its beginning and its first event", async () => {
    await using member = await FakeMember.start();
    await using proxy = await FaultyProxy.start(member.port);
    await using client = buildClient(proxy);
    const watch = client.text.watch("a");
    await watch.ready;
    proxy.refuse(true);
    proxy.reset();
    await until(() => member.watchStreams.size === 0);
    member.store.put({ key: bytesOf("a"), value: bytesOf("while away") });
    proxy.refuse(false);
    expect((await take(watch, 1)).map(shown)).toEqual(["put a 2"]);
  });

  it("goes on at another member", async () => {
    const store = new FakeStore();
    const [first, second] = [await FakeMember.start({ store }), await FakeMember.start({ store })];
    await using client = buildClient([first, second]);
    const watch = client.text.watch("a");
    await watch.ready;
    store.put({ key: bytesOf("a") });
    (first.watchStreams.size > 0 ? first : second).stop();
    await until(() => first.watchStreams.size + second.watchStreams.size === 1);
    store.put({ key: bytesOf("a") });
    expect((await take(watch, 2)).map(shown)).toEqual(["put a 2", "put a 3"]);
    first.stop();
    second.stop();
  });

  it("refuses to go on in another cluster", async () => {
    const first = await FakeMember.start();
    await using client = buildClient(first);
    const watch = client.text.watch("a");
    await watch.ready;
    first.stop();
    await using other = await FakeMember.start({ store: new FakeStore(0xbadn), port: first.port });
    expect(await errorOf(take(watch, 1))).toMatchObject({ code: "client/other-cluster" });
    expect(other.count(watchPath)).toBe(1);
  });

  it("reports compaction with the revision from which it can go on", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    for (let index = 0; index < 5; index += 1) await client.text.put("a", String(index));
    await client.maintenance.compact(4n);
    const watch = client.text.watch("a", { startRevision: 2n });
    const error = await errorOf(take(watch, 1));
    expect(error).toMatchObject({
      code: "etcd/compacted",
      compactRevision: 4n,
      mayHaveRun: false,
      header: { revision: expect.any(BigInt) },
    });
    expect((await take(client.text.watch("a", { startRevision: 4n }), 3)).map(shown)).toEqual([
      "put a 4",
      "put a 5",
      "put a 6",
    ]);
  });

  it("reports a compaction that it slept through", async () => {
    await using member = await FakeMember.start();
    await using proxy = await FaultyProxy.start(member.port);
    await using client = buildClient(proxy);
    const watch = client.text.watch("a");
    await watch.ready;
    proxy.refuse(true);
    proxy.reset();
    await until(() => member.watchStreams.size === 0);
    for (let index = 0; index < 5; index += 1) member.store.put({ key: bytesOf("a") });
    member.store.compact(5n);
    proxy.refuse(false);
    expect(await errorOf(take(watch, 1))).toMatchObject({ code: "etcd/compacted", compactRevision: 5n });
  });

  it("knows from progress notices what need not be read again", async () => {
    await using member = await FakeMember.start();
    await using proxy = await FaultyProxy.start(member.port);
    await using client = buildClient(proxy);
    const watch = client.text.watch("a", { progress: true });
    await watch.ready;
    for (let index = 0; index < 5; index += 1) member.store.put({ key: bytesOf("b") });
    for (const stream of member.watchStreams) stream.progress();
    expect(await take(watch.batches(), 0)).toEqual([]);
    const reader = watch.batches();
    expect((await reader.next()).value).toMatchObject({ events: [], header: { revision: 6n } });
    member.store.compact(6n);
    proxy.reset();
    await until(() => member.count(watchPath) === 2 && member.watchStreams.size === 1);
    member.store.put({ key: bytesOf("a") });
    const batch = (await reader.next()).value;
    expect(batch?.events.map(shown)).toEqual(["put a 7"]);
    expect(watch.resumeRevision).toBe(7n);
    watch.cancel();
    expect(watch.resumeRevision).toBe(7n); // the last batch is not known to be dealt with
  });

  it("answers a request for progress", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const watch = client.text.watch("a", { progress: true });
    await watch.ready;
    watch.requestProgress();
    expect(await take(watch.batches(), 1)).toMatchObject([
      { events: [], header: { revision: 1n, clusterId: 0xc1a5_0000_0000_0001n } },
    ]);
  });

  it("leaves what a slow reader does not take in the history of the member", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const watch = client.text.watch("a", { bufferedEventsMax: 10 });
    await watch.ready;
    const other = client.text.watch("a");
    await other.ready;
    const beside = take(other, 500);
    for (let index = 0; index < 500; index += 1) member.store.put({ key: bytesOf("a") });
    await beside;
    const watchers = () => [...member.watchStreams].reduce((sum, stream) => sum + stream.size, 0);
    await until(() => watchers() === 0); // one was read to its end, the other one is suspended
    const events = await take(watch, 500);
    expect(events.map((event) => Number(event.revision))).toEqual(Array.from({ length: 500 }, (_, index) => index + 2));
  });

  it("shares one stream with others that want the same of it", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const watches = Array.from({ length: 20 }, (_, index) => client.text.watch(`k${index}`));
    await Promise.all(watches.map((watch) => watch.ready));
    const strict = client.text.watch("k0", { hasLeader: true });
    await strict.ready;
    expect(member.count(watchPath)).toBe(2);
    expect(member.calls.map(({ metadata }) => metadata.get("hasleader")[0])).toEqual([undefined, "true"]);
    for (const watch of watches) watch.cancel();
    await until(() => member.watchStreams.size === 1);
  });

  it("throws what a member refuses", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const watch = client.text.watch(between("b", "a"));
    expect(await errorOf(watch.ready)).toMatchObject({ code: "etcd/watch-range-empty" });
    expect(await errorOf(take(watch, 1))).toMatchObject({ code: "etcd/watch-range-empty" });
  });

  it("ends with its signal, its time, its client, and when nobody can be reached for too long", async () => {
    await using member = await FakeMember.start();
    const client = buildClient(member);
    const controller = new AbortController();
    const bySignal = errorOf(take(client.text.watch("a", { signal: controller.signal }), 1));
    const byTime = errorOf(take(client.text.watch("a", { timeoutMs: 5 }), 1));
    const byClose = errorOf(take(client.text.watch("a"), 1));
    expect(await byTime).toMatchObject({ code: "client/deadline" });
    controller.abort();
    expect(await bySignal).toMatchObject({ code: "client/aborted" });
    client.close();
    expect(await byClose).toMatchObject({ code: "client/closed" });

    const gone = await FakeMember.start();
    gone.stop();
    await using lonely = buildClient(gone);
    const byLoneliness = errorOf(take(lonely.text.watch("a", { giveUpAfterMs: 0 }), 1));
    expect(await byLoneliness).toMatchObject({ code: "client/unreachable" });
  });

  it("gets a new token when a member does not know its own", async () => {
    await using member = await FakeMember.start();
    member.password = "secret";
    await using client = buildClient(member, { credentials: { user: "ann", password: "secret" } });
    await client.text.put("a", "1");
    member.validToken = "token-1";
    const watch = client.text.watch("a", { startRevision: 2n });
    expect((await take(watch, 1)).map(shown)).toEqual(["put a 2"]);
    expect(member.count("/etcdserverpb.Auth/Authenticate")).toBe(2);
  });

  it("decodes whatever key there is, or says that it cannot", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    member.store.put({ key: new Uint8Array([0xff]) });
    expect(await errorOf(take(client.text.watch(everything, { startRevision: 1n }), 1))).toMatchObject({
      code: "client/bad-value",
    });
  });
});
