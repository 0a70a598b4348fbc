import { assert, type LeaseId, type LogIndex, type Revision, type Term } from "@quorate/common";
import type { Change, EntryId } from "./mvcc.js";
import { keyEndOf, keyStartOf } from "./record.js";
import type { TextSpan } from "./key-range.js";

/** Finds the record a change replaced. The store itself, as changes see it. */
export interface PreviousRecords {
  recordAt(key: Uint8Array, revision: Revision): Uint8Array | undefined;
}

/** One version of one key in the head. Also what watchers get as a change, so that nothing is copied for them. */
export class HeadVersion implements Change {
  readonly kind: "put" | "delete";
  readonly keyLatin1: string;
  readonly revision: Revision;
  readonly sub: number;
  readonly record: Uint8Array;
  /** Place in the order of all changes ever made; local to this file, from 1. */
  readonly seq: number;
  /** The `seq` of the version this one supersedes; 0: there was none, or a deletion. */
  readonly previousSeq: number;
  readonly createRevision: Revision;
  readonly version: number;
  readonly lease: LeaseId | undefined;
  /** The version before it in the same layer. */
  readonly older: HeadVersion | undefined;
  readonly #source: PreviousRecords;

  // Positions instead of an options object: one of these is made for each change, and nothing else should be.
  constructor(
    kind: "put" | "delete",
    keyLatin1: string,
    record: Uint8Array,
    revision: Revision,
    sub: number,
    seq: number,
    previousSeq: number,
    createRevision: Revision,
    version: number,
    lease: LeaseId | undefined,
    older: HeadVersion | undefined,
    source: PreviousRecords,
  ) {
    this.kind = kind;
    this.keyLatin1 = keyLatin1;
    this.record = record;
    this.revision = revision;
    this.sub = sub;
    this.seq = seq;
    this.previousSeq = previousSeq;
    this.createRevision = createRevision;
    this.version = version;
    this.lease = lease;
    this.older = older;
    this.#source = source;
  }

  get key(): Uint8Array {
    return this.record.subarray(keyStartOf(this.record), keyEndOf(this.record));
  }

  get previous(): Uint8Array | undefined {
    return this.#source.recordAt(this.key, (this.revision - 1) as Revision);
  }

  /** What it adds to the number of keys. */
  get countChange(): -1 | 0 | 1 {
    if (this.kind === "delete") return -1;
    return this.previousSeq === 0 ? 1 : 0;
  }
}

/** A key of a layer. `newest` is undefined after an abort took back its only version. */
export type HeadKey = { readonly key: string; newest: HeadVersion | undefined; readonly existedBefore: boolean };

const existenceChange = (entry: HeadKey): number => {
  if (entry.newest === undefined) return 0;
  return (entry.newest.kind === "put" ? 1 : 0) - (entry.existedBefore ? 1 : 0);
};

/** One change of a side table. `value` undefined: removed. */
export type BucketChange = Readonly<{ bucket: string; key: string; value: Uint8Array | undefined }>;

/** A compaction that was applied: to which revision, which one came before, and whether it takes a hash of what it finds. */
export type CompactionRequest = Readonly<{ to: Revision; previous: Revision | undefined; takesHash: boolean }>;

/** Bytes a version costs beside its record: two objects, a map entry, array slots. For the bound of the head, not exact. */
const versionOverheadBytes = 300;

/**
 * A run of changes in memory, by key and by revision. The newest layer takes writes; sealed ones wait to be written to the body.
 * Order by key is made when someone walks it: writers only append.
 */
export class HeadLayer {
  readonly byKey = new Map<string, HeadKey>();
  /** All versions in order of `seq`. */
  readonly log: HeadVersion[] = [];
  readonly bucketChanges: BucketChange[] = [];
  /** Compactions applied in this layer: their rows may go when the body knows of them. */
  readonly compactions: CompactionRequest[] = [];
  bytes = 0;
  /** The state after the layer's last entry. */
  applied: EntryId = { index: 0 as LogIndex, term: 0 as Term };
  revision = 0 as Revision;
  compacted: Revision | undefined;
  lastSeq = 0;
  readonly #order: HeadKey[] = [];
  #unordered: HeadKey[] = [];
  #sums: Int32Array | undefined;

  append(version: HeadVersion, existedBefore: boolean): void {
    const entry = this.byKey.get(version.keyLatin1);
    if (entry === undefined) {
      const added: HeadKey = { key: version.keyLatin1, newest: version, existedBefore };
      this.byKey.set(added.key, added);
      this.#unordered.push(added);
    } else entry.newest = version;
    this.log.push(version);
    this.bytes += version.record.length + versionOverheadBytes;
    this.#sums = undefined;
  }

  /** Takes back the last version. @returns what it had added to the number of keys. */
  undo(): number {
    const version = this.log.pop();
    assert(version !== undefined, "a layer takes back what it holds");
    const entry = this.byKey.get(version.keyLatin1);
    if (entry !== undefined) entry.newest = version.older;
    this.bytes -= version.record.length + versionOverheadBytes;
    this.#sums = undefined;
    return version.countChange;
  }

  changeBucket(change: BucketChange): void {
    this.bucketChanges.push(change);
    this.bytes += change.key.length + (change.value?.length ?? 0) + versionOverheadBytes;
  }

  /** All keys in byte order, those of aborted transactions included. Valid until the next write. */
  ordered(): readonly HeadKey[] {
    if (this.#unordered.length > 0) this.#sort();
    return this.#order;
  }

  /** The part of `ordered()` that lies in the span, as [from, to). */
  within(span: TextSpan): [from: number, to: number] {
    const order = this.ordered();
    const from = lowerBound(order, span.start);
    return [from, span.end === undefined ? order.length : Math.max(from, lowerBound(order, span.end))];
  }

  /** What the layer adds to the number of keys in a span. */
  countChange(span: TextSpan): number {
    const [from, to] = this.within(span);
    if (from === to) return 0;
    this.#sums ??= sumsOf(this.#order);
    return (this.#sums[to] as number) - (this.#sums[from] as number);
  }

  /** Merges what was appended since the last walk: sorts the new ones and copies the stretches between them. */
  #sort(): void {
    const added = this.#unordered.sort((a, b) => (a.key < b.key ? -1 : 1));
    this.#unordered = [];
    const old = this.#order.splice(0, this.#order.length);
    let from = 0;
    for (const entry of added) {
      const to = from < old.length ? lowerBound(old, entry.key, from) : from;
      for (let i = from; i < to; i++) this.#order.push(old[i] as HeadKey);
      this.#order.push(entry);
      from = to;
    }
    for (let i = from; i < old.length; i++) this.#order.push(old[i] as HeadKey);
    this.#sums = undefined;
  }
}

/** The first place whose key is not below `key`. */
export function lowerBound(order: readonly HeadKey[], key: string, from = 0): number {
  let low = from;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((order[middle] as HeadKey).key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sumsOf(order: readonly HeadKey[]): Int32Array {
  const sums = new Int32Array(order.length + 1);
  let sum = 0;
  for (let i = 0; i < order.length; i++) {
    sum += existenceChange(order[i] as HeadKey);
    sums[i + 1] = sum;
  }
  return sums;
}
