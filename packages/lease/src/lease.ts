import type { LeaseId, LogIndex } from "@quorate/common";
import type { AttachedKeys } from "./attached-keys.js";
import type { LeaseRecord } from "./lease-record.js";
import type { Appointment } from "./schedule.js";

type LeaseAppointment = Appointment & { readonly lease: Lease };

/** One lease in the table. What follows `keys` exists on the primary only and is never replicated. */
export class Lease {
  readonly id: LeaseId;
  readonly ttlSeconds: number;
  readonly grantedAt: LogIndex;
  remainingTtlSeconds: number | undefined;
  keys: AttachedKeys = undefined;
  /** Infinite on a member that is not primary. */
  deadlineMs = Number.POSITIVE_INFINITY;
  /** True once it was handed out to be revoked. */
  isRevokeProposed = false;
  /** Checkpoints handed out and not applied yet. One that got lost keeps this too high, which only costs an entry at a renewal. */
  checkpointsInFlight = 0;
  readonly expiry: LeaseAppointment = { lease: this, dueMs: 0, slot: undefined };
  readonly checkpoint: LeaseAppointment = { lease: this, dueMs: 0, slot: undefined };

  constructor(record: LeaseRecord) {
    this.id = record.id;
    this.ttlSeconds = record.ttlSeconds;
    this.grantedAt = record.grantedAt;
    this.remainingTtlSeconds = record.remainingTtlSeconds;
  }
}

/** The part that is kept on disk. */
export function recordOf({ id, ttlSeconds, remainingTtlSeconds, grantedAt }: Lease): LeaseRecord {
  return { id, ttlSeconds, remainingTtlSeconds, grantedAt };
}

/** What a leader that knows nothing but the record gives the lease, in seconds. */
export function secondsLeft(lease: LeaseRecord): number {
  return lease.remainingTtlSeconds ?? lease.ttlSeconds;
}

/** When the lease ends if it counts from `fromMs`. */
export function deadlineOf(lease: LeaseRecord, fromMs: number): number {
  return fromMs + secondsLeft(lease) * 1000;
}

/** Orders by id, as signed numbers. */
export function byId(a: { readonly id: LeaseId }, b: { readonly id: LeaseId }): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
