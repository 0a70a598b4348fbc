import { assert, type Clock, type LogIndex, type Term, type Timer } from "@quorate/common";
import type { BodyJob, BodyResult, BodySize, BodyState } from "./body/jobs.js";
import type { Head } from "./head.js";
import type { HeadLayer } from "./head-layer.js";
import type { EntryId } from "./mvcc.js";
import type { MvccTelemetry } from "./telemetry.js";

/** When to flush and to checkpoint. */
export type FlushSettings = Readonly<{
  headBytesMax: number;
  flushBytes: number;
  flushDelayMs: number;
  checkpointBytes: number;
}>;

/** What the flusher tells the store. */
export interface FlushListener {
  /** The body holds these layers now. Called before they leave the head. */
  flushed(layers: readonly HeadLayer[], result: BodyResult): void;
}

type Waiter = Readonly<{ index: LogIndex; resolve: () => void; reject: (error: Error) => void }>;

/** After a checkpoint that met a reader of an older state (a backup), the next one waits this long. */
const checkpointRetryMs = 50;

/** Decides when the head's layers go to the body and when the body is synced, and who waited for that. */
export class Flusher {
  readonly #head: Head;
  readonly #settings: FlushSettings;
  readonly #clock: Clock;
  readonly #listener: FlushListener;
  readonly #telemetry: MvccTelemetry;
  readonly #wake: () => void;
  #state: { flushed: EntryId; durable: EntryId; lastSeq: number };
  #timer: Timer | undefined;
  #isDue = false;
  #wantsCheckpoint = false;
  #isPausing = false;
  #flushWaiters: Waiter[] = [];
  #durableWaiters: Waiter[] = [];
  #drainWaiters: (() => void)[] = [];

  /** @param isSynced the file was found whole, with nothing of it in a log. */
  constructor(
    parts: {
      head: Head;
      settings: FlushSettings;
      clock: Clock;
      listener: FlushListener;
      telemetry: MvccTelemetry;
      wake: () => void;
    },
    state: BodyState,
    isSynced: boolean,
  ) {
    this.#head = parts.head;
    this.#settings = parts.settings;
    this.#clock = parts.clock;
    this.#listener = parts.listener;
    this.#telemetry = parts.telemetry;
    this.#wake = parts.wake;
    const flushed = { index: state.appliedIndex as LogIndex, term: state.appliedTerm as Term };
    // What was found in the file may sit in its log, unsynced. The first checkpoint makes it durable.
    const durable = isSynced ? flushed : { index: 0 as LogIndex, term: 0 as Term };
    this.#state = { flushed, durable, lastSeq: state.lastSeq };
    this.#wantsCheckpoint = !isSynced && state.appliedIndex > 0;
  }

  get flushed(): EntryId {
    return this.#state.flushed;
  }

  get durable(): EntryId {
    return this.#state.durable;
  }

  get isHeadFull(): boolean {
    return this.#head.bytes >= this.#settings.headBytesMax;
  }

  onHeadDrained(run: () => void): void {
    if (this.#isDrained()) run();
    else this.#drainWaiters.push(run);
  }

  /** Something was applied. Says whether the body has work now; otherwise a timer will. */
  noteApplied(): boolean {
    this.#head.sealLarge();
    if (this.#head.bytes >= this.#settings.flushBytes) return true;
    if (this.#timer === undefined && !this.#isDue && !this.#head.isEmpty) {
      this.#timer = this.#clock.after(this.#settings.flushDelayMs, () => {
        this.#timer = undefined;
        this.#isDue = true;
        this.#wake();
      });
    }
    return false;
  }

