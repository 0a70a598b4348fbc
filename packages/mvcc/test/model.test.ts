import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { type Change, type Mvcc, type MvccOptions, openMvcc } from "../src/index.js";
import { Model, type ModelQuery, type ModelSpan } from "./model/model.js";
import { at, changeLine, leaseOf, modelChange, modelLine, queryOf, rangeOf, recordLine } from "./support/compare.js";
import { buildPorts, bytes, nextEntry, realClock, removeScratch, scratchDirectory } from "./support/open.js";

afterEach(removeScratch);

type Step =
  | { kind: "put"; key: string; value: string | undefined; lease: bigint | undefined }
  | { kind: "delete"; span: ModelSpan }
  | { kind: "range"; query: ModelQuery }
  | { kind: "next-revision" };

type Operation =
  | { kind: "transaction"; steps: readonly Step[]; aborts: boolean }
  | { kind: "compact"; part: number; waits: boolean }
  | { kind: "read"; query: ModelQuery; part: number | undefined }
  | { kind: "cursor"; span: ModelSpan; part: number; maxRecords: number }
  | { kind: "history"; part: number; span: ModelSpan; revisionsMax: number; bytesMax: number }
  | { kind: "hash"; part: number }
  | { kind: "flush" | "checkpoint" | "reopen" | "defragment" };

const names = [
  "a",
  "ab",
  "a\0",
  "b",
  "b\xff",
  "\n",
  "\xff",
  "\xff\xff",
  "kk",
  ...Array.from({ length: 12 }, (_, i) => `k${i}`),
];
const key = fc.constantFrom(...names);
const value = fc.oneof(
  fc.constantFrom("", "v", "\0", "\n\n\n", "\xff\xfe\x80", "\xe2\x82"),
  fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array).toString("latin1")),
  fc.integer({ min: 900, max: 6000 }).map((length) => "long".repeat(Math.ceil(length / 4))),
);
const span: fc.Arbitrary<ModelSpan> = fc.oneof(
  key.map((start) => ({ start, end: `${start}\0` })),
  fc.tuple(key, key).map(([start, end]) => ({ start, end })),
  key.map((start) => ({ start, end: undefined })),
  fc.constant({ start: "\0", end: undefined }),
);
const lease = fc.constantFrom(0n, 0n, 1n, -1n, 9223372036854775807n);
const bound = fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined, freq: 5 });
const query: fc.Arbitrary<ModelQuery> = fc.record({
  span,
  limit: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
  order: fc.constantFrom("none", "ascend", "descend"),
  target: fc.constantFrom("key", "version", "create", "mod", "value"),
  keysOnly: fc.boolean(),
  countOnly: fc.boolean(),
  minMod: bound,
  maxMod: bound,
  minCreate: bound,
  maxCreate: bound,
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("put" as const),
      key,
      value: fc.option(value, { nil: undefined, freq: 9 }),
      lease: fc.option(lease, { nil: undefined, freq: 9 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("delete" as const), span }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("range" as const), query }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("next-revision" as const) }) },
);
/** Where between the oldest and the newest revision, in steps of a hundredth, a little beyond both included. */
const part = fc.integer({ min: -5, max: 105 });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({
      kind: fc.constant("transaction" as const),
      steps: fc.array(step, { minLength: 1, maxLength: 6 }),
      aborts: fc.nat(9).map((n) => n === 0),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("compact" as const), part, waits: fc.boolean() }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("read" as const),
      query,
      part: fc.option(part, { nil: undefined, freq: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("cursor" as const),
      span,
      part: fc.integer({ min: 0, max: 100 }),
      maxRecords: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("history" as const),
      part,
      span,
      revisionsMax: fc.integer({ min: 1, max: 20 }),
      bytesMax: fc.constantFrom(1, 200, 1e6),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("hash" as const), part }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "flush" as const,
        "flush" as const,
        "flush" as const,
        "checkpoint" as const,
        "reopen" as const,
        "defragment" as const,
      ),
    }),
  },
);

/** The store and its model, going through the same history. */
class Pair {
  readonly #options: MvccOptions;
  readonly model = new Model();
  store: Mvcc;
  /** A compaction was asked for and not waited for. */
  #isCompacting = false;
  /** Compactions asked for while another may have been running: whether their hash was taken depends on time. */
  readonly #uncertain = new Set<number>();

  constructor(options: MvccOptions) {
    this.#options = options;
    this.store = this.#open();
  }

