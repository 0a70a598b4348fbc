import { CodedError } from "@quorate/common";

/** What the daemon itself refuses. The packages' own faults stand beside these in `public-errors.ts`. */
export type ServerFault =
  | { code: "server/empty-key" }
  | { code: "server/key-not-found" }
  | { code: "server/value-provided" }
  | { code: "server/lease-provided" }
  | { code: "server/too-many-operations" }
  | { code: "server/duplicate-key" }
  | { code: "server/invalid-sort" }
  | { code: "server/range-stream-sort" }
  | { code: "server/range-stream-filter" }
  | { code: "server/no-space" }
  | { code: "server/corrupt" }
  | { code: "server/request-too-large" }
  | { code: "server/answer-too-large" }
  | { code: "server/too-many-requests" }
  | { code: "server/no-leader" }
  | { code: "server/not-leader" }
  | { code: "server/leader-changed" }
  | { code: "server/bad-leader-transferee" }
  | { code: "server/timed-out" }
  | { code: "server/timed-out-leader-failed" }
  | { code: "server/timed-out-connection-lost" }
  | { code: "server/timed-out-apply" }
  | { code: "server/timed-out-transfer" }
  /** A proposal that waited for a leader as long as its caller did. */
  | { code: "server/deadline" }
  | { code: "server/unhealthy" }
  | { code: "server/stopped" }
  | { code: "server/not-capable" }
  | { code: "server/learner" }
  | { code: "server/client-version" }
  | { code: "server/watch-canceled" }
  | { code: "server/unknown-alarm-action"; action: number }
  | { code: "server/malformed-request"; reason: string }
  | { code: "server/member-not-found" }
  /** It was in the cluster once. */
  | { code: "server/member-removed" }
  | { code: "server/member-exists" }
  | { code: "server/member-not-learner" }
  | { code: "server/peer-url-exists" }
  | { code: "server/bad-member-urls" }
  | { code: "server/too-many-learners" }
  | { code: "server/learner-not-ready" }
  | { code: "server/not-enough-started" };

/** A refusal on its way to the caller. Never a broken invariant. */
export class ServerError extends CodedError<ServerFault> {}