  /** Looks at what each job has left in SQLite's log: compaction and vacuum fill it too. */
  noteSize(size: BodySize): void {
    if (size.walBytes >= this.#settings.checkpointBytes) this.#wantsCheckpoint = true;
  }

  whenFlushed(index: LogIndex): Promise<void> {
    if (this.flushed.index >= index) return Promise.resolve();
    return new Promise((resolve, reject) => this.#flushWaiters.push({ index, resolve, reject }));
  }

  whenDurable(index: LogIndex): Promise<void> {
    if (this.durable.index >= index) return Promise.resolve();
    return new Promise((resolve, reject) => this.#durableWaiters.push({ index, resolve, reject }));
  }

  /** The next flush or checkpoint, if there is a reason for one. */
  nextWork(): { job: BodyJob; done: (result: BodyResult) => void } | undefined {
    const isAsked = this.#wantsCheckpoint || (this.#durableWaiters.length > 0 && !this.#needsFlush());
    if (isAsked && !this.#isPausing) return this.#checkpoint();
    if (this.#needsFlush()) return this.#flush();
    return undefined;
  }

  /** Nothing will be written any more: those who wait are told why. */
  fail(error: Error): void {
    this.stop();
    for (const waiter of [...this.#flushWaiters, ...this.#durableWaiters]) waiter.reject(error);
    this.#flushWaiters = [];
    this.#durableWaiters = [];
  }

  /** Those who wait for room: this store will not tell them any more. */
  takeDrainWaiters(): (() => void)[] {
    return this.#drainWaiters.splice(0);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #needsFlush(): boolean {
    const waits = (waiter: Waiter): boolean => waiter.index > this.flushed.index;
    if (this.#flushWaiters.some(waits) || this.#durableWaiters.some(waits)) return true;
    if (this.#head.isEmpty) return false;
    return this.#isDue || this.#head.layers.length > 1 || this.#head.bytes >= this.#settings.flushBytes;
  }

  #flush(): { job: BodyJob; done: (result: BodyResult) => void } {
    const layers = this.#head.takeOldest();
    const last = layers[layers.length - 1] as HeadLayer;
    const { applied, revision, compacted, lastSeq } = last.state;
    const changes = layers.reduce((sum, layer) => sum + layer.log.length, 0);
    assert(this.#state.lastSeq + changes === lastSeq, "changes are numbered without gaps");
    const runs = layers.map((layer) => layer.takeRun());
    const bytes = runs.reduce((sum, run) => sum + run.length, 0);
    const job: BodyJob = {
      kind: "flush",
      runs,
      firstSeq: this.#state.lastSeq + 1,
      bucketChanges: layers.flatMap((layer) => layer.bucketChanges),
      state: {
        appliedIndex: applied.index,
        appliedTerm: applied.term,
        revision,
        compactedPlusOne: compacted === undefined ? 0 : compacted + 1,
        lastSeq,
      },
    };
    const attributes = { "mvcc.revision": revision, "mvcc.changes": changes, "mvcc.run.bytes": bytes };
    const links = layers.flatMap((layer) => layer.links);
    const span = this.#telemetry.start("mvcc.flush", attributes, links);
    const done = (result: BodyResult): void => {
      this.#telemetry.end(span, result);
      this.#telemetry.countFlush(result, { changes, bytes });
      this.#state = { ...this.#state, flushed: applied, lastSeq };
      this.#listener.flushed(layers, result);
      this.#head.dropOldest(layers);
      this.#isDue = this.#isDue && this.#head.layers.length > 1;
      this.#flushWaiters = settle(this.#flushWaiters, applied.index);
      this.#tellDrained();
    };
    return { job, done };
  }

  #checkpoint(): { job: BodyJob; done: (result: BodyResult) => void } {
    this.#wantsCheckpoint = false;
    const { flushed } = this;
    const span = this.#telemetry.start("mvcc.checkpoint", {});
    const done = (result: BodyResult): void => {
      this.#telemetry.end(span, result);
      this.#telemetry.countCheckpoint(result);
      if (result.isComplete !== true) return this.#pause();
      this.#state = { ...this.#state, durable: flushed };
      this.#durableWaiters = settle(this.#durableWaiters, flushed.index);
    };
    return { job: { kind: "checkpoint" }, done };
  }

  /** An incomplete checkpoint met a reader that looks at an older state; later one gets further. */
  #pause(): void {
    this.#wantsCheckpoint = true;
    this.#isPausing = true;
    this.#clock.after(checkpointRetryMs, () => {
      this.#isPausing = false;
      this.#wake();
    });
  }

  #isDrained(): boolean {
    return this.#head.bytes <= this.#settings.headBytesMax / 2;
  }

  #tellDrained(): void {
    if (this.#drainWaiters.length === 0 || !this.#isDrained()) return;
    const waiting = this.#drainWaiters;
    this.#drainWaiters = [];
    for (const run of waiting) run();
  }
}

function settle(waiters: readonly Waiter[], index: LogIndex): Waiter[] {
  const left: Waiter[] = [];
  for (const waiter of waiters) {
    if (waiter.index <= index) waiter.resolve();
    else left.push(waiter);
  }
  return left;
}
