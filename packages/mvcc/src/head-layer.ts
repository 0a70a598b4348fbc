import { assert, type LeaseId, type Revision, type SpanContext } from "@quorate/common";
import type { Change, EntryId } from "./mvcc.js";
import { keyEndOf, keyStartOf } from "./record.js";
import { encodeRun } from "./run.js";
import { KeyOrder, type KeyWalk, type OrderedKey } from "./key-order.js";
import type { TextSpan } from "./key-range.js";

/** Finds the record a change replaced. The store itself, as changes see it. */
export interface PreviousRecords {
  readonly compactedRevision: Revision | undefined;
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
    const before = (this.revision - 1) as Revision;
    const { compactedRevision } = this.#source;
    if (compactedRevision !== undefined && before < compactedRevision) return undefined;
    // Mostly it is right here. Looking it up would walk all later versions of a key that is written all the time.
    let { older } = this;
    while (older !== undefined && older.revision > before) older = older.older;
    if (older !== undefined) return older.kind === "put" ? older.record : undefined;
    return this.#source.recordAt(this.key, before);
  }

  /** What it adds to the number of keys. */
  get countChange(): -1 | 0 | 1 {
    if (this.kind === "delete") return -1;
    return this.previousSeq === 0 ? 1 : 0;
  }
}

/** A key of a layer. `newest` is undefined after an abort took back its only version. */
export class HeadKey implements OrderedKey {
  readonly key: string;
  newest: HeadVersion | undefined;
  /** Before the layer. */
  readonly existedBefore: boolean;
  isOrdered = false;
  counted = 0;

  constructor(key: string, newest: HeadVersion, existedBefore: boolean) {
    this.key = key;
    this.newest = newest;
    this.existedBefore = existedBefore;
  }

  /** What all its versions in the layer add to the number of keys. */
  get countChange(): number {
    if (this.newest === undefined) return 0;
    return (this.newest.kind === "put" ? 1 : 0) - (this.existedBefore ? 1 : 0);
  }
}

/** One change of a side table. `value` undefined: removed. */
export type BucketChange = Readonly<{ bucket: string; key: string; value: Uint8Array | undefined }>;

/** A compaction that was applied: to which revision, which one came before, and whether it takes a hash of what it finds. */
export type CompactionRequest = Readonly<{ to: Revision; previous: Revision | undefined; takesHash: boolean }>;

/** Where the store stands after an entry. */
export type LayerState = Readonly<{
  applied: EntryId;
  revision: Revision;
  compacted: Revision | undefined;
  lastSeq: number;
}>;

/** Links of one layer's flush at most. */
const linksMax = 128;

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
  /** Spans of sampled requests whose changes are here. */
  readonly links: SpanContext[] = [];
  bytes = 0;
  /** The state after the layer's last entry. */
  state: LayerState;
  readonly #order = new KeyOrder<HeadKey>();
  /** Versions of the log that `#order` knows of. */
  #orderedVersions = 0;
  #run: Uint8Array<ArrayBuffer> | undefined;

  /** @param state before the layer's first entry. */
  constructor(state: LayerState) {
    this.state = state;
  }

  get isEmpty(): boolean {
    return this.log.length === 0 && this.bucketChanges.length === 0;
  }

  append(version: HeadVersion, existedBefore: boolean): void {
    const entry = this.byKey.get(version.keyLatin1);
    if (entry === undefined) this.byKey.set(version.keyLatin1, new HeadKey(version.keyLatin1, version, existedBefore));
    else entry.newest = version;
    this.log.push(version);
    this.bytes += version.record.length + versionOverheadBytes;
  }

  /** Takes back the last version. @returns what it had added to the number of keys. */
  undo(): number {
    const version = this.log.pop();
    assert(version !== undefined, "a layer takes back what it holds");
    const entry = this.byKey.get(version.keyLatin1);
    if (entry !== undefined) entry.newest = version.older;
    this.bytes -= version.record.length + versionOverheadBytes;
    if (this.#orderedVersions > this.log.length) {
      this.#orderedVersions--;
      if (entry !== undefined) this.#order.setCount(entry, entry.countChange);
    }
    return version.countChange;
  }

  /** Beyond the bound requests go unlinked: a span is for people to read. */
  link(context: SpanContext): void {
    if (this.links.length < linksMax) this.links.push(context);
  }

  changeBucket(change: BucketChange): void {
    this.bucketChanges.push(change);
    this.bytes += change.key.length + (change.value?.length ?? 0) + versionOverheadBytes;
  }

  /** Nothing is added any more. Packs the changes for the store thread now: one layer at a time takes a millisecond or two. */
  seal(): void {
    this.#run = encodeRun(this.log);
  }

  /** The packed changes; once, because they are handed over. */
  takeRun(): Uint8Array<ArrayBuffer> {
    const run = this.#run;
    assert(run !== undefined, "a layer is sealed before it is written");
    this.#run = undefined;
    return run;
  }

  /** The keys of a span in byte order, those of aborted transactions included. Valid until the next write. */
  walk(span: TextSpan): KeyWalk<HeadKey> {
    this.#catchUp();
    return this.#order.walk(span);
  }

  /** What the layer adds to the number of keys in a span. */
  countChange(span: TextSpan): number {
    this.#catchUp();
    return this.#order.countChange(span);
  }

  /** Orders what was appended since someone last asked: writers that nobody reads after pay nothing. */
  #catchUp(): void {
    const { log } = this;
    for (let i = this.#orderedVersions; i < log.length; i++) {
      const version = log[i] as HeadVersion;
      if (version.older !== undefined && version.countChange === 0) continue;
      const entry = this.byKey.get(version.keyLatin1) as HeadKey;
      if (!entry.isOrdered) this.#order.insert(entry);
      entry.isOrdered = true;
      if (entry.counted !== entry.countChange) this.#order.setCount(entry, entry.countChange);
    }
    this.#orderedVersions = log.length;
  }
}
