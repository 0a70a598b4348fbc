import type { LogIndex, MemberId, Term } from "@quorate/common";
import type { ConfChange } from "./conf-change.js";
import type { EntryId, ProposedEntry } from "./entry.js";
import type { RaftMessage } from "./message.js";

/** Everything that can happen to a member. */
export type RaftInput =
  /** One unit of the timeouts has passed. */
  | { kind: "tick" }
  /** Carry these bytes. `proposalId` comes back if it is refused here. */
  | { kind: "propose"; data: Uint8Array; proposalId?: number | undefined }
  /** As many "propose", but one message per follower for all of them. Each is refused or carried by itself. */
  | { kind: "propose-batch"; proposals: readonly Readonly<{ data: Uint8Array; proposalId?: number | undefined }>[] }
  | { kind: "propose-conf-change"; change: ConfChange; proposalId?: number | undefined }
  /** Where must a read begin? Answered by a read state with the same context, or never: ask again after a while. */
  | { kind: "read-index"; context: Uint8Array }
  | { kind: "message"; from: MemberId; message: RaftMessage }
  | Persisted
  /** Every committed entry up to `index` has been applied. */
  | { kind: "applied"; index: LogIndex }
  /** A committed conf change is being applied. Not called for one that the host decides to ignore. Comes before "applied". */
  | { kind: "conf-change-applied"; change: ConfChange }
  /** Campaign now, whatever the timeout. */
  | { kind: "campaign" }
  /** Hand leadership over to `to`. */
  | { kind: "transfer"; to: MemberId }
  /** A follower that has reason to believe its leader gone may vote for another at once. */
  | { kind: "forget-leader" }
  /** The last message to `peer` may be lost. */
  | { kind: "unreachable"; peer: MemberId }
  /** What became of a snapshot message that was handed out for `peer`. */
  | { kind: "snapshot-status"; peer: MemberId; isDelivered: boolean };

/**
 * The write of a `PersistRequest`, and of all before it, is durable. The driver steps the request's own `done`.
 *
 * `upTo` is believed only when the term is still `issuedInTerm`:
 * 1. We write entry (5, term 2). 2. A leader of term 3 overwrites it; that write is queued. 3. A leader of term 4 brings (5, term 2)
 * back; queued too. 4. The answer about write 1 arrives and looks like an answer about write 3: a read from storage would then
 * find what write 2 put there.
 */
export type Persisted = Readonly<{
  kind: "persisted";
  issuedInTerm: Term;
  /** The last entry of the log when the request was made. Absent when nothing waited for storage. */
  upTo: EntryId | undefined;
  /** The index of the snapshot that the request held. */
  snapshot: LogIndex | undefined;
  /** What this member may now promise itself: its own votes and the acknowledgement of its own entries. */
  own: readonly OwnPromise[];
}>;

/** A promise of a member to itself. `after` counts the messages of `sendAfterPersist` that were made before it. */
export type OwnPromise =
  | Readonly<{ kind: "append"; term: Term; index: LogIndex; after: number }>
  | Readonly<{ kind: "vote"; term: Term; after: number }>
  | Readonly<{ kind: "pre-vote"; term: Term; after: number }>;

/** Entries on their way into a leader's log, with the member they come from (absent: the host of this one). */
export type Proposal = Readonly<{ entries: readonly ProposedEntry[]; from: MemberId | undefined }>;
