import type { Revision } from "@quorate/common";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KeyRange } from "../../src/key-range.js";
import { spanHas, textSpanOf } from "../../src/key-range.js";
import type { Change } from "../../src/mvcc.js";
import type { Watcher, WatchBatch, WatchRequest } from "../../src/watch/watch-types.js";
import { WatchHub } from "../../src/watch/watch-hub.js";
import { decodeEvent, describeRecord, FakeSink, keyRange, spanRange } from "./fake-sink.js";
import { FakeStore, type Write } from "./fake-store.js";

const limits = { revisionsMax: 3, bytesMax: 90, watchersMax: 4 };

/** What one watcher was promised: every matching change from its start on, once, in order. */
class Expectation {
  watcher: Watcher<string> | undefined;
  isRemoved = false;
  isCompacted = false;
  /** The first revision that has not been delivered, as far as deliveries tell. */
  next: number;
  readonly #matches: (change: Change) => boolean;
  readonly #previous: boolean;

  constructor(request: Omit<WatchRequest<string>, "sink" | "handle">, present: number) {
    const span = textSpanOf(request.range);
    const { noPut, noDelete } = request.filters;
    this.next = request.startRevision ?? present + 1;
    this.#previous = request.previous;
    this.#matches = ({ kind, keyLatin1 }) => spanHas(span, keyLatin1) && !(kind === "put" ? noPut : noDelete);
  }

  /** Matching changes that have not been delivered. */
  outstanding(store: FakeStore): Change[] {
    return store.changes.filter((change) => change.revision >= this.next && this.#matches(change));
  }

  check(store: FakeStore, batch: WatchBatch): void {
    expect([this.isRemoved, this.isCompacted]).toEqual([false, false]);
    const wanted = this.outstanding(store).filter(({ revision }) => revision <= batch.lastRevision);
    expect(batch.parts.map(decodeEvent)).toEqual(
      wanted.map((change) => ({
        type: change.kind,
        kv: describeRecord(change.record),
        previous: this.#previousOf(store, change),
      })),
    );
    const revisions = new Set(wanted.map(({ revision }) => revision));
    expect(revisions.size).toBeLessThanOrEqual(limits.revisionsMax);
    expect([batch.firstRevision, batch.lastRevision]).toEqual([Math.min(...revisions), Math.max(...revisions)]);
    expect(batch.revision).toBeGreaterThanOrEqual(batch.lastRevision);
    expect(batch.bytes).toEqual(Buffer.concat(batch.parts));
    expect([batch.count, batch.byteLength]).toEqual([wanted.length, batch.bytes.length]);
    this.next = batch.lastRevision + 1;
  }

  #previousOf(store: FakeStore, { kind, keyLatin1, revision, record }: Change): string | undefined {
    if (!this.#previous) return undefined;
    const isCreation = kind === "put" && describeRecord(record).endsWith(` ${revision}/${revision}/1`);
    const previous = isCreation ? undefined : store.recordAt(keyLatin1, revision - 1);
    return previous === undefined ? undefined : describeRecord(previous);
  }
}

const ranges: KeyRange[] = [
  keyRange("a"),
  keyRange("b"),
  keyRange("zz"),
  spanRange("a", "c"),
  spanRange("b"),
  spanRange("", "\u00ff"),
  spanRange("c", "b"),
];
const write: fc.Arbitrary<Write> = fc.tuple(
  fc.constantFrom("a", "b", "c", "d", "\u00ff"),
  fc.option(
    fc.constantFrom("1", "22", "long value, more than the bytes of a slice allow ...................................."),
    {
      nil: undefined,
      freq: 2,
    },
  ),
);
const transaction = fc.uniqueArray(write, { minLength: 1, maxLength: 4, selector: ([key]) => key });
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("commit" as const),
      transactions: fc.array(transaction, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("compact" as const), back: fc.nat(4) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("add" as const),
      range: fc.constantFrom(...ranges),
      start: fc.option(fc.integer({ min: -6, max: 3 }), { nil: undefined, freq: 3 }),
      noPut: fc.boolean(),
      noDelete: fc.boolean(),
      previous: fc.boolean(),
      sink: fc.nat(2),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), which: fc.nat(20) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("room" as const),
      sink: fc.nat(2),
      room: fc.constantFrom(0, 1, 2, 5, 1000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("advance" as const), slices: fc.nat(3) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Run {
  readonly store = new FakeStore();
  readonly hub = new WatchHub<string>(this.store, limits);
  readonly sinks = [0, 1, 2].map(() => new FakeSink());
  readonly expectations: Expectation[] = [];
  delivered = 0;

  constructor() {
    for (const sink of this.sinks) {
      sink.onDeliver = (watcher, batch) => {
        this.expectations[Number(watcher.handle)]?.check(this.store, batch);
        this.delivered += batch.count;
      };
    }
  }

  do(step: Step): void {
    if (step.do === "commit") this.hub.publish(this.store.commitMany(step.transactions));
    if (step.do === "compact") this.#compact(this.store.revision - step.back);
    if (step.do === "add") this.#add(step);
    if (step.do === "remove") this.#remove(step.which);
    if (step.do === "room") (this.sinks[step.sink] as FakeSink).room = step.room;
    if (step.do === "advance") this.hub.advance(step.slices);
    this.#noteCompactions();
    this.#checkSynced();
  }

  /** Gives all sinks room and lets everybody catch up. */
  settle(): void {
    for (const sink of this.sinks) sink.room = Number.POSITIVE_INFINITY;
    for (let i = 0; this.hub.advance(5) !== "idle"; i++) expect(i).toBeLessThan(10_000);
    this.#noteCompactions();
    for (const expectation of this.expectations) {
      if (expectation.isRemoved || expectation.isCompacted) continue;
      expect(expectation.outstanding(this.store)).toEqual([]);
    }
    this.#checkSynced();
    const alive = this.expectations.filter(({ isRemoved }) => !isRemoved);
    expect(this.hub.stats()).toMatchObject({
      watchers: alive.length,
      slowWatchers: 0,
      compactedWatchers: alive.filter(({ isCompacted }) => isCompacted).length,
      pendingEvents: 0,
      eventsTotal: this.delivered,
    });
  }

  #compact(revision: number): void {
    if (revision <= (this.store.compactedRevision ?? 1)) return;
    this.store.compact(revision);
  }

  #add({ range, start, noPut, noDelete, previous, sink }: Extract<Step, { do: "add" }>): void {
    const startRevision = start === undefined ? undefined : (Math.max(1, this.store.revision + start) as Revision);
    const request = { range, startRevision, filters: { noPut, noDelete }, previous };
    const expectation = new Expectation(request, this.store.revision);
    const handle = String(this.expectations.push(expectation) - 1);
    expectation.watcher = this.hub.add({ ...request, handle, sink: this.sinks[sink] as FakeSink });
  }

