import type { LogIndex, MemberId } from "@quorate/common";
import type { ConfState } from "./conf-change.js";

/** What the votes counted so far decide. */
export type VoteResult = "won" | "pending" | "lost";

/** The voters of one configuration, by half. `votersOutgoing` is empty unless the configuration is joint. */
export type VoterHalves = Pick<ConfState, "voters" | "votersOutgoing">;

/**
 * The result of a vote by one majority. Nobody to ask agrees to everything.
 * @param voteOf true for yes, false for no, undefined for a voter that has not answered.
 */
export function majorityVote(
  voters: readonly MemberId[],
  voteOf: (voter: MemberId) => boolean | undefined,
): VoteResult {
  if (voters.length === 0) return "won";
  const needed = Math.floor(voters.length / 2) + 1;
  let yes = 0;
  let unknown = 0;
  for (const voter of voters) {
    const vote = voteOf(voter);
    if (vote === undefined) unknown++;
    else if (vote) yes++;
  }
  if (yes >= needed) return "won";
  return yes + unknown >= needed ? "pending" : "lost";
}

/** The result of a vote in which each half must agree. @see thesis, section 4.3. */
export function jointVote(halves: VoterHalves, voteOf: (voter: MemberId) => boolean | undefined): VoteResult {
  const incoming = majorityVote(halves.voters, voteOf);
  const outgoing = majorityVote(halves.votersOutgoing, voteOf);
  if (incoming === outgoing) return incoming;
  return incoming === "lost" || outgoing === "lost" ? "lost" : "pending";
}

/** Reused by every call: the function is not re-entrant and the array never leaves it. */
const scratch: number[] = [];

/**
 * The largest index that a majority has reached, or infinity when there is nobody to ask.
 * @param reachedBy 0 for a voter of whom nothing is known.
 */
export function majorityCommitted(voters: readonly MemberId[], reachedBy: (voter: MemberId) => LogIndex): number {
  const count = voters.length;
  if (count === 0) return Number.POSITIVE_INFINITY;
  if (count === 1) return reachedBy(voters[0] as MemberId);
  for (let i = 0; i < count; i++) {
    const reached = reachedBy(voters[i] as MemberId);
    let at = i;
    // Insertion, smallest first: there are few voters, and nothing is allocated.
    while (at > 0 && (scratch[at - 1] as number) > reached) {
      scratch[at] = scratch[at - 1] as number;
      at--;
    }
    scratch[at] = reached;
  }
  return scratch[count - (Math.floor(count / 2) + 1)] as number;
}

/** The largest index that a majority of each half has reached. */
export function jointCommitted(halves: VoterHalves, reachedBy: (voter: MemberId) => LogIndex): number {
  const incoming = majorityCommitted(halves.voters, reachedBy);
  if (halves.votersOutgoing.length === 0) return incoming;
  return Math.min(incoming, majorityCommitted(halves.votersOutgoing, reachedBy));
}
