import { type Change, describeChanges, type KeyState, type Observation, type RevisionChanges } from "./history.js";

/** A write on its way. Its effect, if it has one, is exactly `changes`, in one revision. */
export type Attempt = { readonly changes: readonly Change[] };

type LeaseRecord = {
  readonly ttlSeconds: number;
  readonly sentAtMs: number;
  readonly keys: Set<string>;
  /** "unknown": no answer came; such a lease may or may not be there. */
  state: "held" | "unknown" | "gone";
};

/**
 * What a member has to remember: everything that it acknowledged, and of everything else at most what was asked for, at most once.
 * The load tells it what it asks for and what it is answered; after a restart `check` holds the member's own words against that.
 */
export class CrashModel {
  readonly #keys = new Map<string, KeyState>();
  readonly #leases = new Map<string, LeaseRecord>();
  /** Changes by revision, as far as they have been checked and not been compacted. */
  readonly #past = new Map<number, string>();
  readonly #acknowledged = new Map<number, Attempt>();
  #unknown = new Set<Attempt>();
  readonly #compactions = new Set<number>([0]);
  #compactAcknowledged = 0;
  #checkedRevision = 1;
  #highestSeen = 1;
  /** Writes that were acknowledged, and writes without an answer that turned out to have happened, since the beginning. */
  readonly counts = { acknowledged: 0, unanswered: 0, landed: 0, expired: 0 };

  /** Everything up to here has been checked. */
  get checkedRevision(): number {
    return this.#checkedRevision;
  }

  /** The highest revision that any client was told of: who asks after that must see at least this. */
  get highestSeen(): number {
    return this.#highestSeen;
  }

  get compactRevision(): number {
    return this.#compactAcknowledged;
  }

  keyState(key: string): KeyState | undefined {
    return this.#keys.get(key);
  }

  acknowledge(attempt: Attempt, revision: number): void {
    const other = this.#acknowledged.get(revision);
    if (other !== undefined) {
      throw new Error(
        `revision ${revision} was given twice: ${describeChanges(other.changes)}; ${describeChanges(attempt.changes)}`,
      );
    }
    if (revision <= this.#checkedRevision) throw new Error(`revision ${revision} was given again after a restart`);
    this.#acknowledged.set(revision, attempt);
    this.#highestSeen = Math.max(this.#highestSeen, revision);
    this.counts.acknowledged++;
  }

  /** No answer came: it may have happened, or not, but it may not happen after the member is up again. */
  leaveOpen(attempt: Attempt): void {
    this.#unknown.add(attempt);
    this.counts.unanswered++;
  }

  compactionSent(revision: number): void {
    this.#compactions.add(revision);
  }

  compactionAcknowledged(revision: number): void {
    this.#compactAcknowledged = Math.max(this.#compactAcknowledged, revision);
  }

  leaseGranted(id: string, lease: { ttlSeconds: number; sentAtMs: number; isAcknowledged: boolean }): void {
    const { ttlSeconds, sentAtMs } = lease;
    this.#leases.set(id, { ttlSeconds, sentAtMs, keys: new Set(), state: lease.isAcknowledged ? "held" : "unknown" });
  }

  leaseRevoked(id: string, options: { isAcknowledged: boolean }): void {
    const lease = this.#leases.get(id);
    if (lease !== undefined && lease.state !== "gone") lease.state = options.isAcknowledged ? "gone" : "unknown";
  }

  /**
   * Holds what the member says against what it has to remember, and goes on from there.
   * @returns the problems, each in a sentence; none when all is well
   */
  check(seen: Observation): string[] {
    const problems: string[] = [];
    this.#checkRevisions(seen, problems);
    for (const one of seen.history) {
      if (one.revision <= this.#checkedRevision) this.#checkPast(one, problems);
      else this.#checkNew(one, seen.atMs, problems);
    }
    for (const [revision, attempt] of this.#acknowledged) {
      problems.push(`lost: revision ${revision} was acknowledged for ${describeChanges(attempt.changes)}`);
    }
    this.#checkKeys(seen.keys, problems);
    this.#checkLeases(seen, problems);
    this.#acknowledged.clear();
    this.#unknown = new Set(); // what has not happened by now must not happen any more
    this.#checkedRevision = Math.max(this.#checkedRevision, seen.revision);
    for (const revision of this.#past.keys()) if (revision <= seen.compactRevision) this.#past.delete(revision);
    return problems;
  }

  #checkRevisions(seen: Observation, problems: string[]): void {
    if (seen.revision < this.#highestSeen)
      problems.push(`the revision went back from ${this.#highestSeen} to ${seen.revision}`);
    if (seen.compactRevision < this.#compactAcknowledged) {
      problems.push(`compacted up to ${seen.compactRevision}, but ${this.#compactAcknowledged} was acknowledged`);
    }
    // A compaction that was not acknowledged shows itself only by what it has taken away: the deletion at its own revision.
    const first = seen.history[0]?.revision ?? 0;
    const isCutLater = first > seen.compactRevision + 1 && this.#compactions.has(first - 1);
    if (!this.#compactions.has(seen.compactRevision))
      problems.push(`nobody asked to compact up to ${seen.compactRevision}`);
    let next = isCutLater ? first : seen.compactRevision + 1;
    for (const { revision } of seen.history) {
      // The first revision of a store is 1, and nothing changed in it.
      if (revision !== next && !(next === 1 && revision === 2))
        problems.push(`a gap in history: ${revision} comes where ${next} should`);
      next = revision + 1;
    }
    if (next !== seen.revision + 1 && seen.revision > 1)
      problems.push(`history ends at ${next - 1}, the store is at ${seen.revision}`);
    this.#highestSeen = Math.max(this.#highestSeen, seen.revision);
    this.#compactAcknowledged = Math.max(this.#compactAcknowledged, seen.compactRevision);
  }

  #checkPast({ revision, changes }: RevisionChanges, problems: string[]): void {
    const before = this.#past.get(revision);
    const now = describeChanges(changes);
    if (before !== undefined && before !== now) problems.push(`revision ${revision} was "${before}" and is "${now}"`);
  }

  #checkNew({ revision, changes }: RevisionChanges, atMs: number, problems: string[]): void {
    const text = describeChanges(changes);
    this.#past.set(revision, text);
    const acknowledged = this.#acknowledged.get(revision);
    if (acknowledged !== undefined) {
      this.#acknowledged.delete(revision);
      const wanted = describeChanges(acknowledged.changes);
      if (wanted !== text) problems.push(`revision ${revision} was acknowledged for "${wanted}" and is "${text}"`);
    } else if (!this.#takeUnknown(text) && !this.#takeExpiry(changes, atMs, problems)) {
      problems.push(`revision ${revision} is "${text}", which nobody asked for (any more)`);
    }
    for (const change of changes) this.#apply(change, revision);
  }

  #takeUnknown(text: string): boolean {
    for (const attempt of this.#unknown) {
      if (describeChanges(attempt.changes) !== text) continue;
      this.#unknown.delete(attempt);
      this.counts.landed++;
      return true;
    }
    return false;
  }

  /** The end of a lease deletes its keys, in order, in a revision of its own. */
  #takeExpiry(changes: readonly Change[], atMs: number, problems: string[]): boolean {
    const keys = changes.map(({ key }) => key);
    const id = this.#keys.get(keys[0] ?? "")?.lease ?? "0";
    const lease = this.#leases.get(id);
    if (lease === undefined || changes.some(({ value }) => value !== undefined)) return false;
    if (keys.join() !== [...lease.keys].sort().join()) return false;
    const ageMs = atMs - lease.sentAtMs;
    if (ageMs < lease.ttlSeconds * 1000) problems.push(`lease ${id} of ${lease.ttlSeconds} s ended after ${ageMs} ms`);
    lease.state = "gone";
    this.counts.expired++;
    return true;
  }

