import { assert, type Revision, type SpanContext } from "@quorate/common";
import { inspectDatabase, replaceDatabase } from "./inspect-database.js";
import type { KeyRange } from "./key-range.js";
import type {
  Attachment,
  Backup,
  EntryId,
  HashKvResult,
  HistoryBatch,
  HistoryLimits,
  Mvcc,
  RangeCursor,
  RangeQuery,
  RangeResult,
  StoreSize,
  WriteTransaction,
} from "./mvcc.js";
import { MvccError } from "./mvcc-error.js";
import type { Store } from "./store.js";

/** A store whose file can be replaced by another while those who hold it go on holding it. */
export class ReplaceableStore implements Mvcc {
  readonly #path: string;
  readonly #open: (found: { isSynced: boolean }) => Store;
  #store: Store;
  #installing: Promise<void> | undefined;

  /** @param open opens the file at `path`, as it is then. */
  constructor(path: string, open: (found: { isSynced: boolean }) => Store) {
    this.#path = path;
    this.#open = open;
    this.#store = open({ isSynced: false });
  }

  get revision(): Revision {
    return this.#store.revision;
  }

  get compactedRevision(): Revision | undefined {
    return this.#store.compactedRevision;
  }

  get applied(): EntryId {
    return this.#store.applied;
  }

  get flushed(): EntryId {
    return this.#store.flushed;
  }

  get durable(): EntryId {
    return this.#store.durable;
  }

  begin(entry: EntryId, link?: SpanContext): WriteTransaction {
    return this.#store.begin(entry, link);
  }

  markApplied(entry: EntryId): void {
    this.#store.markApplied(entry);
  }

  range(query: RangeQuery): RangeResult {
    return this.#store.range(query);
  }

  openRange(query: RangeQuery): RangeCursor {
    return this.#store.openRange(query);
  }

  count(range: KeyRange, revision?: Revision): number {
    return this.#store.count(range, revision);
  }

  history(from: Revision, limits: HistoryLimits): HistoryBatch {
    return this.#store.history(from, limits);
  }

  recordAt(key: Uint8Array, revision: Revision): Uint8Array | undefined {
    return this.#store.recordAt(key, revision);
  }

  hashKv(revision: Revision | undefined): Promise<HashKvResult> {
    return this.#store.hashKv(revision);
  }

  hash(): Promise<number> {
    return this.#store.hash();
  }

  whenCompacted(): Promise<void> {
    return this.#store.whenCompacted();
  }

  size(): StoreSize {
    return this.#store.size();
  }

  keyCount(): number {
    return this.#store.keyCount();
  }

  headBytes(): number {
    return this.#store.headBytes();
  }

  isHeadFull(): boolean {
    return this.#store.isHeadFull();
  }

  onHeadDrained(run: () => void): void {
    this.#store.onHeadDrained(run);
  }

  attachments(): Iterable<Attachment> {
    return this.#store.attachments();
  }

  bucket(name: string): ReadonlyMap<string, Uint8Array> {
    return this.#store.bucket(name);
  }

  flush(): Promise<void> {
    return this.#store.flush();
  }

  checkpoint(): Promise<void> {
    return this.#store.checkpoint();
  }

  backup(signal?: AbortSignal): Promise<Backup> {
    return this.#store.backup(signal);
  }

  defragment(): Promise<void> {
    return this.#store.defragment();
  }

  async close(): Promise<void> {
    await this.#installing?.catch(() => {}); // told to whoever installs
    await this.#store.close();
  }

  async install(path: string): Promise<void> {
    assert(this.#installing === undefined, "one file is installed at a time");
    inspectDatabase(path);
    this.#installing = this.#install(path);
    try {
      await this.#installing;
    } finally {
      this.#installing = undefined;
    }
  }

  /** Reads go on in the old file until it is let go of; then, in one turn, the new one is there. */
  async #install(path: string): Promise<void> {
    const old = this.#store;
    await old.retire(new MvccError({ code: "mvcc/replaced" }));
    const waiters = old.release();
    replaceDatabase({ path: this.#path, by: path });
    this.#store = this.#open({ isSynced: true });
    for (const run of waiters) run();
  }
}
