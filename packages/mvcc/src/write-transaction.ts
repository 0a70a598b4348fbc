import { assert, type LeaseId, type Revision } from "@quorate/common";
import type { Head } from "./head.js";
import { type BucketChange, HeadVersion, type PreviousRecords } from "./head-layer.js";
import { type KeyRange, latin1FromBytes } from "./key-range.js";
import type {
  Change,
  Committed,
  DeleteResult,
  EntryId,
  KeyMeta,
  PutResult,
  RangeQuery,
  RangeResult,
  WriteTransaction,
} from "./mvcc.js";
import { MvccError } from "./mvcc-error.js";
import { checkReadable, type ReadBounds, readRange } from "./range.js";
import type { FoundKey, ReadView } from "./read-view.js";
import { encodeDeletion, encodeRecord, keyOf, recordValue } from "./record.js";
import type { Slab } from "./slab.js";

/** What a transaction works on: the store's insides. */
export interface TransactionHost extends PreviousRecords {
  readonly head: Head;
  readonly view: ReadView;
  readonly slab: Slab;
  readonly bounds: ReadBounds;
  /** The last `seq` given away. */
  readonly lastSeq: number;
  /** Makes the outcome visible. */
  finish(outcome: TransactionOutcome | undefined): void;
}

/** What a commit hands to the store. */
export type TransactionOutcome = Readonly<{
  entry: EntryId;
  revision: Revision;
  lastSeq: number;
  compact: Revision | undefined;
  bucketChanges: readonly BucketChange[];
  changes: readonly HeadVersion[];
}>;

/** The record a put replaced, looked up only when someone asks. */
class Replaced implements PutResult {
  readonly #view: ReadView;
  readonly #found: FoundKey | undefined;

  constructor(view: ReadView, found: FoundKey | undefined) {
    this.#view = view;
    this.#found = found;
  }

  get previous(): Uint8Array | undefined {
    return this.#found === undefined ? undefined : this.#view.recordOf(this.#found);
  }

  get previousLease(): LeaseId | undefined {
    return this.#found?.lease;
  }
}

/**
 * Writes straight into the head's active layer, above the store's revision: readers outside look at that revision and see nothing of
 * it. An abort takes the versions back.
 */
export class HeadTransaction implements WriteTransaction {
  readonly #host: TransactionHost;
  readonly #entry: EntryId;
  readonly #logStart: number;
  readonly #bucketChanges: BucketChange[] = [];
  #revision: Revision;
  #sub = 0;
  #seq: number;
  #compact: Revision | undefined;
  #isOpen = true;

  constructor(host: TransactionHost, entry: EntryId) {
    this.#host = host;
    this.#entry = entry;
    this.#logStart = host.head.active.log.length;
    this.#revision = (host.bounds.current + 1) as Revision;
    this.#seq = host.lastSeq;
  }

  get revision(): Revision {
    return this.#revision;
  }

  get hasChanges(): boolean {
    return this.#sub > 0;
  }

