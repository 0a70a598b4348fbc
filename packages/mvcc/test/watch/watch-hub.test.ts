import type { Revision } from "@quorate/common";
import { describe, expect, it } from "vitest";
import { WatchHub } from "../../src/watch/watch-hub.js";
import { buildRequest, FakeSink, keyRange, spanRange } from "./fake-sink.js";
import { FakeStore, type Write } from "./fake-store.js";

function build() {
  const store = new FakeStore();
  const hub = new WatchHub<string>(store);
  const sink = new FakeSink();
  const commit = (...writes: Write[]): void => hub.publish(store.commit(...writes));
  return { store, hub, sink, commit };
}

describe("publish", () => {
  it("brings an event to a watcher of the key, and to nobody else", () => {
    const { hub, sink, commit } = build();
    hub.add(buildRequest(sink));
    hub.add(buildRequest(sink, { handle: "other", range: keyRange("b") }));
    commit(["a", "1"]);
    expect(sink.take()).toEqual(["w@2: put a=1 2/2/1"]);
    commit(["a", undefined]);
    commit(["aa", "x"], ["c", "x"]);
    expect(sink.take()).toEqual(["w@3: delete a 3"]);
  });

  it("matches spans: start included, end not, open ends, the empty key, nothing in an empty span", () => {
    const { hub, sink, commit } = build();
    const spans = {
      ab: ["a", "b"],
      from: ["b", undefined],
      all: ["", undefined],
      none: ["b", "b"],
      turned: ["c", "a"],
    } as const;
    for (const [handle, [start, end]] of Object.entries(spans)) {
      hub.add(buildRequest(sink, { handle, range: spanRange(start, end) }));
    }
    const seenBy = (key: string): string[] => {
      commit([key, "1"]);
      return sink
        .take()
        .map((line) => line.split("@")[0] as string)
        .sort();
    };
    expect(seenBy("a")).toEqual(["ab", "all"]);
    expect(seenBy("a\u00ff")).toEqual(["ab", "all"]);
    expect(seenBy("b")).toEqual(["all", "from"]);
    expect(seenBy("\u00ff\u00ff")).toEqual(["all", "from"]);
    expect(seenBy("")).toEqual(["all"]);
  });

  it("puts all events of a revision into one batch, in order", () => {
    const { hub, sink, commit } = build();
    hub.add(buildRequest(sink, { range: spanRange("a", "z") }));
    commit(["b", "0"]);
    sink.take();
    commit(["c", "1"], ["b", undefined], ["zz", "no"], ["a", "2"]);
    expect(sink.take()).toEqual(["w@3: put c=1 3/3/1, delete b 3, put a=2 3/3/1"]);
  });

  it("makes one batch for each revision of an entry", () => {
    const { store, hub, sink } = build();
    hub.publish(store.commit(["a", "1"], ["b", "1"], ["c", "1"]));
    hub.add(buildRequest(sink, { range: spanRange("a") }));
    hub.publish(
      store.commitMany([
        [
          ["a", undefined],
          ["b", undefined],
        ],
        [["c", undefined]],
      ]),
    );
    expect(sink.take()).toEqual(["w@3: delete a 3, delete b 3", "w@4: delete c 4"]);
  });

  it("leaves out what filters drop, and a batch that is empty then", () => {
    const { hub, sink, commit } = build();
    const all = spanRange("");
    hub.add(buildRequest(sink, { handle: "noPut", range: all, filters: { noPut: true, noDelete: false } }));
    hub.add(buildRequest(sink, { handle: "noDelete", range: all, filters: { noPut: false, noDelete: true } }));
    hub.add(buildRequest(sink, { handle: "nothing", range: all, filters: { noPut: true, noDelete: true } }));
    commit(["a", "1"]);
    expect(sink.take()).toEqual(["noDelete@2: put a=1 2/2/1"]);
    commit(["a", undefined]);
    expect(sink.take()).toEqual(["noPut@3: delete a 3"]);
    commit(["b", "1"], ["c", "1"]);
    commit(["b", undefined], ["c", "2"]);
    expect(sink.take()).toEqual([
      "noDelete@4: put b=1 4/4/1, put c=1 4/4/1",
      "noPut@5: delete b 5",
      "noDelete@5: put c=2 5/4/2",
    ]);
  });

  it("fills in the previous record where asked for, never at a creation", () => {
    const { store, hub, sink, commit } = build();
    hub.add(buildRequest(sink, { previous: true }));
    commit(["a", "1"]);
    expect(store.previousReads).toBe(0);
    commit(["a", "2"]);
    commit(["a", undefined]);
    commit(["a", "3"]);
    expect(sink.take()).toEqual([
      "w@2: put a=1 2/2/1",
      "w@3: put a=2 3/2/2 was a=1 2/2/1",
      "w@4: delete a 4 was a=2 3/2/2",
      "w@5: put a=3 5/5/1",
    ]);
  });

  it("refuses revisions that do not follow the last one", () => {
    const { store, hub } = build();
    const first = store.commit(["a", "1"]);
    const second = store.commit(["a", "2"]);
    expect(() => hub.publish(second)).toThrow("every revision is published once, in order");
    const other = new WatchHub<string>(new FakeStore());
    other.publish(first);
    expect(() => other.publish(first)).toThrow("every revision is published once, in order");
  });

  it("flushes each sink that got something, once", () => {
    const { hub, sink, commit } = build();
    const idle = new FakeSink();
    for (let i = 0; i < 5; i++) hub.add(buildRequest(sink));
    hub.add(buildRequest(idle, { range: keyRange("b") }));
    commit(["a", "1"]);
    commit(["a", "2"]);
    expect([sink.flushes, idle.flushes]).toEqual([2, 0]);
  });
});

