import { assert, type LogIndex, type Term } from "@quorate/common";
import type { Snapshot } from "./conf-change.js";
import { type Entry, type EntryId, entriesBytes, entryBytes, payloadBytes } from "./entry.js";
import type { RaftLogSource } from "./log-source.js";
import { UnstableLog } from "./unstable-log.js";

/** Limits and habits of a `RaftLog`. */
export type RaftLogOptions = Readonly<{
  /** Committed entries that are handed out and not yet applied, in bytes by `entryBytes`; one entry may always go. */
  applyingBytesMax: number;
  /** True: entries are handed out for application in the same Ready that asks to store them. */
  mayApplyUnstable: boolean;
}>;

/** A run of entries that was read to be sent. */
type SentRun = Readonly<{ from: LogIndex; end: LogIndex; entries: readonly Entry[] }>;

/** A run of entries that was handed out for application and is not applied yet. */
type ApplyingRun = Readonly<{ last: LogIndex; bytes: number; payloadBytes: number }>;

/** The log as the core sees it: what is stored, the unstable part on top, and how far it is committed, handed out and applied. */
export class RaftLog {
  readonly unstable: UnstableLog;
  readonly #source: RaftLogSource;
  readonly #options: RaftLogOptions;
  #committed: LogIndex;
  #applying: LogIndex;
  #applied: LogIndex;
  #runs: ApplyingRun[] = [];
  #applyingBytes = 0;
  #isPaused = false;
  #lastSent: SentRun | undefined;

  constructor(source: RaftLogSource, options: RaftLogOptions) {
    this.#source = source;
    this.#options = options;
    this.unstable = new UnstableLog((source.lastIndex + 1) as LogIndex);
    this.#committed = this.#applying = this.#applied = (source.firstIndex - 1) as LogIndex;
  }

  get committed(): LogIndex {
    return this.#committed;
  }

  /** The last index confirmed as applied. */
  get applied(): LogIndex {
    return this.#applied;
  }

  /** The last index handed out for application. */
  get applying(): LogIndex {
    return this.#applying;
  }

  get firstIndex(): LogIndex {
    const snapshot = this.unstable.snapshot;
    return snapshot === undefined ? this.#source.firstIndex : ((snapshot.index + 1) as LogIndex);
  }

  get lastIndex(): LogIndex {
    const { entries, snapshot } = this.unstable;
    if (entries.length > 0) return (entries.end - 1) as LogIndex;
    return snapshot === undefined ? this.#source.lastIndex : snapshot.index;
  }

  get lastId(): EntryId {
    const index = this.lastIndex;
    const term = this.term(index);
    assert(term !== undefined, "the term of the last entry is known");
    return { index, term };
  }

  /** Known from `firstIndex - 1` to `lastIndex`; undefined outside. */
  term(index: LogIndex): Term | undefined {
    const term = this.unstable.term(index);
    if (term !== undefined) return term;
    if (index + 1 < this.firstIndex || index >= this.unstable.offset) return undefined;
    return this.#source.term(index);
  }

  /** True when the log has exactly this entry. */
  has(id: EntryId): boolean {
    return this.term(id.index) === id.term;
  }

  /** True when a log that ends in `last` is not behind this one. @see Raft paper, section 5.4.1. */
  isUpToDate(last: EntryId): boolean {
    const own = this.lastId;
    return last.term > own.term || (last.term === own.term && last.index >= own.index);
  }

  /** Entries from `from` up to and without `end`, at most `maxBytes` but at least one. @throws RaftError "raft/compacted". */
  slice(from: LogIndex, end: LogIndex, maxBytes: number): readonly Entry[] {
    const { entries, offset } = this.unstable;
    if (from >= end) return [];
    if (from >= offset) return entries.sliceWithin(from, end, maxBytes, entryBytes);
    const border = Math.min(end, offset) as LogIndex;
    const stored = this.#source.entries(from, border, maxBytes);
    if (border === end || stored.length < border - from) return stored;
    if (maxBytes === Number.POSITIVE_INFINITY) return [...stored, ...entries.slice(border, end)];
    const left = maxBytes - entriesBytes(stored);
    const first = entries.at(border);
    if (first === undefined || entryBytes(first) > left) return stored;
    return [...stored, ...entries.sliceWithin(border, end, left, entryBytes)];
  }

