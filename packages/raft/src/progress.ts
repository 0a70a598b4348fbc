import { assert, type LogIndex } from "@quorate/common";
import { type InflightLimits, Inflights } from "./inflights.js";

/**
 * How a leader serves a member. "probe": it does not know where the logs agree and asks with one append at a time. "replicate": it
 * streams. "snapshot": it waits for a snapshot to arrive.
 */
export type ProgressState = "probe" | "replicate" | "snapshot";

/** What a leader knows about the log of one member, and what it may send to it. */
export class Progress {
  readonly inflights: Inflights;
  /** True when something was heard since the last check of the quorum. */
  isActive: boolean;
  #state: ProgressState = "probe";
  #match: LogIndex;
  #next: LogIndex;
  #isPaused = false;
  #pendingSnapshot: LogIndex | undefined;
  #sentCommit = 0 as LogIndex;

  constructor(start: Readonly<{ match: LogIndex; next: LogIndex; isActive: boolean }>, limits: InflightLimits) {
    this.#match = start.match;
    this.#next = start.next;
    this.isActive = start.isActive;
    this.inflights = new Inflights(limits);
  }

  get state(): ProgressState {
    return this.#state;
  }

  /** The highest index known to be equal in both logs. */
  get match(): LogIndex {
    return this.#match;
  }

  /** The next index to send. */
  get next(): LogIndex {
    return this.#next;
  }

  get pendingSnapshot(): LogIndex | undefined {
    return this.#pendingSnapshot;
  }

  /** True while nothing may be sent but heartbeats. */
  get isPaused(): boolean {
    return this.#isPaused || this.#state === "snapshot";
  }

  /** True when telling the commit index would be news, and the member has or will have entries it stands for. */
  isCommitNews(commit: LogIndex): boolean {
    return commit > this.#sentCommit && this.#sentCommit < this.#next - 1;
  }

  becomeProbe(): void {
    const next = Math.max(this.#match, this.#state === "snapshot" ? (this.#pendingSnapshot ?? 0) : 0) + 1;
    this.#enter("probe");
    this.#next = next as LogIndex;
    this.#limitSentCommit();
  }

  becomeReplicate(): void {
    this.#enter("replicate");
    this.#next = (this.#match + 1) as LogIndex;
  }

  becomeSnapshot(index: LogIndex): void {
    this.#enter("snapshot");
    this.#pendingSnapshot = index;
    this.#next = (index + 1) as LogIndex;
    this.#sentCommit = index;
  }

  /** The snapshot did not arrive: what it would have brought does not count. */
  forgetSnapshot(): void {
    this.#pendingSnapshot = undefined;
  }

  /** Nothing more goes out until something is heard. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  /** The member has everything up to `index`. @returns false when that is not new. */
  acknowledge(index: LogIndex): boolean {
    if (index <= this.#match) return false;
    this.#match = index;
    if (this.#next <= index) this.#next = (index + 1) as LogIndex;
    this.#isPaused = false;
    return true;
  }

  /**
   * The member refused what followed `rejected` and may agree at `hint`.
   * @returns false when the answer is late and says nothing new.
   */
  retreat(rejected: LogIndex, hint: LogIndex): boolean {
    if (this.#state === "replicate") {
      if (rejected <= this.#match) return false;
      this.#next = (this.#match + 1) as LogIndex;
    } else {
      if (this.#next - 1 !== rejected) return false;
      this.#next = Math.max(Math.min(rejected, hint + 1), this.#match + 1) as LogIndex;
      this.#isPaused = false;
    }
    this.#limitSentCommit();
    return true;
  }

  /** An append has gone out. */
  noteSent(sent: Readonly<{ entries: number; bytes: number; commit: LogIndex }>): void {
    assert(this.#state !== "snapshot", "no appends go out while a snapshot is on its way");
    if (this.#state === "replicate") {
      if (sent.entries > 0) {
        this.#next = (this.#next + sent.entries) as LogIndex;
        this.inflights.add((this.#next - 1) as LogIndex, sent.bytes);
      }
      this.#isPaused = this.inflights.isFull;
    } else if (sent.entries > 0) {
      this.#isPaused = true;
    }
    this.#sentCommit = sent.commit;
  }

  /** A heartbeat has told this commit index; it may be below what was told before. */
  noteHeartbeat(commit: LogIndex): void {
    this.#sentCommit = commit;
  }

  #enter(state: ProgressState): void {
    this.#state = state;
    this.#isPaused = false;
    this.#pendingSnapshot = undefined;
    this.inflights.clear();
  }

  #limitSentCommit(): void {
    if (this.#sentCommit > this.#next - 1) this.#sentCommit = (this.#next - 1) as LogIndex;
  }
}
