import { CodedError, type LogIndex, type MemberId, type Term } from "@quorate/common";

/** Why a proposal is not carried. "uncommitted-limit" may succeed when asked again later; the others when there is a leader. */
export type ProposalDropReason =
  | "no-leader"
  | "electing"
  | "forwarding-disabled"
  | "transferring"
  | "not-a-member"
  | "uncommitted-limit";

/** Why a conf change became an empty entry. */
export type ConfChangeRefusal =
  | "another change may be unapplied"
  | "must leave the joint configuration first"
  | "not joint"
  | InvalidConfChange;

/** Why a change cannot be applied to a configuration. The words are etcd's. */
export type InvalidConfChange =
  | "can't apply simple config change in joint config"
  | "more than one voter changed without entering joint config"
  | "config is already joint"
  | "can't make a zero-voter config joint"
  | "can't leave a non-joint config"
  | "removed all voters";

/** Everything this package refuses, throws or reports as unusable. */
export type RaftFault =
  /** Not carried, nothing was appended here. `from` is the member that forwarded it, absent for the host's own. */
  | {
      code: "raft/proposal-dropped";
      reason: ProposalDropReason;
      proposalId: number | undefined;
      from: MemberId | undefined;
    }
  /** The log has an empty entry in its place. */
  | {
      code: "raft/conf-change-refused";
      reason: ConfChangeRefusal;
      proposalId: number | undefined;
      from: MemberId | undefined;
    }
  /** A read that no leader can be asked for. The host may ask again. */
  | { code: "raft/read-dropped"; reason: "no-leader" | "electing" | "too-many-reads"; context: Uint8Array }
  /** A transfer, which only a leader can do, or a follower that knows one. */
  | { code: "raft/not-leader"; leader: MemberId | undefined }
  /** An answer from a member that is not in the configuration. */
  | { code: "raft/step-unknown-peer"; from: MemberId; message: string }
  /** A message that claims to come from this member itself. */
  | { code: "raft/step-local"; message: string }
  | { code: "raft/invalid-conf-change"; reason: InvalidConfChange }
  | { code: "raft/invalid-options"; problem: string }
  /** Bytes that are not what the codec writes. `offset` is where it noticed. */
  | { code: "raft/malformed"; subject: string; offset: number; problem: string }
  /** The log source was asked for what it has dropped, or never had. */
  | { code: "raft/compacted"; index: LogIndex; firstIndex: LogIndex }
  | { code: "raft/unavailable"; index: LogIndex; lastIndex: LogIndex }
  | { code: "raft/snapshot-out-of-date"; index: LogIndex; existing: LogIndex; term: Term };

/** The one error class of this package. */
export class RaftError extends CodedError<RaftFault> {}