  async run(operation: Operation): Promise<void> {
    switch (operation.kind) {
      case "transaction":
        return this.#transaction(operation.steps, operation.aborts);
      case "compact":
        return this.#compact(operation.part, operation.waits);
      case "read":
        return this.#read({
          ...operation.query,
          revision: operation.part === undefined ? undefined : this.#revision(operation.part),
        });
      case "cursor":
        return this.#cursor(operation);
      case "history":
        return this.#history(operation);
      case "hash":
        return this.#hash(this.#revision(operation.part));
      case "flush":
        await this.store.flush();
        expect(this.store.flushed).toEqual(this.store.applied);
        return;
      case "checkpoint":
        await this.store.checkpoint();
        expect(this.store.durable).toEqual(this.store.applied);
        return;
      case "defragment":
        return this.store.defragment();
      case "reopen":
        await this.store.close();
        this.store = this.#open();
        this.model.restart();
        await this.store.whenCompacted();
        this.#isCompacting = false;
    }
  }

  /** Everything that can be read is equal. */
  async checkAll(): Promise<void> {
    const all = { start: "\0", end: undefined };
    for (let revision = Math.max(this.model.compacted, 1); revision <= this.model.revision; revision++) {
      this.#read({ span: all, revision });
      for (const name of names) this.#read({ span: { start: name, end: `${name}\0` }, revision });
    }
    this.#history({ part: 0, span: all, revisionsMax: 10000, bytesMax: 1e9 });
    await this.store.whenCompacted();
    await this.#hash(this.model.revision);
  }

  #open(): Mvcc {
    const store = openMvcc(this.#options, buildPorts(this.#options.storeThread === true ? { clock: realClock } : {}));
    expect([store.revision, store.compactedRevision ?? -1]).toEqual([this.model.revision, this.model.compacted]);
    return store;
  }

  #revision(part: number): number {
    const oldest = Math.max(this.model.compacted, 1);
    return Math.max(1, Math.round(oldest + ((this.model.revision - oldest) * part) / 100));
  }

  #transaction(steps: readonly Step[], aborts: boolean): void {
    const real = this.store.begin(nextEntry(this.store));
    const model = this.model.begin();
    for (const step of steps) {
      if (step.kind === "next-revision") {
        real.nextRevision();
        model.nextRevision();
      } else if (step.kind === "range") {
        const found = real.range(queryOf(step.query));
        const expected = this.model.range(step.query);
        expect({ ...found, records: found.records.map(recordLine) }).toMatchObject({
          ...expected,
          records: expected.records.map(modelLine),
        });
      } else if (step.kind === "delete") {
        const found = real.deleteRange(rangeOf(step.span), { wantPrevious: true });
        const expected = model.deleteRange(step.span);
        expect(found.previous.map(recordLine)).toEqual(expected.map(modelLine));
        expect(found.leases.map(({ lease }) => lease)).toEqual(
          expected.flatMap(({ lease }) => (lease === 0n ? [] : [lease])),
        );
      } else this.#put(step, real, model);
    }
    if (aborts) {
      real.abort();
      model.abort();
    } else {
      const { changes, revision } = real.commit();
      const before = this.model.revision;
      model.commit();
      expect(revision).toBe(this.model.revision);
      expect(changes.map(changeLine)).toEqual(
        this.model.history(before + 1, { start: "", end: undefined }).map(modelChange),
      );
    }
    expect(this.store.keyCount()).toBe(this.model.aliveAt(this.model.revision).length);
  }

  #put(step: Extract<Step, { kind: "put" }>, real: ReturnType<Mvcc["begin"]>, model: ReturnType<Model["begin"]>): void {
    const previous = this.model.aliveAt(Number.POSITIVE_INFINITY).find((record) => record.key === step.key);
    const request = {
      key: bytes(step.key),
      value: step.value === undefined ? ("keep" as const) : bytes(step.value),
      lease: step.lease === undefined ? ("keep" as const) : leaseOf(step.lease),
    };
    if (model.put(step.key, step.value, step.lease)) {
      const found = real.put(request);
      expect(found.previous === undefined ? undefined : recordLine(found.previous)).toEqual(
        previous && modelLine(previous),
      );
      expect(found.previousLease ?? 0n).toBe(previous?.lease ?? 0n);
    } else expect(() => real.put(request)).toThrow("mvcc/key-not-found");
  }

  async #compact(part: number, waits: boolean): Promise<void> {
    const to = this.#revision(part);
    const refusal = this.model.compact(to, { takesHash: !this.#isCompacting });
    const transaction = this.store.begin(nextEntry(this.store));
    if (refusal !== undefined) {
      expect(() => transaction.compact(at(to))).toThrow(`mvcc/${refusal}`);
      transaction.abort();
      return;
    }
    transaction.compact(at(to));
    transaction.commit();
    if (this.#isCompacting) this.#uncertain.add(to);
    this.#isCompacting = true;
    if (!waits) return;
    await this.store.whenCompacted();
    this.#isCompacting = false;
  }

  #read(query: ModelQuery): void {
    const refusal = query.revision === undefined ? undefined : this.model.refusal(query.revision);
    if (refusal !== undefined) {
      expect(() => this.store.range(queryOf(query))).toThrow(`mvcc/${refusal}`);
      return;
    }
    const expected = this.model.range({ ...query, revision: query.revision ?? this.model.revision });
    const found = this.store.range(queryOf(query));
    expect({ ...found, records: found.records.map(recordLine) }).toEqual({
      ...expected,
      revision: this.model.revision,
      records: expected.records.map(modelLine),
    });
  }

  #cursor(operation: Extract<Operation, { kind: "cursor" }>): void {
    const revision = this.#revision(operation.part);
    const expected = this.model.range({ span: operation.span, revision });
    const cursor = this.store.openRange({ range: rangeOf(operation.span), revision: at(revision) });
    const lines: string[] = [];
    for (let done = false; !done; ) {
      const chunk = cursor.next({ maxRecords: operation.maxRecords, maxBytes: 10000 });
      expect(chunk.records.length).toBeLessThanOrEqual(operation.maxRecords);
      lines.push(...chunk.records.map(recordLine));
      done = chunk.done;
    }
    cursor.close();
    expect(lines).toEqual(expected.records.map(modelLine));
    expect(cursor.count).toBe(expected.count);
  }

  #history(operation: Omit<Extract<Operation, { kind: "history" }>, "kind">): void {
    let from = this.#revision(operation.part);
    if (from > this.model.revision) return;
    const limits = {
      revisionsMax: operation.revisionsMax,
      bytesMax: operation.bytesMax,
      range: rangeOf(operation.span),
    };
    const lines: string[] = [];
    // Deletions and overwritten values at the compaction revision itself may be gone or not, so begin after it.
    if (from <= this.model.compacted) from = this.model.compacted + 1;
    const expected = this.model.history(from, operation.span).map(modelChange);
    while (from <= this.model.revision) {
      const batch = this.store.history(at(from), limits);
      lines.push(...batch.changes.map(changeLine));
      for (const change of batch.changes) this.#checkPrevious(change);
      expect(new Set(batch.changes.map((change) => change.revision)).size).toBeLessThanOrEqual(operation.revisionsMax);
      expect(batch.next).toBeGreaterThan(from);
      from = batch.next;
    }
    expect(lines).toEqual(expected);
  }

  #checkPrevious(change: Change): void {
    if (change.revision - 1 < this.model.compacted) return;
    const before = this.model.aliveAt(change.revision - 1).find((record) => record.key === change.keyLatin1);
    expect(change.previous === undefined ? undefined : recordLine(change.previous)).toEqual(
      before && modelLine(before),
    );
  }

  async #hash(revision: number): Promise<void> {
    if (this.model.refusal(revision) !== undefined || this.#isCompacting || this.#uncertain.has(revision)) return;
    const expected = this.model.hashKv(revision);
    const found = await this.store.hashKv(at(revision));
    expect({ hash: found.hash, compacted: found.compactRevision ?? -1, revision: found.hashRevision }).toEqual(
      expected,
    );
  }
}

describe.each([
  { title: "in one thread, flushed at will", numRuns: 80, options: { storeThread: false } },
  { title: "in one thread, flushed at every change", numRuns: 40, options: { storeThread: false, flushBytes: 1 } },
  { title: "behind its thread, flushed at every change", numRuns: 8, options: { storeThread: true, flushBytes: 1 } },
])("a store $title", ({ numRuns, options }) => {
  it("does what the model does", async () => {
    const history = fc.array(operation, { minLength: 5, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(history, fc.constantFrom(1, 3, 1000), async (operations, compactionBatchLimit) => {
        const path = `${scratchDirectory()}/db`;
        const pair = new Pair({ ...options, path, compactionBatchLimit, compactionSleepMs: 0 });
        try {
          for (const operation of operations) await pair.run(operation);
          await pair.checkAll();
        } finally {
          await pair.store.close().catch(() => {});
        }
      }),
      { numRuns, seed: 20261122 },
    );
  });
});
