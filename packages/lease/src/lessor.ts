import { assert, type LeaseId, type LogIndex } from "@quorate/common";
import { countOfKeys, sortedKeys, withKey, withoutKey } from "./attached-keys.js";
import { byId, deadlineOf, Lease, recordOf, secondsLeft } from "./lease.js";
import { LeaseError } from "./lease-error.js";
import type { LeaseEvent } from "./lease-event.js";
import type { LeaseCheckpoint, LeaseRecord } from "./lease-record.js";
import { defaultLessorOptions, type LessorOptions } from "./lessor-options.js";
import { Schedule } from "./schedule.js";
import { spreadDeadlines } from "./spread.js";

/** The answer to a keep-alive. */
export type Renewal =
  /**
   * The lease lives for another `ttlSeconds`. When `clearsCheckpoint` is true a checkpoint of it is recorded or on its way: propose
   * `checkpoint(id, undefined)` and answer only once that is applied, or a new leader would not know of this renewal.
   */
  | { kind: "renewed"; ttlSeconds: number; clearsCheckpoint: boolean }
  /** It is overdue and waits for its revoke. Answer "not found" after the revoke; ask again if leadership is lost instead. */
  | { kind: "pending" }
  | { kind: "not-found" };

/** What `tick` wants proposed. Ids ascend. */
export type LeaseWork = Readonly<{ expired: readonly LeaseId[]; checkpoints: readonly LeaseCheckpoint[] }>;

/** How long a lease has. */
export type TimeToLive = Readonly<{
  /** Whole seconds left, rounded down; 0 when it is overdue. May exceed `grantedSeconds` after a change of leader. */
  remainingSeconds: number;
  grantedSeconds: number;
  keyCount: number;
}>;

const noWork: LeaseWork = { expired: [], checkpoints: [] };

/**
 * The lease table of one member. What is replicated (which leases there are, their TTLs, keys and checkpoints) changes only through
 * `grant`, `revoke`, `attach`, `detach`, `checkpoint` and `restore`, called in the order of the log, the same on every member.
 * Deadlines exist on the primary only (the leader) and never enter the log: `tick` names leases to revoke, the caller proposes.
 *
 * Times are milliseconds of one monotonic clock, passed in. No lease is ever named before its deadline.
 * @see etcd API reference, Lease. The idea: Gray and Cheriton, Leases, SOSP 1989.
 */
export class Lessor {
  readonly #options: LessorOptions;
  readonly #observe: ((event: LeaseEvent) => void) | undefined;
  readonly #leases = new Map<LeaseId, Lease>();
  readonly #deadlines = new Schedule<Lease["expiry"]>();
  readonly #checkpoints = new Schedule<Lease["checkpoint"]>();
  #isPrimary = false;
  #nextLookMs = 0;

  /** @param ports `observe` is told what happened, at once and in order; without it nothing is made up for it. */
  constructor(options: Partial<LessorOptions> = {}, ports: { observe?: (event: LeaseEvent) => void } = {}) {
    this.#options = { ...defaultLessorOptions, ...options };
    this.#observe = ports.observe;
  }

  get size(): number {
    return this.#leases.size;
  }

  /** True between `promote` and `demote`. */
  get isPrimary(): boolean {
    return this.#isPrimary;
  }

  has(id: LeaseId): boolean {
    return this.#leases.has(id);
  }

  /**
   * For apply: true when an entry made when `seen` was the last entry applied cannot mean the lease that has this id now, because
   * there is none or it was granted later.
   */
  isStale(id: LeaseId, seen: LogIndex): boolean {
    const lease = this.#leases.get(id);
    return lease === undefined || lease.grantedAt > seen;
  }

