import type { Clock, ClusterId, Disk, Logger, MemberId, Meter, PeerNetwork, Random, Tracer } from "@quorate/common";
import type { CoreObserver } from "./core/core-options.js";
import type { MemberRecord } from "./core/membership.js";
import type { Turn } from "./ports/turn.js";

/** A founding member of a cluster. */
export type InitialMember = Readonly<{ id: MemberId; name: string; peerURLs: readonly string[] }>;

/** All a member needs to know. Paths are absolute; times are milliseconds, sizes bytes. */
export type MemberOptions = Readonly<{
  name: string;
  /** Used when the log is new; an old log says who it belongs to. */
  identity: Readonly<{ member: MemberId; cluster: ClusterId }>;
  initialMembers: readonly InitialMember[];
  /** Joins a cluster that exists: begins with nothing and waits for its leader. */
  isJoining?: boolean | undefined;
  /** Goes on alone with the data of a cluster that is lost: all other members are removed. */
  forcesNewCluster?: boolean | undefined;
  /** The members as far as they are known before the log tells. */
  knownMembers?: readonly MemberRecord[] | undefined;
  clientURLs: readonly string[];
  walDirectory: string;
  databasePath: string;
  tickMs: number;
  electionTicks: number;
  /** Skip most of the first election timeout once enough others are there for an election. */
  advancesFirstElection?: boolean | undefined;
  isPreVoteOn: boolean;
  requestTimeoutMs: number;
  requestBytesMax: number;
  txnOperationsMax: number;
  quotaBytes: number | undefined;
  quotaShown: number;
  snapshotCount: number;
  catchUpEntries: number;
  /** Bytes of entries kept in memory for members that lag, whatever their number; 256 MiB when absent. */
  catchUpBytes?: number | undefined;
  segmentsKept: number;
  /** A segment of the log that has reached this size is followed by a new one; the log's own default when absent. */
  segmentBytesMax?: number | undefined;
  slowApplyMs: number;
  /** Bytes of entries that may wait for the disk or a quorum before more are refused; 256 MiB when absent. */
  uncommittedBytesMax?: number | undefined;
  /** Bytes of entries in one message to a member; 1 MiB when absent. */
  messageBytesMax?: number | undefined;
  watchProgressMs: number;
  compactionBatchLimit: number;
  compactionSleepMs: number;
  unsafeNoSync: boolean;
  /** Log and store in threads of their own, or in this one (simulation, embedding). */
  hasLogThread: boolean;
  hasStoreThread: boolean;
  version: string;
  /** Learners that the cluster may have when this member adds one; whether changes that endanger the quorum are refused. */
  learnersMax: number;
  isReconfigStrict: boolean;
  storageVersion: string;
}>;

/** The world of a member. */
export type MemberPorts = Readonly<{
  clock: Clock;
  random: Random;
  turn: Turn;
  logger: Logger;
  meter: Meter;
  observe: CoreObserver;
  tracer?: Tracer | undefined;
  /** The way to the other members. Absent: a member that is alone for ever. */
  network?: PeerNetwork | undefined;
  /** Makes that way when it is known who this member is. */
  connect?: ((self: Readonly<{ member: MemberId; cluster: ClusterId }>) => PeerNetwork) | undefined;
  /** Needed when the log has no thread of its own. */
  disk?: Disk | undefined;
  /** A promise cannot be kept any more: the process has to end, now. */
  fatal: (error: Error) => void;
}>;

/** Entries that may be committed and not yet applied before requests are refused. */
export const applyBacklogMax = 5000;
/** What a gRPC message may have above the largest entry. */
export const grpcOverheadBytes = 524_288;