describe("sharing", () => {
  it("encodes an event once for a thousand watchers of its key", () => {
    const { hub, sink, commit } = build();
    for (let i = 0; i < 1000; i++) hub.add(buildRequest(sink, { handle: String(i) }));
    commit(["a", "1"]);
    expect(sink.batches).toHaveLength(1000);
    expect(new Set(sink.batches.map(({ batch }) => batch.bytes)).size).toBe(1);
    expect(hub.stats()).toMatchObject({ watchers: 1000, eventsTotal: 1000, encodedTotal: 1 });
  });

  it("encodes it twice when some want the previous record, and reads that record once", () => {
    const { store, hub, sink, commit } = build();
    commit(["a", "1"]);
    for (let i = 0; i < 1000; i++) {
      hub.add(buildRequest(sink, { previous: i % 2 === 0, range: i % 3 === 0 ? spanRange("a", "b") : keyRange("a") }));
    }
    commit(["a", "2"]);
    expect(new Set(sink.batches.map(({ batch }) => batch)).size).toBe(2);
    expect(hub.stats().encodedTotal).toBe(2);
    expect(store.previousReads).toBe(1);
  });

  it("joins equal lists of many events, whatever ranges and filters they come from", () => {
    const { hub, sink, commit } = build();
    for (let i = 0; i < 300; i++) {
      hub.add(
        buildRequest(sink, {
          handle: "both",
          range: spanRange("a", i % 2 === 0 ? "c" : "b\u0000"),
          filters: { noPut: false, noDelete: i % 4 === 0 },
        }),
      );
      hub.add(buildRequest(sink, { handle: "one", range: keyRange("b") }));
    }
    commit(["a", "1"], ["x", "1"], ["b", "1"]);
    const bytes = (handle: string) =>
      new Set(sink.batches.filter((each) => each.handle === handle).map(({ batch }) => batch.bytes));
    expect([bytes("both").size, bytes("one").size]).toEqual([1, 1]);
    expect(hub.stats()).toMatchObject({ eventsTotal: 900, encodedTotal: 2 });
    const [list] = sink.batches;
    expect(list?.batch.byteLength).toBe(list?.batch.bytes.length);
    expect(Buffer.concat(list?.batch.parts ?? [])).toEqual(list?.batch.bytes);
  });

  it("does not encode what nobody watches", () => {
    const { hub, sink, commit } = build();
    hub.add(buildRequest(sink));
    for (let i = 0; i < 100; i++) commit([`k${i}`, "1"]);
    expect(hub.stats().encodedTotal).toBe(0);
  });

  it("reads history once for up to 512 watchers that are behind", () => {
    const { store, hub, sink, commit } = build();
    for (let i = 0; i < 10; i++) commit(["a", String(i)]);
    for (let i = 0; i < 600; i++) hub.add(buildRequest(sink, { start: 2 + (i % 9) }));
    expect(hub.advance(1)).toBe("more");
    expect([store.historyReads, hub.stats().slowWatchers]).toEqual([1, 88]);
    expect(hub.advance(1)).toBe("idle");
    expect([store.historyReads, hub.stats().slowWatchers]).toEqual([2, 0]);
    expect(hub.stats().encodedTotal).toBeLessThanOrEqual(20);
  });
});

describe("start revision", () => {
  it("in the past: history first, then live, without gap or repetition", () => {
    const { hub, sink, commit } = build();
    for (let i = 2; i <= 6; i++) commit(["a", `v${i}`]);
    const watcher = hub.add(buildRequest(sink, { start: 4 }));
    commit(["a", "v7"]);
    expect(sink.take()).toEqual([]);
    expect(hub.isSynced(watcher)).toBe(false);
    expect(hub.advance()).toBe("idle");
    expect(hub.isSynced(watcher)).toBe(true);
    commit(["a", "v8"]);
    expect(sink.take()).toEqual([
      "w@7: put a=v4 4/2/3, put a=v5 5/2/4, put a=v6 6/2/5, put a=v7 7/2/6",
      "w@8: put a=v8 8/2/7",
    ]);
  });

  it("equal to the present one: that revision comes first", () => {
    const { hub, sink, commit } = build();
    commit(["a", "1"]);
    hub.add(buildRequest(sink, { start: 2 }));
    hub.advance();
    expect(sink.take()).toEqual(["w@2: put a=1 2/2/1"]);
  });

  it("in the future: nothing before it, and not synced until it is reached", () => {
    const { hub, sink, commit } = build();
    const watcher = hub.add(buildRequest(sink, { start: 4 }));
    const next = hub.add(buildRequest(sink, { handle: "next", start: 2, range: keyRange("b") }));
    const now = hub.add(buildRequest(sink, { handle: "now", range: keyRange("b") }));
    expect(hub.advance()).toBe("idle");
    expect([watcher, next, now].map((each) => hub.isSynced(each))).toEqual([false, false, true]);
    commit(["a", "1"]);
    expect([watcher, next, now].map((each) => hub.isSynced(each))).toEqual([false, true, true]);
    commit(["a", "2"]);
    expect(sink.take()).toEqual([]);
    commit(["a", "3"]);
    expect(hub.isSynced(watcher)).toBe(true);
    expect(sink.take()).toEqual(["w@4: put a=3 4/2/3"]);
  });

  it("is told with the watcher", () => {
    const { hub, sink, commit } = build();
    commit(["a", "1"]);
    expect(hub.add(buildRequest(sink)).startRevision).toBe(3);
    expect(hub.add(buildRequest(sink, { start: 2 })).startRevision).toBe(2);
  });
});

