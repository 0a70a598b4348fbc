import type { Revision } from "@quorate/common";
import type { BodyReader, HistoryRow } from "./body/reader.js";
import type { Head } from "./head.js";
import type { PreviousRecords } from "./head-layer.js";
import { spanHas, textSpanOf } from "./key-range.js";
import type { Change, HistoryBatch, HistoryLimits } from "./mvcc.js";
import { MvccError } from "./mvcc-error.js";
import type { ReadBounds } from "./range.js";
import type { ReadView } from "./read-view.js";
import { encodeDeletion, keyLatin1Of, keyOf } from "./record.js";
import { Slab } from "./slab.js";

/** Rows of the body's history read at a time. */
const pieceRows = 256;
/** Rows looked at in one call, those of other keys included: a few milliseconds. Whole revisions, so it may be a little more. */
const rowsMax = 10_000;

/** What a history read needs. */
export type HistorySource = Readonly<{
  view: ReadView;
  reader: BodyReader;
  head: Head;
  bounds: ReadBounds;
  source: PreviousRecords;
}>;

/** A change read back from the body. */
class PastChange implements Change {
  readonly kind: "put" | "delete";
  readonly key: Uint8Array;
  readonly keyLatin1: string;
  readonly revision: Revision;
  readonly sub: number;
  readonly record: Uint8Array;
  readonly #source: PreviousRecords;

  constructor(row: HistoryRow, keyLatin1: string, record: Uint8Array, source: PreviousRecords) {
    this.kind = row.isDeletion ? "delete" : "put";
    this.key = keyOf(row.record);
    this.keyLatin1 = keyLatin1;
    this.revision = row.main as Revision;
    this.sub = row.sub;
    this.record = record;
    this.#source = source;
  }

  get previous(): Uint8Array | undefined {
    return this.#source.recordAt(this.key, (this.revision - 1) as Revision);
  }
}

/**
 * Reads the changes of whole revisions from `from` on, from body and head. Stops before the revision that would go over a limit, but
 * never before it has one.
 * @throws MvccError "mvcc/compacted" when `from` is below the compacted revision.
 */
export function readHistory(store: HistorySource, from: Revision, limits: HistoryLimits): HistoryBatch {
  const { current, compacted } = store.bounds;
  if (compacted !== undefined && from < compacted) {
    throw new MvccError({ code: "mvcc/compacted", requested: from, compacted });
  }
  const span = limits.range === undefined ? undefined : textSpanOf(limits.range);
  const batch = new BatchBuilder(limits);
  for (const change of changesFrom(store, from)) {
    if (change.revision > current || !batch.look(change.revision)) break;
    if (span === undefined || spanHas(span, change.keyLatin1)) batch.add(change);
  }
  return batch.finish(current);
}

/** Gathers changes up to the limits. */
class BatchBuilder {
  readonly #limits: HistoryLimits;
  readonly #changes: Change[] = [];
  #revisions = 0;
  #bytes = 0;
  #rows = 0;
  #looked: Revision | undefined;
  #added: Revision | undefined;
  #next: Revision | undefined;

  constructor(limits: HistoryLimits) {
    this.#limits = limits;
  }

  /** Takes note of a change of any key. False: it begins a revision, and a limit has been reached. */
  look(revision: Revision): boolean {
    this.#rows++;
    if (revision === this.#looked) return true;
    const isFull =
      this.#rows > rowsMax || this.#revisions >= this.#limits.revisionsMax || this.#bytes >= this.#limits.bytesMax;
    if (isFull && this.#looked !== undefined) {
      this.#next = revision;
      return false;
    }
    this.#looked = revision;
    return true;
  }

  add(change: Change): void {
    if (change.revision !== this.#added) this.#revisions++;
    this.#added = change.revision;
    this.#changes.push(change);
    this.#bytes += change.record.length;
  }

  finish(current: Revision): HistoryBatch {
    return { changes: this.#changes, next: this.#next ?? ((current + 1) as Revision) };
  }
}

/** Changes from a revision on, in order. */
function* changesFrom(store: HistorySource, from: Revision): Generator<Change> {
  if (from <= store.view.body.revision) yield* bodyChanges(store, from);
  yield* store.head.changesFrom(from);
}

function* bodyChanges(store: HistorySource, from: Revision): Generator<Change> {
  const slab = new Slab();
  const { lastSeq } = store.view.body;
  for (let seq = store.view.body.seqOf(from); seq <= lastSeq; ) {
    const rows = store.reader.history(seq, pieceRows);
    if (rows.length === 0) return;
    for (const row of rows) {
      const record = row.isDeletion ? encodeDeletion(slab, keyOf(row.record), row.main as Revision) : row.record;
      yield new PastChange(row, keyLatin1Of(row.record), record, store.source);
    }
    seq = (rows[rows.length - 1] as HistoryRow).seq + 1;
  }
}
