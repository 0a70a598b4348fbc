import type { Revision } from "@quorate/common";
import type { BodyReader, HistoryRow } from "./body/reader.js";
import type { Head } from "./head.js";
import type { PreviousRecords } from "./head-layer.js";
import { spanHas, type TextSpan, textSpanOf } from "./key-range.js";
import type { Change, HistoryBatch, HistoryLimits } from "./mvcc.js";
import { MvccError } from "./mvcc-error.js";
import type { ReadBounds } from "./range.js";
import type { ReadView } from "./read-view.js";
import { encodeDeletion, keyLatin1Of, keyOf } from "./record.js";
import { Slab } from "./slab.js";

/** Rows of the body's history read at a time. */
const pieceRows = 256;

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
  for (const change of changesFrom(store, from, span)) {
    if (change.revision > current || !batch.add(change)) break;
  }
  return batch.finish(current);
}

/** Gathers changes up to the limits. */
class BatchBuilder {
  readonly #limits: HistoryLimits;
  readonly #changes: Change[] = [];
  #revisions = 0;
  #bytes = 0;
  #last: Revision | undefined;
  #next: Revision | undefined;

  constructor(limits: HistoryLimits) {
    this.#limits = limits;
  }

  /** False: the change begins a revision that does not fit any more. */
  add(change: Change): boolean {
    if (change.revision !== this.#last) {
      const isFull = this.#revisions >= this.#limits.revisionsMax || this.#bytes >= this.#limits.bytesMax;
      if (isFull && this.#revisions > 0) {
        this.#next = change.revision;
        return false;
      }
      this.#last = change.revision;
      this.#revisions++;
    }
    this.#changes.push(change);
    this.#bytes += change.record.length;
    return true;
  }

  finish(current: Revision): HistoryBatch {
    return { changes: this.#changes, next: this.#next ?? ((current + 1) as Revision) };
  }
}

/** Changes of a span in order. Those of other keys are passed over without being built. */
function* changesFrom(store: HistorySource, from: Revision, span: TextSpan | undefined): Generator<Change> {
  if (from <= store.view.bodyRevision) yield* bodyChanges(store, from, span);
  for (const version of store.head.changesFrom(from)) {
    if (span === undefined || spanHas(span, version.keyLatin1)) yield version;
  }
}

function* bodyChanges(store: HistorySource, from: Revision, span: TextSpan | undefined): Generator<Change> {
  const slab = new Slab();
  const { bodySeq } = store.view;
  for (let seq = store.view.seqOf(from); seq <= bodySeq; ) {
    const rows = store.reader.history(seq, pieceRows);
    if (rows.length === 0) return;
    for (const row of rows) {
      const keyLatin1 = keyLatin1Of(row.record);
      if (span !== undefined && !spanHas(span, keyLatin1)) continue;
      const record = row.isDeletion ? encodeDeletion(slab, keyOf(row.record), row.main as Revision) : row.record;
      yield new PastChange(row, keyLatin1, record, store.source);
    }
    seq = (rows[rows.length - 1] as HistoryRow).seq + 1;
  }
}
