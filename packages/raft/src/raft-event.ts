import type { LogIndex, MemberId, Term } from "@quorate/common";
import type { ConfState } from "./conf-change.js";
import type { ConfChangeRefusal } from "./raft-error.js";

/** What happened, for logs, spans and tests. Nothing depends on an event being looked at. */
export type RaftEvent =
  | { kind: "became-follower"; term: Term; leader: MemberId | undefined }
  | { kind: "became-pre-candidate"; term: Term }
  | { kind: "became-candidate"; term: Term; isTransfer: boolean }
  | { kind: "became-leader"; term: Term }
  | { kind: "leader-changed"; term: Term; leader: MemberId | undefined }
  /** It was this member's turn to campaign and it may not. */
  | { kind: "campaign-skipped"; term: Term; reason: "not-promotable" | "unapplied-conf-change" }
  | { kind: "vote-answered"; term: Term; candidate: MemberId; isGranted: boolean; isPreVote: boolean }
  | { kind: "vote-counted"; term: Term; from: MemberId; isGranted: boolean; isPreVote: boolean }
  /** A request for votes that came while a leader is known to be alive. */
  | { kind: "vote-ignored"; term: Term; candidate: MemberId; requestTerm: Term }
  /** A leader heard from too few voters and stepped down. */
  | { kind: "quorum-lost"; term: Term }
  | { kind: "leader-forgotten"; term: Term; leader: MemberId }
  /** `by`: the member whose acknowledgement completed the quorum, on a leader. */
  | { kind: "commit-advanced"; term: Term; commit: LogIndex; by: MemberId | undefined }
  /** Entries from `from` on, which no quorum had, gave way to the leader's. */
  | { kind: "entries-replaced"; term: Term; from: LogIndex }
  | { kind: "append-rejected"; term: Term; peer: MemberId; rejected: LogIndex; hint: LogIndex }
  | { kind: "peer-changed"; term: Term; peer: MemberId; state: "probe" | "replicate" | "snapshot" }
  | { kind: "snapshot-sent"; term: Term; peer: MemberId; index: LogIndex }
  | { kind: "snapshot-restored"; term: Term; index: LogIndex }
  | { kind: "snapshot-ignored"; term: Term; index: LogIndex; reason: "old" | "not-for-us" | "already-in-log" }
  | { kind: "configuration-changed"; confState: ConfState }
  | { kind: "conf-change-refused"; index: LogIndex; reason: ConfChangeRefusal }
  /** The leader proposes to leave a joint configuration by itself. */
  | { kind: "auto-leave-proposed"; term: Term; index: LogIndex }
  | { kind: "transfer-started"; term: Term; to: MemberId }
  | {
      kind: "transfer-ended";
      term: Term;
      to: MemberId;
      reason: "timed-out" | "replaced" | "not-a-voter" | "lost-leadership";
    };
