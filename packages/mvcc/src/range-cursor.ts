import { assert, type Revision } from "@quorate/common";
import { type KeyRange, latin1FromBytes, bytesFromLatin1 } from "./key-range.js";
import type { RangeChunk, RangeCursor } from "./mvcc.js";
import type { ReadView } from "./read-view.js";
import { keyLatin1Of } from "./record.js";

/** Reads a range in pieces at one revision. Each piece is a read of its own, so the store goes on between them. */
export class Cursor implements RangeCursor {
  readonly revision: Revision;
  readonly storeRevision: Revision;
  readonly count: number;
  readonly #view: ReadView;
  readonly #release: () => void;
  readonly #check: () => void;
  #rest: KeyRange | undefined;
  #isClosed = false;

  /** @param pin `release` lets physical compaction go on; called once. `check` throws when the store cannot be read any more. */
  constructor(
    view: ReadView,
    range: KeyRange,
    at: { revision: Revision; storeRevision: Revision },
    pin: { release: () => void; check: () => void },
  ) {
    this.#view = view;
    this.#rest = range;
    this.revision = at.revision;
    this.storeRevision = at.storeRevision;
    this.#release = pin.release;
    this.#check = pin.check;
    this.count = view.countAt(range, at.revision);
  }

  next(limits: { maxRecords: number; maxBytes: number }): RangeChunk {
    assert(!this.#isClosed, "a cursor is read before it is closed");
    this.#check();
    const rest = this.#rest;
    if (rest === undefined) return { records: [], done: true };
    const { maxRecords, maxBytes } = limits;
    const records = this.#view.firstRecords(rest, this.revision, maxRecords, maxBytes);
    let bytes = 0;
    for (const record of records) bytes += record.length;
    const isCut = records.length >= maxRecords || bytes >= maxBytes;
    this.#rest = isCut ? restAfter(rest, records[records.length - 1] as Uint8Array) : undefined;
    return { records, done: this.#rest === undefined };
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#release();
  }
}

/** What is left of a range after the key of `record`; undefined when nothing can be. */
function restAfter(range: KeyRange, record: Uint8Array): KeyRange | undefined {
  if (range.kind === "key") return undefined;
  const start = `${keyLatin1Of(record)}\0`;
  if (range.end !== undefined && start >= latin1FromBytes(range.end)) return undefined;
  return { kind: "span", start: bytesFromLatin1(start), end: range.end };
}
