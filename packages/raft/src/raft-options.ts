import type { LogIndex, MemberId, Random } from "@quorate/common";
import type { ConfState } from "./conf-change.js";
import type { HardState } from "./entry.js";
import type { RaftLogSource } from "./log-source.js";
import { RaftError } from "./raft-error.js";

/** How a member comes to life. */
export type RaftStart =
  /**
   * With what storage holds; with `hardState` absent and an empty `confState` it waits to be contacted by a cluster. `confState` is
   * the configuration as of `applied`, by default the entry before the first one that storage has.
   */
  | Readonly<{
      kind: "restart";
      hardState: HardState | undefined;
      confState: ConfState;
      applied?: LogIndex | undefined;
    }>
  /**
   * As a founding member, with an empty store. Every founder is given the same list in the same order. The first entries of the log
   * are one committed "add-voter" per peer with its context; the host applies them like any other.
   */
  | Readonly<{ kind: "bootstrap"; peers: readonly Readonly<{ member: MemberId; context: Uint8Array }>[] }>;

/** What a member is told at its start. Bytes without a limit are `Infinity`. */
export type RaftOptions = Readonly<{
  id: MemberId;
  start: RaftStart;
  /** A follower that hears nothing for a random time between this and twice this campaigns. Default 10. */
  electionTicks?: number;
  /** Default 1. */
  heartbeatTicks?: number;
  /** Ask whether an election could be won before disturbing anybody. Default true. @see thesis, section 9.6. */
  isPreVoteOn?: boolean;
  /** A leader that does not hear from a quorum steps down, and one that does is not challenged. Default true. @see section 6.2. */
  isCheckQuorumOn?: boolean;
  /** "lease-based" trusts clocks to run at nearly the same speed; it needs check-quorum. Default "safe". @see section 6.4. */
  reads?: "safe" | "lease-based";
  /** Entries in one append, by `entryBytes`; 0 means one entry per message. Default 1 MiB. */
  messageBytesMax?: number;
  /** Appends with entries on their way to one member. Default 512. */
  inflightMessagesMax?: number;
  /** Payload on its way to one member; no less than `messageBytesMax`. Default 64 MiB. */
  inflightBytesMax?: number;
  /** Payload of a leader's entries that are not applied; above it proposals are refused. Default 256 MiB. */
  uncommittedBytesMax?: number;
  /** Committed entries handed out and not applied, by `entryBytes`. Default 64 MiB. */
  applyingBytesMax?: number;
  /** Reads that wait for a quorum or for the first commit of a term; above it they are refused. Default 100_000. */
  readsMax?: number;
  /** Followers pass proposals on to the leader. Default true. */
  isForwardingOn?: boolean;
  /** Questionable conf changes become empty entries when proposed. Default true. */
  isConfChangeValidationOn?: boolean;
  /**
   * A leader that is removed or demoted steps down as soon as it has applied that. Default false: it goes on, without counting
   * itself, until the host has handed leadership over, so that the others learn that the change is committed.
   */
  isStepDownOnRemovalOn?: boolean;
  /**
   * Hand entries out for application in the same Ready that asks to store them. Only for a driver that stores each Ready before it
   * applies it. Default false.
   */
  mayApplyUnstable?: boolean;
}>;

/** `RaftOptions` with every default filled in. */
export type RaftSettings = Required<Omit<RaftOptions, "start">>;

/** What the core needs from the world. */
export type RaftPorts = Readonly<{ random: Pick<Random, "integer">; log: RaftLogSource }>;

const mebibyte = 1_048_576;

/** Fills in the defaults. @throws RaftError "raft/invalid-options" with every problem. */
export function settingsOf(options: RaftOptions): RaftSettings {
  const { start: _, ...given } = options;
  const settings: RaftSettings = {
    electionTicks: 10,
    heartbeatTicks: 1,
    isPreVoteOn: true,
    isCheckQuorumOn: true,
    reads: "safe",
    messageBytesMax: mebibyte,
    inflightMessagesMax: 512,
    inflightBytesMax: 64 * mebibyte,
    uncommittedBytesMax: 256 * mebibyte,
    applyingBytesMax: 64 * mebibyte,
    readsMax: 100_000,
    isForwardingOn: true,
    isConfChangeValidationOn: true,
    isStepDownOnRemovalOn: false,
    mayApplyUnstable: false,
    ...given,
  };
  const problems = problemsOf(settings);
  if (problems.length > 0) throw new RaftError({ code: "raft/invalid-options", problem: problems.join("; ") });
  return Object.freeze(settings);
}

function problemsOf(settings: RaftSettings): readonly string[] {
  const problems: string[] = [];
  const require = (isMet: boolean, problem: string): void => {
    if (!isMet) problems.push(problem);
  };
  require(settings.id > 0n && settings.id < 1n << 64n, "the id is 64 bits and not zero");
  require(Number.isSafeInteger(settings.heartbeatTicks) &&
    settings.heartbeatTicks >= 1, "heartbeatTicks is at least 1");
  require(Number.isSafeInteger(settings.electionTicks) &&
    settings.electionTicks > settings.heartbeatTicks, "electionTicks is above heartbeatTicks");
  require(settings.inflightMessagesMax >= 1, "inflightMessagesMax is at least 1");
  require(settings.messageBytesMax >= 0, "messageBytesMax is not negative");
  require(settings.inflightBytesMax >= settings.messageBytesMax, "inflightBytesMax is at least messageBytesMax");
  require(settings.uncommittedBytesMax > 0, "uncommittedBytesMax is above zero");
  require(settings.applyingBytesMax > 0, "applyingBytesMax is above zero");
  require(settings.readsMax >= 1, "readsMax is at least 1");
  require(settings.reads === "safe" || settings.isCheckQuorumOn, "lease-based reads need check-quorum");
  return problems;
}