  get(key: Uint8Array): { readonly meta: KeyMeta; readonly record: Uint8Array } | undefined {
    const found = this.#host.view.find(key, latin1FromBytes(key));
    return found === undefined ? undefined : { meta: metaOf(found), record: this.#host.view.recordOf(found) };
  }

  getMeta(key: Uint8Array): KeyMeta | undefined {
    const found = this.#host.view.find(key, latin1FromBytes(key));
    return found === undefined ? undefined : metaOf(found);
  }

  range(query: RangeQuery): RangeResult {
    const { bounds, view } = this.#host;
    const seen = (this.hasChanges ? this.#revision : this.#revision - 1) as Revision;
    if (query.revision === undefined) return readRange(view, query, undefined, seen);
    checkReadable(query.revision, bounds);
    return readRange(view, query, query.revision, seen);
  }

  put(put: { key: Uint8Array; value: Uint8Array | "keep"; lease: LeaseId | undefined | "keep" }): PutResult {
    assert(this.#isOpen, "a transaction is written to while it is open");
    assert(put.key.length > 0, "no key is empty");
    const { head, view, slab } = this.#host;
    const keyLatin1 = latin1FromBytes(put.key);
    const found = view.find(put.key, keyLatin1);
    if (found === undefined && (put.value === "keep" || put.lease === "keep")) {
      throw new MvccError({ code: "mvcc/key-not-found" });
    }
    const value = put.value === "keep" ? recordValue(view.recordOf(found as FoundKey)) : put.value;
    const lease = put.lease === "keep" ? found?.lease : put.lease;
    const createRevision = found === undefined ? this.#revision : found.createRevision;
    const version = found === undefined ? 1 : found.version + 1;
    const record = encodeRecord(slab, put.key, value, { createRevision, modRevision: this.#revision, version, lease });
    const older = head.active.byKey.get(keyLatin1)?.newest;
    head.append(
      new HeadVersion(
        "put",
        keyLatin1,
        record,
        this.#revision,
        this.#sub++,
        ++this.#seq,
        found === undefined ? 0 : found.seq,
        createRevision,
        version,
        lease,
        older,
        this.#host,
      ),
      found !== undefined,
    );
    return new Replaced(view, found);
  }

  deleteRange(range: KeyRange, options: { wantPrevious: boolean }): DeleteResult {
    assert(this.#isOpen, "a transaction is written to while it is open");
    const { view } = this.#host;
    const doomed: Uint8Array[] = [];
    const previous: Uint8Array[] = [];
    const leases: { key: Uint8Array; lease: LeaseId }[] = [];
    // First all are read, then all are deleted: the walk and the writes share their structures.
    if (range.kind === "key") doomed.push(range.key);
    else if (options.wantPrevious)
      for (const record of view.firstRecords(range, undefined, Infinity)) doomed.push(keyOf(record));
    else for (const record of view.keyRecords(range, Infinity)) doomed.push(keyOf(record));
    let deleted = 0;
    for (const key of doomed) {
      const found = this.#delete(key);
      if (found === undefined) continue;
      deleted++;
      if (options.wantPrevious) previous.push(view.recordOf(found));
      if (found.lease !== undefined) leases.push({ key, lease: found.lease });
    }
    return { deleted, previous, leases };
  }

  compact(revision: Revision): void {
    const { compacted, current } = this.#host.bounds;
    const last = this.#compact ?? compacted;
    if (last !== undefined && revision <= last) {
      throw new MvccError({ code: "mvcc/compacted", requested: revision, compacted: last });
    }
    if (revision > current) throw new MvccError({ code: "mvcc/future-revision", requested: revision, current });
    this.#compact = revision;
  }

  setBucket(bucket: string, key: string, value: Uint8Array | undefined): void {
    this.#bucketChanges.push({ bucket, key, value });
  }

  nextRevision(): void {
    if (!this.hasChanges) return;
    this.#revision = (this.#revision + 1) as Revision;
    this.#sub = 0;
  }

  commit(): Committed {
    const { log } = this.#end();
    const revision = (this.hasChanges ? this.#revision : this.#revision - 1) as Revision;
    const changes: readonly (HeadVersion & Change)[] = log.slice(this.#logStart);
    this.#host.finish({
      entry: this.#entry,
      revision,
      lastSeq: this.#seq,
      compact: this.#compact,
      bucketChanges: this.#bucketChanges,
      changes,
    });
    return { revision, changes };
  }

  abort(): void {
    this.#end();
    this.#host.head.undoTo(this.#logStart);
    this.#host.finish(undefined);
  }

  #end() {
    assert(this.#isOpen, "a transaction ends once");
    this.#isOpen = false;
    return this.#host.head.active;
  }

  /** Deletes a key and returns what it was; undefined when it did not exist. */
  #delete(key: Uint8Array): FoundKey | undefined {
    const { head, view, slab } = this.#host;
    const keyLatin1 = latin1FromBytes(key);
    const found = view.find(key, keyLatin1);
    if (found === undefined) return undefined;
    const record = encodeDeletion(slab, key, this.#revision);
    const older = head.active.byKey.get(keyLatin1)?.newest;
    head.append(
      new HeadVersion(
        "delete",
        keyLatin1,
        record,
        this.#revision,
        this.#sub++,
        ++this.#seq,
        found.seq,
        found.createRevision,
        0,
        undefined,
        older,
        this.#host,
      ),
      true,
    );
    return found;
  }
}

function metaOf(found: FoundKey): KeyMeta {
  return {
    createRevision: found.createRevision,
    modRevision: found.revision,
    version: found.version,
    lease: found.lease,
  };
}
