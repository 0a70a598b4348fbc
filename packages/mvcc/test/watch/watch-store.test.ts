import type { Revision } from "@quorate/common";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { bytesFromLatin1 } from "../../src/key-range.js";
import type { Committed, Mvcc } from "../../src/mvcc.js";
import { WatchHub } from "../../src/watch/watch-hub.js";
import { mustOpen, nextEntry, removeScratch } from "../support/open.js";
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
