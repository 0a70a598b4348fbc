import type { Clock, Logger, PeerNetwork, Random } from "@quorate/common";
import type { Committed } from "@quorate/mvcc";
import type { Entry } from "@quorate/raft";
import type { Turn } from "../ports/turn.js";
import type { Tracing } from "./tracing.js";

/** Settings of a core. Times are in milliseconds. */
export type CoreOptions = Readonly<{
  /** The name and client URLs this member tells the cluster. */
  name: string;
  clientURLs: readonly string[];
  tickMs: number;
  electionTicks: number;
  /** Skip most of the first election timeout once enough others are there for an election. */
  advancesFirstElection?: boolean | undefined;
  /** How long a caller waits for its answer. */
  requestTimeoutMs: number;
  /** Bytes the database may have, or undefined for no bound; `quotaShown` is what Status says. */
  quotaBytes: number | undefined;
  quotaShown: number;
  /** Entries applied between two marks on disk after which older log may go. */
  snapshotCount: number;
  /** Entries kept in memory for members that lag. */
  catchUpEntries: number;
  /** Bytes of entries kept in memory for members that lag, whatever their number; 256 MiB when absent. */
  catchUpBytes?: number | undefined;
  /** Received databases lie beside it. */
  databasePath: string;
  /** False: all work on files is done in this thread. */
  hasStoreThread: boolean;
  /** Applying one entry for longer is worth a line in the log. */
  slowApplyMs: number;
  watchProgressMs: number;
  requestBytesMax: number;
  /** A watch response of this size is split, when its client can take that. */
  fragmentBytes: number;
  version: string;
  /** Learners that the cluster may have when this member adds one; whether changes that endanger the quorum are refused. */
  learnersMax: number;
  isReconfigStrict: boolean;
  storageVersion: string;
}>;

/** The world of a core. `fatal` ends the process: a promise cannot be kept any more. */
export type CorePorts = Readonly<{
  clock: Clock;
  random: Random;
  turn: Turn;
  logger: Logger;
  tracing: Tracing;
  /** Absent: a member that is alone for ever. */
  network?: PeerNetwork | undefined;
  observe: CoreObserver;
  fatal: (error: Error) => void;
}>;

/** Counts for people. Called on the hot path: implementations add a number and return. */
export interface CoreObserver {
  /** Entries are committed, in order; called before they are applied. They may be looked at, not changed. */
  committed?(entries: readonly Entry[]): void;
  /** An entry was applied. @param field which request it was, a number of `EntryField`. */
  applied(field: number, seconds: number, isDone: boolean): void;
  /** Keys were changed. */
  changed(committed: Committed): void;
  ranged(seconds: number, isDone: boolean): void;
  proposalFailed(): void;
  /** `isNew`: there is a leader, and it is not the one of before. */
  leaderChanged(change: { isLeader: boolean; hasLeader: boolean; isNew: boolean }): void;
  /** A heartbeat left much later than it should. */
  heartbeatLate(): void;
  /** A read index that was waited for too long, or came when nobody waited. */
  readIndexSlow(): void;
  readIndexFailed(): void;
  /** A learner was promoted by this member, or was not, for this reason in etcd's words. */
  learnerPromoted(refusal: string | undefined): void;
  leasesExpired(count: number): void;
  leaseRenewed(): void;
  /** A database was received: how long all of it took, and its last sync. */
  snapshotSaved(took: { totalSeconds: number; syncSeconds: number }): void;
  snapshotInstalling(isInstalling: boolean): void;
}

/** Counts nothing. */
export const silentObserver: CoreObserver = {
  applied: () => {},
  changed: () => {},
  ranged: () => {},
  proposalFailed: () => {},
  leaderChanged: () => {},
  heartbeatLate: () => {},
  readIndexSlow: () => {},
  readIndexFailed: () => {},
  learnerPromoted: () => {},
  leasesExpired: () => {},
  leaseRenewed: () => {},
  snapshotSaved: () => {},
  snapshotInstalling: () => {},
};
