import type { Revision } from "@quorate/common";
import { describe, expect, it } from "vitest";
import { WatchHub, type WatchHubOptions } from "../../src/watch/watch-hub.js";
import { buildRequest, FakeSink, keyRange, spanRange } from "./fake-sink.js";
import { FakeStore } from "./fake-store.js";

function build(options: Partial<WatchHubOptions> = {}, revisions = 0) {
  const store = new FakeStore();
  const hub = new WatchHub<string>(store, options);
  for (let i = 2; i < 2 + revisions; i++) hub.publish(store.commit(["a", `v${i}`]));
  return { store, hub, sink: new FakeSink() };
}

const revisionsOf = (sink: FakeSink): [number, number][] =>
  sink.batches.splice(0).map(({ batch }) => [batch.firstRevision, batch.lastRevision]);

describe("advance", () => {
  it("delivers at most 1000 revisions in a batch", () => {
    const { hub, sink } = build({}, 2_500);
    hub.add(buildRequest(sink, { start: 2 }));
    expect([hub.advance(), hub.advance(), hub.advance()]).toEqual(["more", "more", "idle"]);
    expect(revisionsOf(sink)).toEqual([
      [2, 1001],
      [1002, 2001],
      [2002, 2501],
    ]);
  });

  it("ends a batch when its bytes are over, but never inside a revision", () => {
    const { store, hub, sink } = build({ bytesMax: 100 });
    const value = "x".repeat(60);
    for (let i = 0; i < 3; i++) hub.publish(store.commit(["a", value], ["b", value], ["c", value]));
    hub.add(buildRequest(sink, { start: 2, range: spanRange("a") }));
    expect(hub.advance(10)).toBe("idle");
    expect(sink.batches.map(({ events }) => events.length)).toEqual([3, 3, 3]);
  });

  it("does as many slices as it is told", () => {
    const { store, hub, sink } = build({ revisionsMax: 10 }, 100);
    hub.add(buildRequest(sink, { start: 2 }));
    expect(hub.advance(0)).toBe("more");
    expect(hub.advance(4)).toBe("more");
    expect(store.historyReads).toBe(4);
    expect(revisionsOf(sink).at(-1)).toEqual([32, 41]);
  });

  it("lets those near the end pass one that has far to go", () => {
    const { hub, sink } = build({ revisionsMax: 10 }, 100);
    const far = hub.add(buildRequest(sink, { handle: "far", start: 2 }));
    const near = hub.add(buildRequest(sink, { handle: "near", start: 100 }));
    hub.advance(2);
    expect([far, near].map((each) => hub.isSynced(each))).toEqual([false, true]);
    expect(hub.advance(20)).toBe("idle");
    expect(hub.isSynced(far)).toBe(true);
  });

  it("gets a watcher of a key that never changed to the end without a delivery", () => {
    const { hub, sink } = build({ revisionsMax: 10 }, 35);
    const watcher = hub.add(buildRequest(sink, { start: 2, range: keyRange("z") }));
    expect(hub.advance(4)).toBe("idle");
    expect(hub.isSynced(watcher)).toBe(true);
    expect(sink.batches).toEqual([]);
  });

  it("has the store's revision in the header, and previous records as far as they are kept", () => {
    const { store, hub, sink } = build({}, 4);
    store.compact(4);
    hub.add(buildRequest(sink, { start: 4, previous: true }));
    hub.advance();
    expect(sink.take()).toEqual(["w@5: put a=v4 4/2/3, put a=v5 5/2/4 was a=v4 4/2/3"]);
  });
});

