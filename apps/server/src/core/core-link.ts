import type { LeaseId, MemberId, Revision, SpanContext } from "@quorate/common";
import type { RangeQuery } from "@quorate/mvcc";
import type { Fault } from "../public-errors.js";
import type { MemberRequest } from "./member-changes.js";

/**
 * What a front and the core say to each other: plain data and encoded bytes, never a shared object, so that a front may live in another
 * thread. `serial` pairs an answer with its question and is unique among a member's questions; `stream` names one open stream of a front.
 */
export type ToCore =
  | { kind: "propose"; serial: number; entry: Uint8Array; trace: SpanContext | undefined }
  | { kind: "range"; serial: number; query: RangeQuery; serializable: boolean; trace: SpanContext | undefined }
  | { kind: "range-stream"; serial: number; query: RangeQuery; serializable: boolean }
  | { kind: "read-txn"; serial: number; request: Uint8Array; serializable: boolean; trace: SpanContext | undefined }
  | { kind: "lease-renew"; serial: number; lease: LeaseId }
  | { kind: "lease-time-to-live"; serial: number; lease: LeaseId; keys: boolean }
  | { kind: "lease-list"; serial: number }
  | { kind: "member-list"; serial: number; linearizable: boolean }
  | { kind: "status"; serial: number }
  | { kind: "hash"; serial: number }
  | { kind: "hash-kv"; serial: number; revision: Revision | undefined; echo: bigint }
  | { kind: "defragment"; serial: number }
  | { kind: "snapshot"; serial: number }
  /** More of a stream that the core answers piece by piece may be sent. */
  | { kind: "pull"; serial: number }
  | { kind: "cancel"; serial: number }
  /** Hands leadership to another voter; answered with an empty message when that one leads. */
  | { kind: "move-leader"; serial: number; to: MemberId }
  /** Changes the members; answered when the change is applied here, with the encoded answer, or refused. Waits as long as its caller does. */
  | { kind: "member-change"; serial: number; request: MemberRequest }
  /** The caller has waited so long, in milliseconds, and waits no more. Answered by a failure that says why. */
  | { kind: "give-up"; serial: number; waitedMs: number }
  | { kind: "raise-no-space" }
  | { kind: "watch-open"; stream: number }
  | { kind: "watch-request"; stream: number; request: Uint8Array; trace: SpanContext | undefined }
  /** So many bytes of what was sent on the stream have left the front. */
  | { kind: "watch-drained"; stream: number; bytes: number }
  | { kind: "watch-close"; stream: number };

/** What a front must know to check a request without asking. */
export type FrontState = Readonly<{
  leader: MemberId | undefined;
  isLearner: boolean;
  /** Bytes of the database that count against the quota. */
  databaseBytes: number;
  quotaBytes: number | undefined;
  /** Entries committed and not yet applied. */
  applyBacklog: number;
}>;

/** True when the two tell a front the same. The quota never changes. */
export function isSameState(one: FrontState, other: FrontState): boolean {
  return (
    one.leader === other.leader &&
    one.isLearner === other.isLearner &&
    one.databaseBytes === other.databaseBytes &&
    one.applyBacklog === other.applyBacklog
  );
}

export type FromCore =
  /** The whole answer: one encoded response message, in parts. */
  | { kind: "reply"; serial: number; parts: readonly Uint8Array[] }
  /** One message of a streamed answer; `last` ends it. The core waits for a `pull` before it sends the next. */
  | { kind: "chunk"; serial: number; parts: readonly Uint8Array[]; last: boolean }
  | { kind: "fail"; serial: number; fault: Fault }
  /** One encoded `WatchResponse`, in parts. */
  | { kind: "watch"; stream: number; parts: readonly Uint8Array[] }
  | { kind: "state"; state: FrontState };

/** One front's line to the core. */
export interface CoreLink {
  send(message: ToCore): void;
}
