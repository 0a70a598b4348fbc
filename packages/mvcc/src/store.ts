import { assert, type LogIndex, type Revision, type SpanContext, type Term } from "@quorate/common";
import type { Backups } from "./backup.js";
import { Fences } from "./body/fences.js";
import { BlockCache } from "./block-cache.js";
import type { Body, BodyResult, BodySize } from "./body/jobs.js";
import type { BodyReader } from "./body/reader.js";
import { BodyView } from "./body-view.js";
import { Buckets } from "./buckets.js";
import { Compactions } from "./compaction.js";
import { Flusher, type FlushSettings } from "./flusher.js";
import { HashLock } from "./hash-lock.js";
import { Hashes } from "./hashes.js";
import { Head } from "./head.js";
import type { HeadLayer, LayerState } from "./head-layer.js";
import { readHistory } from "./history.js";
import { type KeyRange, latin1FromBytes } from "./key-range.js";
import type {
  Attachment,
  Backup,
  EntryId,
  HashKvResult,
  HistoryBatch,
  HistoryLimits,
  Mvcc,
  MvccPorts,
  RangeCursor,
  RangeQuery,
  RangeResult,
  StoreSize,
  WriteTransaction,
} from "./mvcc.js";
import { MvccError } from "./mvcc-error.js";
import { Pins } from "./pins.js";
import { checkReadable, type ReadBounds, readRange } from "./range.js";
import { Cursor } from "./range-cursor.js";
import { ReadView } from "./read-view.js";
import { Scheduler } from "./scheduler.js";
import { Slab } from "./slab.js";
import type { MvccTelemetry } from "./telemetry.js";
import { VacuumTask } from "./vacuum-task.js";
import { HeadTransaction, type TransactionHost, type TransactionOutcome } from "./write-transaction.js";

/** What the store is put together from. */
export type StoreParts = Readonly<{
  body: Body;
  reader: BodyReader;
  telemetry: MvccTelemetry;
  backups: Backups;
  /** The file is known to be on disk as a whole. */
  isSynced: boolean;
  settings: FlushSettings &
    Readonly<{ compactionBatchLimit: number; compactionSleepMs: number; blockBytesMax: number }>;
  ports: MvccPorts;
}>;

/** After a compaction the file shrinks when this share of it is free, down to the second one: some room is kept for new rows. */
const vacuumFromShare = 0.5;
const vacuumToShare = 0.25;
/** Below, it is not worth a thought. */
const vacuumPagesMin = 1024;

/** The store: head, body and the work between them. */
export class Store implements Omit<Mvcc, "install">, TransactionHost {
  readonly head: Head;
  readonly view: ReadView;
  readonly slab = new Slab();
  readonly #parts: StoreParts;
  readonly #fences: Fences;
  readonly #blocks: BlockCache;
  readonly #flusher: Flusher;
  readonly #scheduler: Scheduler;
  readonly #telemetry: MvccTelemetry;
  readonly #pins: Pins;
  readonly #compactions: Compactions;
  readonly #hashes: Hashes;
  readonly #buckets: Buckets;
  #revision: Revision;
  #compacted: Revision | undefined;
  #applied: EntryId;
  #lastSeq: number;
  #size: BodySize;
  #transaction: HeadTransaction | undefined;
  #failure: Error | undefined;
  #isClosed = false;