  #remove(which: number): void {
    const expectation = this.expectations[which];
    if (expectation?.watcher === undefined) return;
    expectation.isRemoved = true;
    this.hub.remove(expectation.watcher);
  }

  #noteCompactions(): void {
    for (const sink of this.sinks) {
      for (const { handle, revision } of sink.compactions.splice(0)) {
        const expectation = this.expectations[Number(handle)] as Expectation;
        expect([expectation.isCompacted, expectation.isRemoved]).toEqual([false, false]);
        expect(revision).toBe(this.store.compactedRevision);
        expect(expectation.next).toBeLessThan(revision);
        expectation.isCompacted = true;
      }
    }
  }

  #checkSynced(): void {
    for (const expectation of this.expectations) {
      if (expectation.watcher === undefined || !this.hub.isSynced(expectation.watcher)) continue;
      expect([expectation.isRemoved, expectation.isCompacted]).toEqual([false, false]);
      expect(expectation.outstanding(this.store)).toEqual([]);
      expectation.next = Math.max(expectation.next, this.store.revision + 1);
    }
  }
}

describe("WatchHub", () => {
  it("gives each watcher exactly its events, whatever happens in between", () => {
    let delivered = 0;
    let compacted = 0;
    let refused = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
        const run = new Run();
        for (const each of steps) run.do(each);
        run.settle();
        delivered += run.delivered;
        compacted += run.expectations.filter(({ isCompacted }) => isCompacted).length;
        refused += run.sinks.reduce((sum, sink) => sum + sink.refused, 0);
      }),
      { numRuns: 400 },
    );
    expect(Math.min(delivered, compacted, refused)).toBeGreaterThan(100);
  });
});