  /**
   * Grants a lease that lives for at least its TTL from the moment the entry is applied.
   * @param lease `id` is anything but 0. `ttlSeconds` is at most `maxTtlSeconds`; below `minTtlSeconds`, zero and negative included,
   * it is raised to that. `grantedAt` is the entry that is applied.
   * @returns what to keep on disk, with the TTL really granted.
   * @throws LeaseError "lease/ttl-too-large", "lease/exists" when the id is alive; in this order.
   */
  grant(lease: { id: LeaseId; ttlSeconds: number; grantedAt: LogIndex }, nowMs: number): LeaseRecord {
    const { minTtlSeconds, maxTtlSeconds } = this.#options;
    const { id, ttlSeconds, grantedAt } = lease;
    assert(id !== 0n, "0 is never a lease");
    if (ttlSeconds > maxTtlSeconds) throw new LeaseError({ code: "lease/ttl-too-large", ttlSeconds, maxTtlSeconds });
    if (this.#leases.has(id)) throw new LeaseError({ code: "lease/exists", id });
    const effective = Math.max(ttlSeconds, minTtlSeconds);
    const granted = new Lease({ id, ttlSeconds: effective, remainingTtlSeconds: undefined, grantedAt });
    this.#leases.set(id, granted);
    if (this.#isPrimary) this.#setDeadline(granted, deadlineOf(granted, nowMs));
    this.#observe?.({ kind: "granted", id, ttlSeconds: granted.ttlSeconds });
    return recordOf(granted);
  }

  /**
   * Ends a lease, whatever time it has left.
   * @returns the keys that go with it, in byte order: the caller deletes them in one revision.
   * @throws LeaseError "lease/not-found".
   */
  revoke(id: LeaseId): { keys: readonly Uint8Array[] } {
    const lease = this.#mustFind(id);
    this.#leases.delete(id);
    this.#deadlines.remove(lease.expiry);
    this.#checkpoints.remove(lease.checkpoint);
    const keys = sortedKeys(lease.keys);
    this.#observe?.({ kind: "revoked", id, keyCount: keys.length, wasProposed: lease.isRevokeProposed });
    return { keys };
  }

  /** Ties keys to a lease; those it has already stay. @throws LeaseError "lease/not-found". */
  attach(id: LeaseId, keys: readonly Uint8Array[]): void {
    const lease = this.#mustFind(id);
    for (const key of keys) lease.keys = withKey(lease.keys, key);
  }

  /** Unties keys. A lease that is gone, or a key that is not attached, is not an error. */
  detach(id: LeaseId, keys: readonly Uint8Array[]): void {
    const lease = this.#leases.get(id);
    if (lease === undefined) return;
    for (const key of keys) lease.keys = withoutKey(lease.keys, key);
  }

  /** The keys attached to a lease, in byte order; `undefined` when there is no such lease. */
  keysOf(id: LeaseId): readonly Uint8Array[] | undefined {
    const lease = this.#leases.get(id);
    return lease === undefined ? undefined : sortedKeys(lease.keys);
  }

  /** Keeps a lease alive: a whole TTL from now. @throws LeaseError "lease/not-primary". */
  renew(id: LeaseId, nowMs: number): Renewal {
    if (!this.#isPrimary) throw new LeaseError({ code: "lease/not-primary" });
    const lease = this.#leases.get(id);
    if (lease === undefined) return { kind: "not-found" };
    if (lease.deadlineMs <= nowMs) return { kind: "pending" };
    // Never a step back: a deadline set by `promote` also covers what the leader before us may have promised.
    this.#setDeadline(lease, Math.max(lease.deadlineMs, nowMs + lease.ttlSeconds * 1000));
    this.#observe?.({ kind: "renewed", id, ttlSeconds: lease.ttlSeconds });
    const clearsCheckpoint = lease.remainingTtlSeconds !== undefined || lease.checkpointsInFlight > 0;
    return { kind: "renewed", ttlSeconds: lease.ttlSeconds, clearsCheckpoint };
  }

  /** @returns `undefined` when there is no such lease. @throws LeaseError "lease/not-primary": only the primary knows. */
  timeToLive(id: LeaseId, nowMs: number): TimeToLive | undefined {
    if (!this.#isPrimary) throw new LeaseError({ code: "lease/not-primary" });
    const lease = this.#leases.get(id);
    if (lease === undefined) return undefined;
    return {
      remainingSeconds: Math.max(0, Math.floor((lease.deadlineMs - nowMs) / 1000)),
      grantedSeconds: lease.ttlSeconds,
      keyCount: countOfKeys(lease.keys),
    };
  }

  /** True while a lease is past its deadline and not revoked yet, which is when `renew` answers "pending". */
  isOverdue(id: LeaseId, nowMs: number): boolean {
    const lease = this.#leases.get(id);
    return lease !== undefined && lease.deadlineMs <= nowMs;
  }

  /** All ids, those with the least time left first; ids ascend where that is equal, as it is on a member that is not primary. */
  list(): LeaseId[] {
    const leases = [...this.#leases.values()];
    leases.sort((a, b) => (a.deadlineMs === b.deadlineMs ? byId(a, b) : a.deadlineMs < b.deadlineMs ? -1 : 1));
    return leases.map((lease) => lease.id);
  }

  /** Replaces the table by what was kept on disk or came with a snapshot, without keys (`attach` follows) and not primary. */
  restore(records: Iterable<LeaseRecord>): void {
    this.#leave();
    this.#leases.clear();
    for (const record of records) this.#leases.set(record.id, new Lease(record));
  }

  /** What is to be kept on disk of every lease, ids ascending. */
  records(): LeaseRecord[] {
    return [...this.#leases.values()].sort(byId).map(recordOf);
  }

  /**
   * Becomes primary. Call it when the first entry of the own term is applied: by then all that earlier leaders proposed is settled.
   * Each lease gets `extendMs` (the election timeout, in which the leader before may have renewed it) and its checkpointed rest or
   * whole TTL. Many leases are spread so that they do not all expire together.
   */
  promote(nowMs: number, extendMs: number): void {
    this.#leave();
    this.#isPrimary = true;
    this.#nextLookMs = nowMs;
    const leases = [...this.#leases.values()].sort(byId);
    for (const lease of leases) lease.deadlineMs = deadlineOf(lease, nowMs + extendMs);
    const { spreadFrom, spreadPerSecond } = this.#options;
    const delayed = leases.length >= spreadFrom ? spreadDeadlines(leases, spreadPerSecond) : 0;
    for (const lease of leases) this.#setDeadline(lease, lease.deadlineMs);
    this.#observe?.({ kind: "promoted", leaseCount: leases.length, delayed });
  }

  /**
   * No longer primary: no lease has a deadline. To be called before an entry of a later term is applied. Callers that wait for the
   * revoke of an overdue lease have to ask the new leader.
   */
  demote(): void {
    if (!this.#isPrimary) return;
    this.#leave();
    this.#observe?.({ kind: "demoted" });
  }

  /**
   * Looks for work, at most once in `lookIntervalMs`; cheap in between and when nothing is due, however many leases there are.
   * `expired` is to be revoked, all in one entry; what is not revoked in `retryMs` is named again. `checkpoints` is for one entry.
   *
   * Two rules keep such an entry from ending a lease early. It must have no effect in another term than the one it was proposed in,
   * because a later leader has promised its leases more time. And it carries the index applied when it was made, so that apply can
   * leave out with `isStale` what was revoked and granted anew in between. Both hold for checkpoints as well.
   */
  tick(nowMs: number): LeaseWork {
    if (!this.#isPrimary || nowMs < this.#nextLookMs) return noWork;
    this.#nextLookMs = nowMs + this.#options.lookIntervalMs;
    const expired = this.#takeExpired(nowMs);
    const checkpoints = this.#takeCheckpoints(nowMs);
    return expired.length === 0 && checkpoints.length === 0 ? noWork : { expired, checkpoints };
  }

  /**
   * For a leader that stops or hands over: checkpoints of all leases that have lost a second or more since the last one, whatever
   * their TTL, in batches of at most `checkpointsPerLookMax`, one entry each. A restart then renews nothing.
   */
  checkpointAll(nowMs: number): (readonly LeaseCheckpoint[])[] {
    if (!this.#isPrimary) return [];
    const due = [...this.#leases.values()].sort(byId);
    const checkpoints = due.flatMap((lease) => this.#checkpointOf(lease, nowMs) ?? []);
    const batches: LeaseCheckpoint[][] = [];
    const size = this.#options.checkpointsPerLookMax;
    for (let from = 0; from < checkpoints.length; from += size) batches.push(checkpoints.slice(from, from + size));
    return batches;
  }

  /**
   * Records (or with `undefined`, or 0, clears) the remaining time of a lease. It moves no deadline.
   * @returns what to keep on disk; `undefined` when the lease is gone, which is not an error.
   */
  checkpoint(id: LeaseId, remainingTtlSeconds: number | undefined): LeaseRecord | undefined {
    const lease = this.#leases.get(id);
    if (lease === undefined) return undefined;
    const isClear = remainingTtlSeconds === undefined || remainingTtlSeconds <= 0;
    lease.remainingTtlSeconds = isClear ? undefined : Math.min(remainingTtlSeconds, lease.ttlSeconds);
    if (!isClear && lease.checkpointsInFlight > 0) lease.checkpointsInFlight -= 1;
    if (this.#isPrimary) this.#planCheckpoint(lease);
    this.#observe?.({ kind: "checkpointed", id, remainingTtlSeconds: lease.remainingTtlSeconds });
    return recordOf(lease);
  }

  #takeExpired(nowMs: number): LeaseId[] {
    const expired: LeaseId[] = [];
    let again = 0;
    while (expired.length < this.#options.expiredPerLookMax) {
      const next = this.#deadlines.first();
      if (next === undefined || next.dueMs > nowMs) break;
      if (next.lease.isRevokeProposed) again += 1;
      next.lease.isRevokeProposed = true;
      this.#checkpoints.remove(next.lease.checkpoint);
      this.#deadlines.set(next, nowMs + this.#options.retryMs);
      expired.push(next.lease.id);
    }
    if (expired.length === 0) return expired;
    expired.sort((a, b) => (a < b ? -1 : 1));
    this.#observe?.({ kind: "expired", ids: expired, again });
    return expired;
  }

  #takeCheckpoints(nowMs: number): LeaseCheckpoint[] {
    const taken: LeaseCheckpoint[] = [];
    while (taken.length < this.#options.checkpointsPerLookMax) {
      const next = this.#checkpoints.first();
      if (next === undefined || next.dueMs > nowMs) break;
      // Applied, it gets its next time from `#planCheckpoint`; lost, it is proposed again.
      this.#checkpoints.set(next, nowMs + this.#options.retryMs);
      const checkpoint = this.#checkpointOf(next.lease, nowMs);
      if (checkpoint !== undefined) taken.push(checkpoint);
    }
    if (taken.length === 0) return taken;
    taken.sort(byId);
    this.#observe?.({ kind: "checkpoint-due", ids: taken.map(({ id }) => id) });
    return taken;
  }

  #checkpointOf(lease: Lease, nowMs: number): LeaseCheckpoint | undefined {
    // Rounded up, so that a lease restored from it never lives shorter; never 0, which would mean "all of it".
    const remaining = Math.max(1, Math.ceil((lease.deadlineMs - nowMs) / 1000));
    if (remaining >= secondsLeft(lease)) return undefined;
    lease.checkpointsInFlight += 1;
    return { id: lease.id, remainingTtlSeconds: remaining };
  }

  #setDeadline(lease: Lease, deadlineMs: number): void {
    lease.deadlineMs = deadlineMs;
    this.#deadlines.set(lease.expiry, deadlineMs);
    this.#planCheckpoint(lease);
  }

  /** A checkpoint is due when a restart would give back `checkpointIntervalSeconds` that have passed, so never while it is renewed. */
  #planCheckpoint(lease: Lease): void {
    const intervalMs = this.#options.checkpointIntervalSeconds * 1000;
    const restartMs = secondsLeft(lease) * 1000;
    if (restartMs <= intervalMs || lease.isRevokeProposed) this.#checkpoints.remove(lease.checkpoint);
    else this.#checkpoints.set(lease.checkpoint, lease.deadlineMs - restartMs + intervalMs);
  }

  #leave(): void {
    this.#isPrimary = false;
    this.#deadlines.clear();
    this.#checkpoints.clear();
    for (const lease of this.#leases.values()) {
      lease.deadlineMs = Number.POSITIVE_INFINITY;
      lease.isRevokeProposed = false;
      lease.checkpointsInFlight = 0;
    }
  }

  #mustFind(id: LeaseId): Lease {
    const lease = this.#leases.get(id);
    if (lease === undefined) throw new LeaseError({ code: "lease/not-found", id });
    return lease;
  }
}
