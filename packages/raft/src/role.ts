import type { LogIndex, MemberId } from "@quorate/common";
import type { Progress } from "./progress.js";
import type { ReadQueue } from "./read-queue.js";

/** Follows `leader`, or waits to hear of one. */
export type Follower = Readonly<{ kind: "follower"; leader: MemberId | undefined }>;

/** Asks whether it could win an election. Its term and vote are untouched. */
export type PreCandidate = Readonly<{ kind: "pre-candidate"; votes: Map<MemberId, boolean> }>;

/** Asks for the votes of its term. */
export type Candidate = Readonly<{ kind: "candidate"; votes: Map<MemberId, boolean> }>;

/** What only a leader has. */
export type Leader = {
  readonly kind: "leader";
  /** One for each member of the configuration, self included as long as it is one. */
  readonly progress: Map<MemberId, Progress>;
  /** The match of a voter, 0 when it is unknown: kept here so that counting a quorum makes no closure. */
  readonly matchOf: (voter: MemberId) => LogIndex;
  readonly reads: ReadQueue;
  heartbeatElapsedTicks: number;
  /** The member that is about to take over. */
  transferee: MemberId | undefined;
  /** At or above the newest conf change that may not be applied. */
  pendingConfIndex: LogIndex;
  /** Payload of own entries that are not applied. */
  uncommittedBytes: number;
};

export type Role = Follower | PreCandidate | Candidate | Leader;