describe("compaction", () => {
  it("ends a watcher that needs older revisions, once, and leaves it unsynced", () => {
    const { store, hub, sink } = build({}, 8);
    store.compact(5);
    const lost = hub.add(buildRequest(sink, { handle: "lost", start: 4 }));
    const kept = hub.add(buildRequest(sink, { handle: "kept", start: 5 }));
    expect(sink.compactions).toEqual([]);
    for (let i = 0; i < 3; i++) expect(hub.advance()).toBe("idle");
    hub.publish(store.commit(["a", "x"]));
    expect(sink.compactions).toEqual([{ handle: "lost", revision: 5 }]);
    expect([...new Set(sink.batches.map(({ handle }) => handle))]).toEqual(["kept"]);
    expect([lost, kept].map((each) => hub.isSynced(each))).toEqual([false, true]);
    expect(hub.stats()).toMatchObject({ watchers: 2, slowWatchers: 0, compactedWatchers: 1 });
  });

  it("does not disturb those that are synced", () => {
    const { store, hub, sink } = build({}, 3);
    hub.add(buildRequest(sink));
    store.compact(4);
    hub.publish(store.commit(["b", "x"]));
    store.compact(5);
    hub.advance();
    hub.publish(store.commit(["a", "y"]));
    expect(sink.compactions).toEqual([]);
    expect(sink.take()).toEqual(["w@6: put a=y 6/2/4"]);
  });

  it("ends one whose sink was full for too long, as soon as there is room to say more", () => {
    const { store, hub, sink } = build({}, 1);
    hub.add(buildRequest(sink));
    sink.room = 0;
    for (let i = 0; i < 5; i++) hub.publish(store.commit(["a", "x"]));
    store.compact(store.revision);
    expect(hub.advance()).toBe("waiting");
    sink.room = 1;
    expect(hub.advance()).toBe("idle");
    expect(sink.compactions).toEqual([{ handle: "w", revision: 7 as Revision }]);
    expect(sink.batches).toEqual([]);
    expect(hub.stats()).toMatchObject({ slowWatchers: 0, compactedWatchers: 1, pendingEvents: 0 });
  });
});

describe("a full sink", () => {
  it("loses nothing and repeats nothing, and does not hold up others", () => {
    const { store, hub, sink } = build();
    const other = new FakeSink();
    const slow = hub.add(buildRequest(sink));
    const quick = hub.add(buildRequest(other, { handle: "quick" }));
    sink.room = 1;
    for (let i = 2; i <= 5; i++) hub.publish(store.commit(["a", `v${i}`]));
    expect(sink.refused).toBe(1);
    expect([slow, quick].map((each) => hub.isSynced(each))).toEqual([false, true]);
    expect(other.take()).toHaveLength(4);
    expect(hub.stats()).toMatchObject({ slowWatchers: 1, pendingEvents: 1 });
    expect(hub.advance()).toBe("waiting");
    expect(store.historyReads).toBe(0);
    sink.room = 5;
    expect(hub.advance()).toBe("idle");
    hub.publish(store.commit(["a", "v6"]));
    expect(sink.take()).toEqual([
      "w@2: put a=v2 2/2/1",
      "w@5: put a=v3 3/2/2, put a=v4 4/2/3, put a=v5 5/2/4",
      "w@6: put a=v6 6/2/5",
    ]);
    expect(hub.stats()).toMatchObject({ slowWatchers: 0, pendingEvents: 0, eventsTotal: 10 });
  });

  it("is not asked again, and no history is read for it, until it has room", () => {
    const { store, hub, sink } = build({}, 50);
    sink.room = 0;
    for (let i = 0; i < 10; i++) hub.add(buildRequest(sink, { start: 2 }));
    expect(hub.advance(5)).toBe("waiting");
    const { refused } = sink;
    const { historyReads } = store;
    for (let i = 0; i < 5; i++) expect(hub.advance(5)).toBe("waiting");
    expect([sink.refused, store.historyReads]).toEqual([refused, historyReads]);
    sink.room = 4;
    expect(hub.advance(5)).toBe("waiting");
    expect(sink.batches).toHaveLength(4);
    sink.room = 6;
    expect(hub.advance(5)).toBe("idle");
    expect(hub.stats()).toMatchObject({ slowWatchers: 0, pendingEvents: 0, eventsTotal: 500 });
  });

  it("that refuses in the middle of history goes on where it was", () => {
    const { hub, sink } = build({ revisionsMax: 10 }, 30);
    hub.add(buildRequest(sink, { start: 2 }));
    sink.room = 1;
    expect(hub.advance(10)).toBe("waiting");
    sink.room = 1;
    expect(hub.advance(10)).toBe("waiting");
    sink.room = 1;
    expect(hub.advance(10)).toBe("idle");
    expect(revisionsOf(sink)).toEqual([
      [2, 11],
      [12, 21],
      [22, 31],
    ]);
  });
});
