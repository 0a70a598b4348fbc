import { assert, type LogIndex, type Term } from "@quorate/common";
import type { Snapshot } from "./conf-change.js";
import type { Entry, EntryId } from "./entry.js";
import { EntryWindow } from "./entry-window.js";

/**
 * The part of the log that is not known to be stored: perhaps a received snapshot, and entries from `offset` on. Below
 * `inProgressEnd` they have been handed out for writing and are not confirmed.
 */
export class UnstableLog {
  readonly entries: EntryWindow;
  #snapshot: Snapshot | undefined;
  #isSnapshotInProgress = false;
  #inProgressEnd: LogIndex;

  constructor(offset: LogIndex) {
    this.entries = new EntryWindow(offset);
    this.#inProgressEnd = offset;
  }

  /** The index of the first unstable entry; of the next one when there is none. */
  get offset(): LogIndex {
    return this.entries.first;
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** The snapshot if it has not been handed out yet. */
  get nextSnapshot(): Snapshot | undefined {
    return this.#isSnapshotInProgress ? undefined : this.#snapshot;
  }

  get hasNextEntries(): boolean {
    return this.#inProgressEnd < this.entries.end;
  }

  /** Entries that have not been handed out yet. */
  nextEntries(): readonly Entry[] {
    return this.entries.slice(this.#inProgressEnd, this.entries.end);
  }

  /** All of it has been handed out for writing. */
  accept(): void {
    this.#inProgressEnd = this.entries.end;
    if (this.#snapshot !== undefined) this.#isSnapshotInProgress = true;
  }

  /** Undefined when this part does not know. */
  term(index: LogIndex): Term | undefined {
    const entry = this.entries.at(index);
    if (entry !== undefined) return entry.term;
    return this.#snapshot !== undefined && this.#snapshot.index === index ? this.#snapshot.term : undefined;
  }

  /** Adds entries; what conflicts with them is cut, and if it lies in storage it will be when these are written. */
  append(entries: readonly Entry[]): void {
    const from = (entries[0] as Entry).index;
    if (from !== this.entries.end) {
      if (from <= this.offset) {
        this.entries.reset(from);
        this.#inProgressEnd = from;
      } else {
        this.entries.dropFrom(from);
        if (from < this.#inProgressEnd) this.#inProgressEnd = from;
      }
    }
    for (let i = 0; i < entries.length; i++) this.entries.push(entries[i] as Entry);
  }

  /** The log is stored up to `id`. Ignored unless this part still has exactly that entry. */
  confirm(id: EntryId): void {
    if (this.entries.at(id.index)?.term !== id.term) return;
    this.entries.dropBefore((id.index + 1) as LogIndex);
    if (this.#inProgressEnd < this.offset) this.#inProgressEnd = this.offset;
  }

  /** The snapshot at `index` is stored. Ignored unless it is the one held. */
  confirmSnapshot(index: LogIndex): void {
    if (this.#snapshot?.index !== index) return;
    this.#snapshot = undefined;
    this.#isSnapshotInProgress = false;
  }

  /** Takes a snapshot in the place of everything. */
  restore(snapshot: Snapshot): void {
    assert(snapshot.index > 0, "a snapshot covers at least one entry");
    const next = (snapshot.index + 1) as LogIndex;
    this.entries.reset(next);
    this.#inProgressEnd = next;
    this.#snapshot = snapshot;
    this.#isSnapshotInProgress = false;
  }
}
