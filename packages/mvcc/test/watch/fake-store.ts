import { assert, type LeaseId, type Revision } from "@quorate/common";
import { bytesFromLatin1, latin1FromBytes } from "../../src/key-range.js";
import type { Change, Committed, HistoryBatch, HistoryLimits } from "../../src/mvcc.js";
import { MvccError } from "../../src/mvcc-error.js";
import { encodeDeletion, encodeRecord } from "../../src/record.js";
import { Slab } from "../../src/slab.js";
import type { WatchSource } from "../../src/watch/watch-types.js";

/** One write: a value, or undefined to delete. */
export type Write = readonly [key: string, value: string | undefined];

type Version = { revision: number; record: Uint8Array | undefined; create: number; version: number };

/** A store that keeps everything in memory and forgets nothing but by `compact`. Counts what is asked of it. */
export class FakeStore implements WatchSource {
  revision = 1 as Revision;
  compactedRevision: Revision | undefined;
  historyReads = 0;
  previousReads = 0;
  readonly changes: Change[] = [];
  readonly #versions = new Map<string, Version[]>();
  readonly #slab = new Slab();

  /** One revision. Deletions of keys that are not there are left out; without any change there is no revision. */
  commit(...writes: Write[]): Committed {
    return this.commitMany([writes]);
  }

  /** One entry of several revisions. */
  commitMany(transactions: readonly (readonly Write[])[]): Committed {
    const made: Change[] = [];
    for (const writes of transactions) {
      const revision = (this.revision + 1) as Revision;
      const before = made.length;
      for (const write of writes) this.#write(write, revision, made);
      if (made.length > before) this.revision = revision;
    }
    this.changes.push(...made);
    return { revision: this.revision, changes: made };
  }

  compact(revision: number): void {
    assert(revision <= this.revision && revision > (this.compactedRevision ?? 0), "a compaction goes forward");
    this.compactedRevision = revision as Revision;
  }

  history(from: Revision, limits: HistoryLimits): HistoryBatch {
    this.historyReads += 1;
    this.#refuseCompacted(from);
    const changes: Change[] = [];
    let revisions = 0;
    let bytes = 0;
    for (let i = this.changes.findIndex((change) => change.revision >= from); i >= 0 && i < this.changes.length; i++) {
      const change = this.changes[i] as Change;
      if (change.revision !== changes.at(-1)?.revision) {
        if (revisions === limits.revisionsMax || (revisions > 0 && bytes >= limits.bytesMax)) {
          return { changes, next: change.revision };
        }
        revisions += 1;
      }
      bytes += change.record.length;
      changes.push(change);
    }
    return { changes, next: (this.revision + 1) as Revision };
  }

  recordAt(key: string, revision: number): Uint8Array | undefined {
    if (this.compactedRevision !== undefined && revision < this.compactedRevision) return undefined;
    return this.#versionAt(key, revision)?.record;
  }

  #write([key, value]: Write, revision: Revision, made: Change[]): void {
    const before = this.#versionAt(key, revision);
    const isAlive = before?.record !== undefined;
    if (value === undefined && !isAlive) return;
    const numbers = isAlive ? { create: before.create, version: before.version + 1 } : { create: revision, version: 1 };
    const bytes = bytesFromLatin1(key);
    const record =
      value === undefined
        ? encodeDeletion(this.#slab, bytes, revision)
        : encodeRecord(this.#slab, bytes, bytesFromLatin1(value), {
            createRevision: numbers.create as Revision,
            modRevision: revision,
            version: numbers.version,
            lease: undefined as LeaseId | undefined,
          });
    const versions = this.#versions.get(key) ?? [];
    versions.push({ revision, record: value === undefined ? undefined : record, ...numbers });
    this.#versions.set(key, versions);
    const sub = made.filter((change) => change.revision === revision).length;
    made.push(this.#change(value === undefined ? "delete" : "put", { key, revision, sub, record }));
  }

  #change(
    kind: "put" | "delete",
    fields: { key: string; revision: Revision; sub: number; record: Uint8Array },
  ): Change {
    const { key, revision, sub, record } = fields;
    const readPrevious = (): Uint8Array | undefined => {
      this.previousReads += 1;
      return this.recordAt(key, revision - 1);
    };
    return {
      kind,
      key: bytesFromLatin1(key),
      keyLatin1: latin1FromBytes(bytesFromLatin1(key)),
      revision,
      sub,
      record,
      get previous() {
        return readPrevious();
      },
    };
  }

  #versionAt(key: string, revision: number): Version | undefined {
    return this.#versions.get(key)?.findLast((version) => version.revision <= revision);
  }

  #refuseCompacted(from: Revision): void {
    const compacted = this.compactedRevision;
    if (compacted === undefined || from >= compacted) return;
    throw new MvccError({ code: "mvcc/compacted", requested: from, compacted });
  }
}
