import type { LogIndex, MemberId, Term } from "@quorate/common";
import type { Snapshot } from "./conf-change.js";
import type { Entry, EntryId, ProposedEntry } from "./entry.js";

/**
 * What members say to each other. Every kind with a term carries the sender's, except that votes carry the term asked for.
 * @see Ongaro and Ousterhout, In Search of an Understandable Consensus Algorithm, figure 2; thesis sections 3.10 (transfer), 4.2
 * (learners), 6.4 (reads), 9.6 (pre-vote).
 */
export type RaftMessage =
  /** Entries that follow `previous`. Without entries it tells the commit index. */
  | { kind: "append"; term: Term; previous: EntryId; entries: readonly Entry[]; commit: LogIndex }
  /** `index`: accepted up to there; refused: the `previous.index` that did not fit, and where the logs may agree. */
  | { kind: "append-response"; term: Term; index: LogIndex; rejection: AppendRejection | undefined }
  | { kind: "vote"; term: Term; last: EntryId; isTransfer: boolean }
  | { kind: "pre-vote"; term: Term; last: EntryId }
  | { kind: "vote-response"; term: Term; isGranted: boolean }
  | { kind: "pre-vote-response"; term: Term; isGranted: boolean }
  | { kind: "snapshot"; term: Term; snapshot: Snapshot }
  /** `read`: the newest read that waits for a quorum, counted from 1 within the leader's term. */
  | { kind: "heartbeat"; term: Term; commit: LogIndex; read: number | undefined }
  | { kind: "heartbeat-response"; term: Term; read: number | undefined }
  /** The leader asks the receiver to campaign at once. */
  | { kind: "timeout-now"; term: Term }
  /** A follower asks the leader to hand over to `transferee`. */
  | { kind: "transfer"; term: Term; transferee: MemberId }
  | { kind: "propose"; entries: readonly ProposedEntry[] }
  | { kind: "read-index"; context: Uint8Array }
  | { kind: "read-index-response"; term: Term; index: LogIndex; context: Uint8Array };

/** Where a follower's log may agree with the leader's: the last place whose term is not above the one asked about. */
export type AppendRejection = Readonly<{ hint: LogIndex; hintTerm: Term | undefined }>;

/** A message on its way. `from` of a forwarded proposal or read is the member it began at. */
export type Envelope = Readonly<{ from: MemberId; to: MemberId; message: RaftMessage }>;
