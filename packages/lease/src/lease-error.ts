import { CodedError, type LeaseId } from "@quorate/common";

/** What the lessor refuses. */
export type LeaseFault =
  | { code: "lease/not-found"; id: LeaseId }
  | { code: "lease/exists"; id: LeaseId }
  | { code: "lease/ttl-too-large"; ttlSeconds: number; maxTtlSeconds: number }
  | { code: "lease/not-primary" };

/** A refusal of the lessor. Nothing was changed. */
export class LeaseError extends CodedError<LeaseFault> {}