  #apply({ key, value, lease }: Change, revision: number): void {
    const before = this.#keys.get(key);
    if (before !== undefined) this.#leases.get(before.lease)?.keys.delete(key);
    if (value === undefined) {
      this.#keys.delete(key);
      return;
    }
    this.#keys.set(key, {
      value,
      lease,
      createRevision: before?.createRevision ?? revision,
      modRevision: revision,
      version: (before?.version ?? 0) + 1,
    });
    this.#leases.get(lease)?.keys.add(key);
  }

  #checkKeys(seen: ReadonlyMap<string, KeyState>, problems: string[]): void {
    const text = (state: KeyState | undefined) =>
      state === undefined ? "absent" : Object.values(sorted(state)).join(" ");
    for (const key of new Set([...seen.keys(), ...this.#keys.keys()])) {
      const wanted = text(this.#keys.get(key));
      const is = text(seen.get(key));
      if (wanted !== is) problems.push(`key ${key}: wanted ${wanted}, is ${is}`);
    }
  }

  #checkLeases(seen: Observation, problems: string[]): void {
    for (const [id, lease] of this.#leases) {
      const isThere = seen.leases.has(id);
      const isYoung = seen.atMs - lease.sentAtMs < lease.ttlSeconds * 1000;
      if (lease.state === "held" && !isThere && isYoung) problems.push(`lease ${id} was granted and is not there`);
      if (lease.state === "gone" && isThere) problems.push(`lease ${id} is gone and is there again`);
      if (!isThere) lease.state = "gone";
      else if (lease.state === "unknown") lease.state = "held";
    }
    for (const id of seen.leases) if (!this.#leases.has(id)) problems.push(`nobody asked for lease ${id}`);
  }
}

function sorted({ value, lease, createRevision, modRevision, version }: KeyState): KeyState {
  return { value, createRevision, modRevision, version, lease };
}
