import { assert, type LogIndex, type Term } from "@quorate/common";
import type { Snapshot } from "./conf-change.js";
import { type Entry, type EntryId, entryBytes } from "./entry.js";
import { EntryWindow } from "./entry-window.js";
import type { RaftLogSource } from "./log-source.js";
import { RaftError } from "./raft-error.js";

/** What a `MemoryLog` begins with: what a restart recovered. */
export type MemoryLogOptions = Readonly<{
  /** The last entry that is covered by a snapshot or by the applied state and not kept. Absent: nothing was ever there. */
  base?: EntryId;
  /** Consecutive entries after `base`. */
  entries?: readonly Entry[];
  /** Gives the snapshot to send to a follower; undefined means "not now". Absent: the one last given to `applySnapshot`. */
  snapshot?: () => Snapshot | undefined;
}>;

const noEntry: EntryId = { index: 0 as LogIndex, term: 0 as Term };

/**
 * The stored log in memory, kept by the driver. It grows by `append` and shrinks only by `compact`: the driver decides how many
 * entries stay for followers that lag, and so how much memory they take.
 */
export class MemoryLog implements RaftLogSource {
  #base: EntryId;
  readonly #entries: EntryWindow;
  readonly #makeSnapshot: (() => Snapshot | undefined) | undefined;
  #snapshot: Snapshot | undefined;
  #bytes = 0;

  constructor(options: MemoryLogOptions = {}) {
    this.#base = options.base ?? noEntry;
    this.#entries = new EntryWindow((this.#base.index + 1) as LogIndex);
    this.#makeSnapshot = options.snapshot;
    for (const entry of options.entries ?? []) this.#push(entry);
  }

  get firstIndex(): LogIndex {
    return this.#entries.first;
  }

  get lastIndex(): LogIndex {
    return (this.#entries.end - 1) as LogIndex;
  }

  /** How many entries are held. */
  get length(): number {
    return this.#entries.length;
  }

  /** What the entries held weigh, by `entryBytes`. */
  get bytes(): number {
    return this.#bytes;
  }

  term(index: LogIndex): Term | undefined {
    if (index === this.#base.index) return this.#base.term;
    return this.#entries.at(index)?.term;
  }

  /** The entry at `index`, or undefined when it is not held. */
  at(index: LogIndex): Entry | undefined {
    return this.#entries.at(index);
  }

  entries(from: LogIndex, end: LogIndex, maxBytes: number): readonly Entry[] {
    if (from < this.firstIndex) {
      throw new RaftError({ code: "raft/compacted", index: from, firstIndex: this.firstIndex });
    }
    if (end > this.#entries.end) {
      throw new RaftError({ code: "raft/unavailable", index: (end - 1) as LogIndex, lastIndex: this.lastIndex });
    }
    return this.#entries.sliceWithin(from, end, maxBytes, entryBytes);
  }

  snapshot(): Snapshot | undefined {
    return this.#makeSnapshot === undefined ? this.#snapshot : this.#makeSnapshot();
  }

  /** Adds entries. What was stored from the first one's index on is cut off; entries that are compacted already are skipped. */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    const skip = Math.max(0, this.firstIndex - first.index);
    if (skip >= entries.length) return;
    const from = (first.index + skip) as LogIndex;
    assert(from <= this.#entries.end, "stored entries have no gap");
    if (from < this.#entries.end) {
      this.#bytes -= this.#bytesOf(from, this.#entries.end);
      this.#entries.dropFrom(from);
    }
    for (let i = skip; i < entries.length; i++) this.#push(entries[i] as Entry);
  }

  /**
   * Puts a received snapshot in the place of all entries.
   * @throws RaftError "raft/snapshot-out-of-date" when a snapshot that is not older is there already.
   */
  applySnapshot(snapshot: Snapshot): void {
    const existing = this.#snapshot?.index ?? (0 as LogIndex);
    if (existing !== 0 && existing >= snapshot.index) {
      throw new RaftError({ code: "raft/snapshot-out-of-date", index: snapshot.index, existing, term: snapshot.term });
    }
    this.#snapshot = snapshot;
    this.#base = { index: snapshot.index, term: snapshot.term };
    this.#entries.reset((snapshot.index + 1) as LogIndex);
    this.#bytes = 0;
  }

  /**
   * Forgets the entries up to and with `index`, whose term stays known.
   * @throws RaftError "raft/compacted" when that has happened already.
   */
  compact(index: LogIndex): void {
    if (index <= this.#base.index) {
      throw new RaftError({ code: "raft/compacted", index, firstIndex: this.firstIndex });
    }
    const term = this.term(index);
    assert(term !== undefined, "only stored entries are compacted");
    this.#base = { index, term };
    this.#bytes -= this.#bytesOf(this.firstIndex, (index + 1) as LogIndex);
    this.#entries.dropBefore((index + 1) as LogIndex);
  }

  #push(entry: Entry): void {
    this.#entries.push(entry);
    this.#bytes += entryBytes(entry);
  }

  #bytesOf(from: LogIndex, end: LogIndex): number {
    let bytes = 0;
    for (let index = from; index < end; index++) bytes += entryBytes(this.#entries.at(index) as Entry);
    return bytes;
  }
}