  constructor(parts: StoreParts) {
    this.#parts = parts;
    const { state, fences, buckets, size } = parts.body.opened;
    this.#fences = new Fences(fences);
    this.#revision = state.revision as Revision;
    this.#compacted = state.compactedPlusOne === 0 ? undefined : ((state.compactedPlusOne - 1) as Revision);
    this.#applied = { index: state.appliedIndex as LogIndex, term: state.appliedTerm as Term };
    this.#lastSeq = state.lastSeq;
    this.head = new Head(this.#layerState(), parts.settings.flushBytes);
    this.#size = size;
    this.#buckets = new Buckets(buckets);
    this.#blocks = new BlockCache(this.#fences, parts.reader, parts.settings.blockBytesMax);
    const { counts } = this.head;
    const bodyParts = { reader: parts.reader, fences: this.#fences, blocks: this.#blocks, counts };
    this.view = new ReadView(this.head, new BodyView(bodyParts, { revision: this.#revision, lastSeq: this.#lastSeq }));
    this.#setSize(size);
    this.#telemetry = parts.telemetry;
    const listener = {
      flushed: (layers: readonly HeadLayer[], result: BodyResult) => this.#takeFlushed(layers, result),
    };
    const { settings, ports } = parts;
    this.#flusher = new Flusher(
      {
        head: this.head,
        settings,
        clock: ports.clock,
        listener,
        telemetry: this.#telemetry,
        wake: () => this.#scheduler.pump(),
      },
      state,
      parts.isSynced,
    );
    const urgent = () => this.#flusher.nextWork();
    this.#scheduler = new Scheduler(parts.body, ports.clock, urgent, (result) => this.#takeChanged(result));
    this.#pins = new Pins(() => this.#scheduler.pump());
    const finished = state.finishedPlusOne === 0 ? undefined : ((state.finishedPlusOne - 1) as Revision);
    const lock = new HashLock();
    const shared = { scheduler: this.#scheduler, pins: this.#pins, telemetry: this.#telemetry, lock };
    this.#compactions = new Compactions(
      { ...shared, settings, ports, finishedOne: () => this.#vacuumAfterCompaction() },
      { finished, requested: this.#compacted },
    );
    this.#hashes = new Hashes(this, { ...shared, buckets: this.#buckets, compactions: this.#compactions });
    this.#scheduler.add(this.#compactions);
  }

  get revision(): Revision {
    return this.#revision;
  }

  get compactedRevision(): Revision | undefined {
    return this.#compacted;
  }

  get applied(): EntryId {
    return this.#applied;
  }

  get flushed(): EntryId {
    return this.#flusher.flushed;
  }

  get durable(): EntryId {
    return this.#flusher.durable;
  }

  get bounds(): ReadBounds {
    return { current: this.#revision, compacted: this.#compacted };
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  begin(entry: EntryId, link?: SpanContext): WriteTransaction {
    this.#checkNext(entry);
    if (link !== undefined) this.head.active.link(link);
    this.#transaction = new HeadTransaction(this, entry);
    return this.#transaction;
  }

  markApplied(entry: EntryId): void {
    this.#checkNext(entry);
    this.#setApplied(entry);
  }

  finish(outcome: TransactionOutcome | undefined): void {
    this.#transaction = undefined;
    if (outcome === undefined) return;
    const { changes, bucketChanges } = outcome;
    this.#revision = outcome.revision;
    this.#lastSeq = outcome.lastSeq;
    if (outcome.compact !== undefined) {
      this.#compacted = outcome.compact;
      this.head.active.compactions.push(this.#compactions.request(outcome.compact));
    }
    for (const change of bucketChanges) {
      this.#buckets.apply(change);
      this.head.active.changeBucket(change);
    }
    let puts = 0;
    for (const change of changes) if (change.kind === "put") puts++;
    this.#telemetry.countChanges(puts, changes.length - puts);
    this.#setApplied(outcome.entry);
  }

  range(query: RangeQuery): RangeResult {
    if (query.revision !== undefined) checkReadable(query.revision, this.bounds);
    return readRange(this.view, query, this.#readRevision(query.revision), this.#revision);
  }

  openRange(query: RangeQuery): RangeCursor {
    if (query.revision !== undefined) checkReadable(query.revision, this.bounds);
    const revision = query.revision ?? this.#revision;
    const pin = { release: this.#pins.add(revision), check: () => this.#checkReplaced() };
    return new Cursor(this.view, query.range, { revision, storeRevision: this.#revision }, pin);
  }

  count(range: KeyRange, revision?: Revision): number {
    if (revision !== undefined) checkReadable(revision, this.bounds);
    const at = this.#readRevision(revision);
    return at === undefined ? this.view.count(range) : this.view.countAt(range, at);
  }

  history(from: Revision, limits: HistoryLimits): HistoryBatch {
    return readHistory(
      { view: this.view, reader: this.#parts.reader, head: this.head, bounds: this.bounds, source: this },
      from,
      limits,
    );
  }

  recordAt(key: Uint8Array, revision: Revision): Uint8Array | undefined {
    if (revision < 1 || (this.#compacted !== undefined && revision < this.#compacted)) return undefined;
    return this.view.recordAt(key, latin1FromBytes(key), revision);
  }

  hashKv(revision: Revision | undefined): Promise<HashKvResult> {
    return this.#hashes.ofHistory(revision);
  }

  hash(): Promise<number> {
    return this.#hashes.ofAll();
  }

  async whenCompacted(): Promise<void> {
    const compacted = this.#compacted;
    if (compacted === this.#compactions.finished) return;
    await this.flush();
    await this.#compactions.whenFinished(compacted);
  }

  size(): StoreSize {
    const { pages, freePages, pageBytes } = this.#size;
    return { totalBytes: pages * pageBytes, inUseBytes: (pages - freePages) * pageBytes };
  }

  keyCount(): number {
    return this.count({ kind: "span", start: new Uint8Array(0), end: undefined });
  }

  headBytes(): number {
    return this.head.bytes;
  }

  isHeadFull(): boolean {
    return this.#flusher.isHeadFull;
  }

  onHeadDrained(run: () => void): void {
    this.#flusher.onHeadDrained(run);
  }

  attachments(): Iterable<Attachment> {
    assert(this.applied.index === this.flushed.index, "attachments are read before anything is applied");
    return this.#parts.reader.attachments();
  }

  bucket(name: string): ReadonlyMap<string, Uint8Array> {
    return this.#buckets.get(name);
  }

  flush(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const flushed = this.#flusher.whenFlushed(this.#applied.index);
    this.#scheduler.pump();
    return flushed;
  }

  checkpoint(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const durable = this.#flusher.whenDurable(this.#applied.index);
    this.#scheduler.pump();
    return durable;
  }

  async backup(signal?: AbortSignal): Promise<Backup> {
    await this.flush();
    if (this.#failure !== undefined) throw this.#failure;
    return this.#parts.backups.make(signal);
  }

  async defragment(): Promise<void> {
    await this.flush();
    await new Promise<void>((resolve, reject) =>
      this.#scheduler.add(new VacuumTask(0, { telemetry: this.#telemetry, waiter: { resolve, reject } })),
    );
  }

  /** The body can not go on: nothing is written any more, whoever waits is told. */
  fail(error: Error): void {
    this.#failure = error;
    this.#scheduler.fail(error);
    this.#flusher.fail(error);
  }

  /** Writes nothing more and starts nothing more; whoever waits is told why. Reads are answered until `release`. Resolves when the file rests. */
  async retire(error: MvccError): Promise<void> {
    assert(this.#transaction === undefined, "no transaction is open when the store is replaced");
    if (this.#failure !== undefined) throw this.#failure;
    this.#failure = error;
    this.#flusher.fail(error);
    this.#scheduler.failTasks(error);
    const isIdle = this.#scheduler.stop();
    await this.#parts.backups.stop(error);
    await isIdle;
    await this.#parts.body.close();
  }

  /** Lets go of the file after `retire`. @returns those who wait for room in the head. */
  release(): (() => void)[] {
    this.#isClosed = true;
    this.#parts.reader.close();
    return this.#flusher.takeDrainWaiters();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#failure === undefined) await this.checkpoint();
    this.#failure ??= new MvccError({ code: "mvcc/closed" });
    this.#flusher.stop();
    await this.#scheduler.stop();
    this.#parts.reader.close();
    await this.#parts.body.close();
  }

  #vacuumAfterCompaction(): void {
    const { freePages, pages } = this.#size;
    if (freePages < vacuumPagesMin || freePages < pages * vacuumFromShare) return;
    this.#scheduler.add(new VacuumTask(vacuumToShare, { telemetry: this.#telemetry }));
  }

  /** Outside an open transaction the newest state is the store's; inside, readers are held to the store's revision. */
  #readRevision(asked: Revision | undefined): Revision | undefined {
    if (this.#transaction === undefined) return asked === this.#revision ? undefined : asked;
    return asked ?? this.#revision;
  }

  #checkReplaced(): void {
    if (this.#isClosed && this.#failure !== undefined) throw this.#failure;
  }

  #checkNext(entry: EntryId): void {
    assert(this.#transaction === undefined, "one transaction at a time");
    assert(entry.index > this.#applied.index, "entries are applied in order, each once");
  }

  #setApplied(entry: EntryId): void {
    this.#applied = entry;
    this.head.active.state = this.#layerState();
    if (this.#flusher.noteApplied()) this.#scheduler.pump();
  }

  #layerState(): LayerState {
    return { applied: this.#applied, revision: this.#revision, compacted: this.#compacted, lastSeq: this.#lastSeq };
  }

  #takeFlushed(layers: readonly HeadLayer[], result: BodyResult): void {
    assert(result.fenceEdits !== undefined, "a flush says what it did to the fences");
    this.#blocks.apply(result.fenceEdits);
    this.#fences.apply(result.fenceEdits);
    for (const layer of layers) {
      this.view.body.revision = layer.state.revision;
      this.view.body.lastSeq = layer.state.lastSeq;
      this.#compactions.start(layer.compactions);
    }
  }

  /** The reader moves on after every job, so that it never holds a checkpoint back. */
  #takeChanged(result: BodyResult): void {
    this.#setSize(result.size);
    this.#flusher.noteSize(result.size);
    this.#parts.reader.refresh();
  }

  #setSize(size: BodySize): void {
    this.#size = size;
    const { pages, freePages, pageBytes, historyRows } = size;
    this.view.body.averageRecordBytes = ((pages - freePages) * pageBytes) / Math.max(historyRows, 1);
  }
}
