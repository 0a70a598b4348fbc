import type { LogIndex, MemberId, Term } from "@quorate/common";

/**
 * Who is in the cluster. In a joint configuration `votersOutgoing` is not empty and a decision needs a majority of both halves.
 * Inside the core every list is ascending.
 * @see Ongaro, Consensus: Bridging Theory and Practice, chapter 4.
 */
export type ConfState = Readonly<{
  voters: readonly MemberId[];
  votersOutgoing: readonly MemberId[];
  learners: readonly MemberId[];
  /** Voters of the outgoing half that become learners when the joint configuration is left. */
  learnersNext: readonly MemberId[];
  /** The leader itself proposes to leave the joint configuration as soon as entering it has been applied. */
  autoLeave: boolean;
}>;

/** One change of one member. "update" changes nothing for the core: it carries new attributes for the host. */
export type MemberChange = Readonly<{ kind: "add-voter" | "add-learner" | "remove" | "update"; member: MemberId }>;

/**
 * How a change of several members goes through a joint configuration. "auto": jointly only when more than one operation asks for
 * it, and left by itself. "implicit": always jointly, left by itself. "explicit": always jointly, left by a later empty change.
 */
export type ConfChangeTransition = "auto" | "implicit" | "explicit";

/** A proposed change of the configuration. `context` belongs to the host and travels in the entry. */
export type ConfChange =
  | Readonly<{ version: 1; change: MemberChange; context: Uint8Array }>
  | Readonly<{
      version: 2;
      transition: ConfChangeTransition;
      /** With transition "auto" and no changes it asks to leave the joint configuration. */
      changes: readonly MemberChange[];
      context: Uint8Array;
    }>;

/** Where a snapshot stands: the last entry it covers and the configuration as of that entry. */
export type SnapshotMetadata = Readonly<{ index: LogIndex; term: Term; confState: ConfState }>;

/**
 * A copy of the state machine in place of all entries up to `index`. The bytes are the host's business: `data` is a short
 * description or the copy itself, as the host likes.
 */
export type Snapshot = SnapshotMetadata & Readonly<{ data: Uint8Array }>;

/** The configuration of a member that has not heard from any cluster yet. */
export const emptyConfState: ConfState = Object.freeze({
  voters: Object.freeze([]),
  votersOutgoing: Object.freeze([]),
  learners: Object.freeze([]),
  learnersNext: Object.freeze([]),
  autoLeave: false,
});

/** True while decisions need a majority of two halves. */
export function isJoint(confState: ConfState): boolean {
  return confState.votersOutgoing.length > 0;
}

/** True when the member votes in either half. */
export function isVoter(confState: ConfState, member: MemberId): boolean {
  return confState.voters.includes(member) || confState.votersOutgoing.includes(member);
}

/** True when the member is served by leaders: voters of both halves and learners. */
export function isMember(confState: ConfState, member: MemberId): boolean {
  return isVoter(confState, member) || confState.learners.includes(member);
}

/** Everybody a leader serves, ascending. */
export function membersOf(confState: ConfState): readonly MemberId[] {
  return ascending([...confState.voters, ...confState.votersOutgoing, ...confState.learners]);
}

/** Voters of both halves, ascending. */
export function votersOf(confState: ConfState): readonly MemberId[] {
  if (confState.votersOutgoing.length === 0) return confState.voters;
  return ascending([...confState.voters, ...confState.votersOutgoing]);
}

/** The ids once each, smallest first. */
export function ascending(members: Iterable<MemberId>): readonly MemberId[] {
  return [...new Set(members)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
