import type { LeaseId, Revision } from "@quorate/common";
import { test } from "vitest";
import { bytesFromLatin1, type KeyRange } from "../src/key-range.js";
import type { Change, Committed } from "../src/mvcc.js";
import { encodeRecord } from "../src/record.js";
import { Slab } from "../src/slab.js";
import { WatchHub } from "../src/watch/watch-hub.js";
import type { WatchBatch, Watcher, WatchSink, WatchSource } from "../src/watch/watch-types.js";

const slab = new Slab();
const value = new Uint8Array(256);

class Store implements WatchSource {
  revision = 1 as Revision;
  readonly compactedRevision = undefined;
  readonly changes: Change[] = [];

  put(key: string): Committed {
    this.revision = (this.revision + 1) as Revision;
    const numbers = {
      createRevision: 2 as Revision,
      modRevision: this.revision,
      version: 1,
      lease: undefined as LeaseId | undefined,
    };
    const bytes = bytesFromLatin1(key);
    const record = encodeRecord(slab, bytes, value, numbers);
    const change: Change = {
      kind: "put",
      key: bytes,
      keyLatin1: key,
      revision: this.revision,
      sub: 0,
      record,
      previous: record,
    };
    return { revision: this.revision, changes: [change] };
  }

  history(from: Revision, limits: { revisionsMax: number }) {
    const changes = this.changes.slice(from - 2, from - 2 + limits.revisionsMax);
    return { changes, next: (from + changes.length) as Revision };
  }
}

class Sink implements WatchSink<number> {
  readonly isFull = false;
  bytes = 0;

  deliver(_watcher: Watcher<number>, batch: WatchBatch): boolean {
    this.bytes += batch.bytes.length;
    return true;
  }

  compacted(): void {}
}

function build(count: number, rangeOf: (i: number) => KeyRange, start?: number) {
  const store = new Store();
  const hub = new WatchHub<number>(store);
  const sinks = Array.from({ length: 10 }, () => new Sink());
  const watch = (): Watcher<number>[] =>
    Array.from({ length: count }, (_, handle) => {
      const sink = sinks[handle % 10] as Sink;
      const filters = { noPut: false, noDelete: false };
      return hub.add({
        handle,
        range: rangeOf(handle),
        startRevision: start as Revision,
        filters,
        previous: false,
        sink,
      });
    });
  return { store, hub, watch };
}

const key = (i: number): string => `key/${String(i).padStart(6, "0")}`;
const single = (i: number): KeyRange => ({ kind: "key", key: bytesFromLatin1(key(i)) });
const span = (i: number): KeyRange => ({
  kind: "span",
  start: bytesFromLatin1(key(i)),
  end: bytesFromLatin1(key(i + 1)),
});

for (const watchers of [1, 1000]) {
  test(`publish a put of 256 B, 10 streams, ${watchers} watchers of one key`, async ({ bench }) => {
    const { store, hub, watch } = build(watchers, () => single(0));
    watch();
    await bench("publish", () => hub.publish(store.put(key(0)))).run();
  });
}

for (const [name, rangeOf] of [
  ["keys", single],
  ["spans", span],
] as const) {
  test(`publish a put of 256 B, 10 streams, 1000 watchers of as many ${name}`, async ({ bench }) => {
    const { store, hub, watch } = build(1000, rangeOf);
    watch();
    let turn = 0;
    await bench("publish", () => hub.publish(store.put(key((turn++ * 7919) % 1000)))).run();
  });
}

test("catch up 512 watchers of as many keys over 10,000 revisions of 256 B", async ({ bench }) => {
  const { store, hub, watch } = build(512, single, 2);
  for (let i = 0; i < 10_000; i++) store.changes.push(...store.put(key(i % 512)).changes);
  const catchUp = (): void => {
    const watchers = watch();
    while (hub.advance() === "more");
    for (const watcher of watchers) hub.remove(watcher);
  };
  await bench("catch up", catchUp).run();
});
