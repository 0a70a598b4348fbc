import type { LeaseId } from "@quorate/common";

/** What happened inside a `Lessor`, for tests, logs, metrics and spans. Feeds no decision. */
export type LeaseEvent =
  | { kind: "granted"; id: LeaseId; ttlSeconds: number }
  | { kind: "renewed"; id: LeaseId; ttlSeconds: number }
  /** `wasProposed`: this member, as primary, had named it as expired. */
  | { kind: "revoked"; id: LeaseId; keyCount: number; wasProposed: boolean }
  /** `ids` were handed out to be revoked; `again` of them not for the first time. */
  | { kind: "expired"; ids: readonly LeaseId[]; again: number }
  | { kind: "checkpoint-due"; ids: readonly LeaseId[] }
  | { kind: "checkpointed"; id: LeaseId; remainingTtlSeconds: number | undefined }
  /** `delayed` of them got a later deadline than their own, so that they do not all expire in one second. */
  | { kind: "promoted"; leaseCount: number; delayed: number }
  | { kind: "demoted" };
