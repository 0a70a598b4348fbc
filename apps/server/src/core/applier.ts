import type { EntryId, Mvcc } from "@quorate/mvcc";
import { type ConfChange, decodeConfChange, type Entry, type RaftNode } from "@quorate/raft";
import type { Fault } from "../public-errors.js";
import { applyRequest } from "./apply-entry.js";
import { ApplyQueue } from "./apply-queue.js";
import { readConfChange } from "./conf-change-request.js";
import { applyConfChange } from "./conf-change-apply.js";
import type { FromCore } from "./core-link.js";
import type { CoreOptions, CorePorts } from "./core-options.js";
import { EntryField, type EntryView, viewEntry } from "./entry-codec.js";
import type { MemberState, Outcome } from "./member-state.js";
import type { RequestSerial } from "./request-serial.js";
import type { WatchStreams } from "./watch-streams.js";

/** Requests of the log whose size counts against the quota. */
const costly: ReadonlySet<number> = new Set([EntryField.put, EntryField.txn, EntryField.leaseGrant]);
const putOverheadBytes = 256;

/** What applying needs of the rest of the core. */
export type ApplierParts = Readonly<{
  state: MemberState;
  raft: RaftNode;
  serial: RequestSerial;
  watches: WatchStreams;
  emit(message: FromCore): void;
  raiseNoSpace(): void;
  /** Tells a caller of a compaction when it is time to. */
  answerCompaction(data: Uint8Array, view: EntryView, tell: () => void): void;
  /** A change of the members has been applied, or was refused. `serial` is that of the request when it was made here. */
  onConfChange(change: ConfChange, outcome: Outcome, serial: number | undefined): void;
  /** All entries up to this one are applied. Called once for a run of entries. */
  onApplied(entry: Entry): void;
}>;

/** Applies what is committed to the member's state, in order, and answers who waits for it here. */
export class Applier {
  readonly #parts: ApplierParts;
  readonly #options: CoreOptions;
  readonly #ports: CorePorts;
  readonly #queue: ApplyQueue;
  #applied: EntryId;

  constructor(parts: ApplierParts, options: CoreOptions, ports: CorePorts) {
    this.#parts = parts;
    this.#options = options;
    this.#ports = ports;
    const { mvcc } = parts.state;
    this.#applied = mvcc.applied;
    this.#queue = new ApplyQueue(
      {
        apply: (entry) => this.#apply(entry),
        hasRoom: () => !mvcc.isHeadFull(),
        onRoom: (run) => mvcc.onHeadDrained(run),
        applied: (entry) => parts.onApplied(entry),
      },
      ports,
    );
  }

  /** The last entry that was applied. */
  get applied(): EntryId {
    return this.#applied;
  }

  /** Entries that are committed and not yet applied. */
  get backlog(): number {
    return this.#queue.backlog;
  }

  /** Takes a run of committed entries. */
  push(entries: readonly Entry[]): void {
    this.#queue.push(entries);
  }

  /** A snapshot is about to take the place of what is applied: what is not applied yet is in it. */
  restoring(): void {
    this.#queue.drop();
  }

  /** It has. */
  restored(applied: EntryId): void {
    this.#applied = applied;
  }

  stop(): void {
    this.#queue.stop();
  }

  #apply(entry: Entry): void {
    this.#applied = { index: entry.index, term: entry.term };
    if (entry.kind !== "normal") this.#applyConfChange(entry);
    else if (entry.data.length === 0) this.#parts.state.mvcc.markApplied(this.#applied);
    else this.#applyRequest(entry);
  }

  #applyConfChange(entry: Entry): void {
    const { index, term } = entry;
    const { state, raft, serial } = this.#parts;
    const { change, id } = readConfChange(decodeConfChange(entry.kind, entry.data));
    const isAwaited = id !== undefined && serial.mayBeAwaited(id);
    const context = { index, term, nowMs: this.#ports.clock.monotonicMs(), isAwaited };
    const outcome = applyConfChange(state, raft, change, context);
    this.#parts.onConfChange(change, outcome, isAwaited ? id.serial : undefined);
  }

  #applyRequest(entry: Entry): void {
    const { state, watches, serial } = this.#parts;
    const { index, term } = entry;
    const { observe, clock, tracing } = this.#ports;
    const nowMs = clock.monotonicMs();
    const view = viewEntry(entry.data);
    const isAwaited = serial.mayBeAwaited(view);
    const isOverQuota = costly.has(view.field) && this.#isOverQuota(view.end - view.start);
    const span = tracing.applying(index, isAwaited ? view.serial : undefined);
    const outcome = applyRequest(state, entry.data, view, { index, term, nowMs, isAwaited });
    const tookMs = clock.monotonicMs() - nowMs;
    observe.applied(view.field, tookMs / 1000, outcome.kind === "done");
    if (tookMs > this.#options.slowApplyMs) this.#warnSlow(view, tookMs);
    if (outcome.kind === "refused") {
      state.mvcc.markApplied(this.#applied);
      span?.end({ fault: outcome.fault.code });
      if (isAwaited) this.#answer(view, entry.data, { fault: outcome.fault });
      return;
    }
    const { committed } = outcome;
    if (committed !== undefined && committed.changes.length > 0) {
      observe.changed(committed);
      if (span === undefined || watches.streamCount === 0) watches.publish(committed);
      else span.watch((delivered) => watches.publish(committed, delivered));
    }
    span?.end({ committed });
    if (!isAwaited) return;
    if (isOverQuota) {
      this.#parts.raiseNoSpace();
      return this.#answer(view, entry.data, { fault: { code: "server/no-space" } });
    }
    const { unanswerable: fault, reply } = outcome;
    this.#answer(view, entry.data, fault === undefined ? { reply } : { fault });
  }

  #warnSlow(view: EntryView, tookMs: number): void {
    this.#ports.logger.warn("apply request took too long", {
      took: `${tookMs.toFixed(3)}ms`,
      "expected-duration": `${this.#options.slowApplyMs}ms`,
      prefix: "",
      request: `ID:${view.serial} field:${view.field} size:${view.end - view.start}`,
    });
  }

  #answer(view: EntryView, data: Uint8Array, answer: { reply: Uint8Array } | { fault: Fault }): void {
    const { serial } = view;
    const tell = (): void => {
      if ("fault" in answer) this.#parts.emit({ kind: "fail", serial, fault: answer.fault });
      else this.#parts.emit({ kind: "reply", serial, parts: [answer.reply] });
    };
    if (view.field !== EntryField.compaction) return tell();
    this.#parts.answerCompaction(data, view, tell);
  }

  #isOverQuota(requestBytes: number): boolean {
    const quota = this.#options.quotaBytes;
    if (quota === undefined) return false;
    return databaseBytesOf(this.#parts.state.mvcc) + putOverheadBytes + requestBytes >= quota;
  }
}

/** The database as it will be: its file, and what has not reached it yet. */
export function databaseBytesOf(mvcc: Mvcc): number {
  return mvcc.size().totalBytes + mvcc.headBytes();
}