describe("remove", () => {
  it("ends deliveries, from any state, and may be repeated", () => {
    const { store, hub, sink, commit } = build();
    for (let i = 0; i < 3; i++) commit(["a", "x"]);
    const full = new FakeSink();
    full.room = 0;
    const watchers = [
      hub.add(buildRequest(sink)),
      hub.add(buildRequest(sink, { range: spanRange("a", "b") })),
      hub.add(buildRequest(full)),
    ];
    commit(["a", "y"]);
    store.compact(4);
    watchers.push(hub.add(buildRequest(sink, { start: 2 })));
    hub.advance();
    watchers.push(hub.add(buildRequest(sink, { start: 4 })));
    expect(hub.stats()).toMatchObject({ watchers: 5, slowWatchers: 2, compactedWatchers: 1, pendingEvents: 1 });
    sink.take();
    for (const watcher of [...watchers, ...watchers]) hub.remove(watcher);
    full.room = 10;
    commit(["a", "z"]);
    expect(hub.advance()).toBe("idle");
    expect([...sink.take(), ...full.take()]).toEqual([]);
    expect(watchers.map((each) => hub.isSynced(each))).toEqual([false, false, false, false, false]);
    expect(hub.stats()).toMatchObject({ watchers: 0, slowWatchers: 0, compactedWatchers: 0, pendingEvents: 0 });
  });

  it("may be called by a sink while events are delivered, live and from history", () => {
    for (const start of [undefined, 2]) {
      const { hub, sink, commit } = build();
      const watchers = [0, 1, 2, 3].map((i) => hub.add(buildRequest(sink, { handle: String(i) })));
      if (start !== undefined) {
        commit(["a", "0"]);
        sink.take();
        for (const watcher of watchers.splice(0)) hub.remove(watcher);
        for (const i of [0, 1, 2, 3]) watchers.push(hub.add(buildRequest(sink, { handle: String(i), start })));
      }
      sink.onDeliver = (watcher) => {
        if (watcher.handle !== "1") return;
        for (const i of [1, 2]) hub.remove(watchers[i] as (typeof watchers)[number]);
        hub.add(buildRequest(sink, { handle: "new" }));
      };
      if (start === undefined) commit(["a", "1"]);
      else hub.advance();
      expect(sink.take().map((line) => line[0])).toEqual(["0", "1", "3"]);
      expect(hub.advance()).toBe("idle");
      commit(["a", "2"]);
      expect(
        sink
          .take()
          .map((line) => line[0])
          .sort(),
      ).toEqual(["0", "3", "n"]);
    }
  });
});

describe("restore", () => {
  it("goes on from the history of the new store", () => {
    const { store, hub, sink, commit } = build();
    const watcher = hub.add(buildRequest(sink));
    hub.add(buildRequest(sink, { handle: "later", start: 4 }));
    commit(["a", "2"]);
    expect(sink.take()).toEqual(["w@2: put a=2 2/2/1"]);
    const leader = new FakeStore();
    for (let i = 2; i <= 5; i++) leader.commit(["a", String(i)]);
    expect(store.revision).toBe(2);
    hub.restore(leader);
    expect(hub.isSynced(watcher)).toBe(false);
    expect(hub.advance()).toBe("idle");
    expect(sink.take()).toEqual([
      "w@5: put a=3 3/2/2, put a=4 4/2/3, put a=5 5/2/4",
      "later@5: put a=4 4/2/3, put a=5 5/2/4",
    ]);
    hub.publish(leader.commit(["a", "6"]));
    expect(sink.take()).toHaveLength(2);
  });

  it("tells watchers whose revisions the snapshot does not have", () => {
    const { hub, sink, commit } = build();
    hub.add(buildRequest(sink));
    commit(["a", "2"]);
    const leader = new FakeStore();
    for (let i = 2; i <= 9; i++) leader.commit(["a", String(i)]);
    leader.compact(6);
    hub.restore(leader);
    hub.advance();
    expect(sink.compactions).toEqual([{ handle: "w", revision: 6 as Revision }]);
  });
});
