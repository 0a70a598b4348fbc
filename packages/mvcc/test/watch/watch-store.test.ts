import { writeFileSync } from "node:fs";
import type { Revision } from "@quorate/common";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { bytesFromLatin1 } from "../../src/key-range.js";
import type { Committed, Mvcc } from "../../src/mvcc.js";
import { WatchHub } from "../../src/watch/watch-hub.js";
import { mustOpen, nextEntry, removeScratch, scratchDirectory } from "../support/open.js";
import { buildRequest, describeRecord, FakeSink, spanRange } from "./fake-sink.js";
import { FakeStore, type Write } from "./fake-store.js";

afterEach(removeScratch);

/** The real store, and the fake one that is told the same and never compacts. */
class Pair {
  readonly fake = new FakeStore();
  readonly store: Mvcc = mustOpen();

  commit(writes: readonly Write[]): Committed {
    this.fake.commit(...writes);
    const transaction = this.store.begin(nextEntry(this.store));
    for (const [key, value] of writes) {
      const bytes = bytesFromLatin1(key);
      if (value === undefined) transaction.deleteRange({ kind: "key", key: bytes }, { wantPrevious: false });
      else transaction.put({ key: bytes, value: bytesFromLatin1(value), lease: undefined });
    }
    return transaction.commit();
  }

  compact(revision: number): void {
    const transaction = this.store.begin(nextEntry(this.store));
    transaction.compact(revision as Revision);
    transaction.commit();
  }

  /** What a watcher of the span from `a` to `d` has to see, beginning with `start`. */
  events(start: number): { type: string; kv: string; previous: string | undefined; revision: number }[] {
    const changes = this.fake.changes.filter(({ revision, keyLatin1 }) => revision >= start && keyLatin1 < "d");
    return changes.map(({ kind, record, previous, revision }) => ({
      revision,
      type: kind,
      kv: describeRecord(record),
      previous: previous === undefined ? undefined : describeRecord(previous),
    }));
  }
}

const write: fc.Arbitrary<Write> = fc.tuple(
  fc.constantFrom("a", "b", "c", "d"),
  fc.option(fc.string({ unit: "binary-ascii", maxLength: 40 }), { nil: undefined, freq: 3 }),
);
const transaction = fc.uniqueArray(write, { minLength: 1, maxLength: 3, selector: ([key]) => key });
const history = fc.array(transaction, { minLength: 20, maxLength: 60, size: "max" });

describe("WatchHub on the real store", () => {
  it("reads the same events from commits, head and body, around flushes and a compaction", async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.nat(18), async (commits, compactAt) => {
        const pair = new Pair();
        const hub = new WatchHub<string>(pair.store, { revisionsMax: 5, bytesMax: 300 });
        const sinks: { sink: FakeSink; start: number }[] = [];
        const watch = (start: number): void => {
          const sink = new FakeSink();
          sinks.push({ sink, start });
          hub.add(buildRequest(sink, { range: spanRange("a", "d"), previous: true, start }));
        };
        watch(2);
        for (const [i, writes] of commits.entries()) {
          hub.publish(pair.commit(writes));
          if (i % 9 === compactAt % 9) await pair.store.flush();
          if (i === compactAt && pair.store.revision > 4) pair.compact(pair.store.revision - 2);
          if (i % 4 === 0) watch((pair.store.compactedRevision ?? 1) + 1);
          hub.advance(3);
        }
        while (hub.advance() === "more");
        for (const { sink, start } of sinks) {
          const seen = sink.batches.flatMap(({ events }) => events);
          const wanted = pair.events(start);
          expect(sink.compactions).toEqual([]);
          expect(seen.map(({ type, kv }) => `${type} ${kv}`)).toEqual(wanted.map(({ type, kv }) => `${type} ${kv}`));
          for (const [i, { previous }] of seen.entries()) {
            // One that was behind may read the compacted revision itself after the compaction: what lies before that is gone.
            const isGone = previous === undefined && (wanted[i]?.revision ?? 0) <= (pair.store.compactedRevision ?? 0);
            if (!isGone) expect(previous).toBe(wanted[i]?.previous);
          }
        }
        await pair.store.close();
      }),
      { numRuns: 25 },
    );
  });
});

describe("WatchHub.restore after an install", () => {
  /** A store that has fallen behind by the revisions 7 to 13, and its hub. */
  async function buildLagging(compactTo: number | undefined) {
    const directory = scratchDirectory();
    const store = mustOpen({ path: `${directory}/db` });
    const ahead = new Pair();
    const hub = new WatchHub<string>(store);
    for (let i = 2; i <= 6; i++) {
      ahead.commit([["a", `${i}`]]);
      const transaction = store.begin(nextEntry(store));
      transaction.put({ key: bytesFromLatin1("a"), value: bytesFromLatin1(`${i}`), lease: undefined });
      hub.publish(transaction.commit());
    }
    for (let i = 7; i <= 13; i++) ahead.commit([["b", `${i}`]]);
    if (compactTo !== undefined) ahead.compact(compactTo);
    const backup = await ahead.store.backup();
    const pieces: Uint8Array[] = [];
    for await (const piece of backup.chunks(65_536)) pieces.push(piece);
    backup.close();
    writeFileSync(`${directory}/1.snap.db`, Buffer.concat(pieces));
    await ahead.store.close();
    const install = async (): Promise<void> => {
      await store.install(`${directory}/1.snap.db`);
      hub.restore(store);
    };
    return { store, hub, install };
  }

  const seen = (sink: FakeSink): string[] =>
    sink.batches.flatMap(({ events }) => events.map(({ kv }) => kv.slice(0, 4)));
  const b = [7, 8, 9, 10, 11, 12, 13].map((i) => `b=${i} `.slice(0, 4));

  it("gives every event since the last one published once, whatever a watcher had before", async () => {
    const { store, hub, install } = await buildLagging(undefined);
    const sinks = [new FakeSink(), new FakeSink(), new FakeSink(), new FakeSink()] as const;
    const [live, behind, future, after] = sinks;
    const range = spanRange("a", "d");
    hub.add(buildRequest(live, { range }));
    hub.add(buildRequest(behind, { range, start: 5 }));
    hub.add(buildRequest(future, { range, start: 12 }));
    await install();
    hub.add(buildRequest(after, { range, start: 6 }));
    while (hub.advance() === "more");
    expect(seen(live)).toEqual(b);
    expect(seen(behind)).toEqual(["a=5 ", "a=6 ", ...b]);
    expect(seen(future)).toEqual(b.slice(5));
    expect(seen(after)).toEqual(["a=6 ", ...b]);
    const transaction = store.begin(nextEntry(store));
    transaction.put({ key: bytesFromLatin1("c"), value: bytesFromLatin1("14"), lease: undefined });
    hub.publish(transaction.commit());
    for (const sink of sinks) expect(seen(sink).filter((kv) => kv.startsWith("c"))).toEqual(["c=14"]);
    await store.close();
  });

  it("tells those who need what the snapshot has compacted, and nobody else", async () => {
    const { store, hub, install } = await buildLagging(10);
    const [live, future] = [new FakeSink(), new FakeSink()];
    hub.add(buildRequest(live, { range: spanRange("a", "d") }));
    hub.add(buildRequest(future, { range: spanRange("a", "d"), start: 12 }));
    await install();
    while (hub.advance() === "more");
    expect([seen(live), live.compactions.map(({ revision }) => revision)]).toEqual([[], [10]]);
    expect([seen(future), future.compactions]).toEqual([b.slice(5), []]);
    await store.close();
  });
});
