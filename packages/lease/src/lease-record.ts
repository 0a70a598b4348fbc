import type { LeaseId, LogIndex } from "@quorate/common";

/** What of a lease is replicated and kept on disk: the fields of etcd's `leasepb.Lease`, and `grantedAt`. Never a deadline. */
export type LeaseRecord = Readonly<{
  id: LeaseId;
  /** The TTL granted, in whole seconds. */
  ttlSeconds: number;
  /** The last checkpoint, in whole seconds; `undefined` (0 on the wire) when there is none and the whole TTL counts. */
  remainingTtlSeconds: number | undefined;
  /** The entry that granted it: tells it from an earlier lease with the same id. */
  grantedAt: LogIndex;
}>;

/** Proposed by the leader: from now on, count `remainingTtlSeconds` for this lease when the leader changes. */
export type LeaseCheckpoint = Readonly<{ id: LeaseId; remainingTtlSeconds: number }>;