  /**
   * The entries from `from` on that fit into one message. Members that are equally far get the same list, so that whoever encodes
   * it has to do so once.
   */
  entriesToSend(from: LogIndex, maxBytes: number): readonly Entry[] {
    const end = (this.lastIndex + 1) as LogIndex;
    if (this.#lastSent?.from !== from || this.#lastSent.end !== end) {
      this.#lastSent = { from, end, entries: this.slice(from, end, maxBytes) };
    }
    return this.#lastSent.entries;
  }

  /** Adds entries after cutting what conflicts with them. */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    this.#lastSent = undefined;
    assert(first.index > this.#committed, "committed entries are never overwritten");
    this.unstable.append(entries);
  }

  /**
   * The largest index at or below `index` whose term is not above `term`. The first unknown term ends the search with that index
   * and no term.
   */
  findConflict(index: LogIndex, term: Term): Readonly<{ index: LogIndex; term: Term | undefined }> {
    for (let at: number = index; at > 0; at--) {
      const own = this.term(at as LogIndex);
      if (own === undefined) return { index: at as LogIndex, term: undefined };
      if (own <= term) return { index: at as LogIndex, term: own };
    }
    return { index: 0 as LogIndex, term: undefined };
  }

  /** Never goes back. @returns true when it moved. */
  commitTo(index: LogIndex): boolean {
    if (index <= this.#committed) return false;
    assert(index <= this.lastIndex, "the commit index does not pass the end of the log");
    this.#committed = index;
    return true;
  }

  /** Takes a received snapshot in the place of everything. */
  restore(snapshot: Snapshot): void {
    this.#lastSent = undefined;
    this.unstable.restore(snapshot);
    this.#committed = snapshot.index;
  }

  /** What a follower without our entries gets: a received snapshot that waits for storage, or the host's. */
  snapshotToSend(): Snapshot | undefined {
    return this.unstable.snapshot ?? this.#source.snapshot();
  }

  get #maxAppliable(): LogIndex {
    if (this.#options.mayApplyUnstable) return this.#committed;
    return Math.min(this.#committed, this.unstable.offset - 1) as LogIndex;
  }

  get hasEntriesToApply(): boolean {
    return !this.#isPaused && this.unstable.snapshot === undefined && this.#applying < this.#maxAppliable;
  }

  /** The next committed entries to hand out. */
  entriesToApply(): readonly Entry[] {
    if (!this.hasEntriesToApply) return [];
    const left = this.#options.applyingBytesMax - this.#applyingBytes;
    return this.slice((this.#applying + 1) as LogIndex, (this.#maxAppliable + 1) as LogIndex, left);
  }

  /** These entries have been handed out for application. */
  acceptApplying(entries: readonly Entry[]): void {
    const last = entries[entries.length - 1];
    if (last === undefined) return;
    const bytes = entriesBytes(entries);
    this.#runs.push({ last: last.index, bytes, payloadBytes: payloadBytes(entries) });
    this.#applying = last.index;
    this.#applyingBytes += bytes;
    // Short of the end means that the limit cut the run: more goes out when some of it has been applied.
    this.#isPaused = this.#applyingBytes >= this.#options.applyingBytesMax || last.index < this.#maxAppliable;
  }

  /**
   * Everything up to `index` has been applied.
   * @returns payload bytes of the runs that are through with it.
   */
  confirmApplied(index: LogIndex): number {
    assert(index <= this.#committed, "only committed entries are applied");
    assert(index >= this.#applied, "the applied index never goes back");
    this.#applied = index;
    if (this.#applying < index) this.#applying = index;
    let payload = 0;
    let through = 0;
    for (const run of this.#runs) {
      if (run.last > index) break;
      through++;
      payload += run.payloadBytes;
      this.#applyingBytes -= run.bytes;
    }
    if (through > 0) this.#runs.splice(0, through);
    this.#isPaused = this.#applyingBytes >= this.#options.applyingBytesMax;
    return payload;
  }
}
