import { existsSync } from "node:fs";
import { assert, CodedError, type ClusterId, type LogIndex, type MemberId, type Tracer } from "@quorate/common";
import { type Mvcc, openMvcc } from "@quorate/mvcc";
import { Metadata } from "@quorate/proto";
import {
  type ConfState,
  decodeEntry,
  decodeHardState,
  type Entry,
  type HardState,
  MemoryLog,
  RaftNode,
  type RaftStart,
  type Snapshot,
} from "@quorate/raft";
import { openWal, type Recovered, type Wal } from "@quorate/wal";
import { adoptReceived } from "./core/adopt-received.js";
import { forceNewCluster } from "./core/force-new-cluster.js";
import { loadConfState } from "./core/conf-change-apply.js";
import { decodeMark, type LogMark } from "./core/log-mark.js";
import { memberToJson } from "./core/membership.js";
import { receivedPath } from "./core/received-file.js";
import type { MemberOptions, MemberPorts } from "./member-options.js";

/** Why a data directory cannot be used. */
export type RecoverFault =
  /** The log has dropped what the database has not seen, and there is no received snapshot at `snapshot` to begin from. */
  | { code: "recover/database-behind-log"; applied: number; firstKept: number; snapshot: string; reason: string }
  | { code: "recover/log-behind-database"; applied: number; lastKept: number }
  /** The log was made for another member than the settings found, and has nothing in it yet. */
  | { code: "recover/not-a-founder"; member: MemberId };
/** The log and the database of a data directory do not belong together. */
export class RecoverError extends CodedError<RecoverFault> {}

/** A member's parts as its disk left them. */
export type RecoveredMember = Readonly<{
  wal: Wal;
  mvcc: Mvcc;
  raft: RaftNode;
  log: MemoryLog;
  identity: Readonly<{ member: MemberId; cluster: ClusterId }>;
  /** The last snapshot that the log knows of; 0 when there is none. */
  markedIndex: LogIndex;
}>;

/**
 * What the log writes for an entry is at most so many times the entry itself. The consensus core refuses what is too much; the log, where too much is a broken
 * invariant, has to have room for all that the core lets through.
 */
const recordFactor = 4;

function uncommittedBytesMax(options: MemberOptions): number {
  return options.uncommittedBytesMax ?? 268_435_456;
}

/**
 * Opens log and database and brings the consensus core to where it was. Entries the database has not seen come out of the core again, committed, to
 * be applied.
 * @throws WalError, MvccError, RecoverError; what was opened is closed again.
 */
export async function recoverMember(
  options: MemberOptions,
  ports: MemberPorts & { storeTracer?: Tracer | undefined },
): Promise<RecoveredMember> {
  const { member, cluster } = options.identity;
  const isDatabaseMissing = !existsSync(options.databasePath);
  const { wal, recovered } = await openWal(
    {
      directory: options.walDirectory,
      metadata: Metadata.encode({ NodeID: member, ClusterID: cluster }),
      segmentsKept: options.segmentsKept,
      segmentBytesMax: options.segmentBytesMax,
      pendingBytesMax: uncommittedBytesMax(options) * recordFactor,
      thread: options.hasLogThread,
      unsafeNoSync: options.unsafeNoSync,
      // Without a database all that is there is the log: while that is whole nothing is lost.
      isWhole: isDatabaseMissing,
    },
    ports,
  );
  if (isDatabaseMissing && !recovered.isNew && recovered.snapshot === undefined) {
    ports.logger.warn("the database is built again from the log", { path: options.databasePath });
  }
  try {
    const mark = recovered.snapshot === undefined ? undefined : decodeMark(recovered.snapshot);
    adoptReceived(options.databasePath, mark, ports);
    const mvcc = openMvcc(
      {
        path: options.databasePath,
        storeThread: options.hasStoreThread,
        compactionBatchLimit: options.compactionBatchLimit,
        compactionSleepMs: options.compactionSleepMs,
      },
      { ...ports, tracer: ports.storeTracer },
    );
    try {
      const parts = { wal, mvcc, recovered, mark };
      if (options.forcesNewCluster !== true) return assemble(options, ports, parts);
      return assemble(options, ports, { ...parts, recovered: await forceNewCluster(parts, ports) });
    } catch (error) {
      await mvcc.close();
      throw error;
    }
  } catch (error) {
    await wal.close();
    throw error;
  }
}

function assemble(
  options: MemberOptions,
  ports: MemberPorts,
  parts: { wal: Wal; mvcc: Mvcc; recovered: Recovered; mark: LogMark | undefined },
): RecoveredMember {
  const { wal, mvcc, recovered, mark } = parts;
  const metadata = Metadata.decode(recovered.metadata);
  const identity = { member: (metadata.NodeID ?? 0n) as MemberId, cluster: (metadata.ClusterID ?? 0n) as ClusterId };
  // A log without a state and a snapshot is of a member that promised nobody anything yet, whatever founding entries it holds: it begins again.
  const isUnborn = recovered.state === undefined && mark === undefined;
  const entries = isUnborn ? [] : recovered.entries.map((entry) => decodeEntry(entry.data));
  // Where a member would begin that needs what is not kept any more. What it really gets is made when it is sent.
  const snapshot = (): Snapshot | undefined => snapshotOf(mvcc, raft);
  const log = new MemoryLog(mark === undefined ? { entries, snapshot } : { base: mark, entries, snapshot });
  checkTogether(mvcc, { mark, entries, databasePath: options.databasePath });
  const hardState =
    recovered.state === undefined ? undefined : raisedTo(decodeHardState(recovered.state), mvcc.applied.index);
  const start = isUnborn ? foundingOf(options, identity.member) : restartOf(mvcc, { mark, hardState });
  const raft = new RaftNode(
    {
      id: identity.member,
      start,
      electionTicks: options.electionTicks,
      isPreVoteOn: options.isPreVoteOn,
      uncommittedBytesMax: uncommittedBytesMax(options),
      ...(options.messageBytesMax === undefined ? {} : { messageBytesMax: options.messageBytesMax }),
    },
    { random: ports.random, log },
  );
  return { wal, mvcc, raft, log, identity, markedIndex: mark?.index ?? (0 as LogIndex) };
}

/** Begins a cluster. @throws RecoverError when the log was made for another member than the settings found. */
function foundingOf(options: MemberOptions, member: MemberId): RaftStart {
  if (options.isJoining === true) return { kind: "restart", hardState: undefined, confState: noMembers };
  if (!options.initialMembers.some(({ id }) => id === member)) {
    throw new RecoverError({ code: "recover/not-a-founder", member });
  }
  const peers = options.initialMembers.map(({ id, peerURLs }) => ({
    member: id,
    context: Buffer.from(memberToJson({ id, name: "", peerURLs, clientURLs: [], isLearner: false })),
  }));
  return { kind: "bootstrap", peers };
}

function restartOf(mvcc: Mvcc, found: { mark: LogMark | undefined; hardState: HardState | undefined }): RaftStart {
  const { mark, hardState } = found;
  const confState = loadConfState({ bucket: (name) => mvcc.bucket(name) }) ?? mark?.confState ?? noMembers;
  return { kind: "restart", hardState, confState, applied: mvcc.applied.index };
}

const noMembers: ConfState = { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };

/** The commit index is not synced by itself. What the database has applied was committed, whatever the log says. */
function raisedTo(hardState: HardState, applied: LogIndex): HardState {
  return applied > hardState.commit ? { ...hardState, commit: applied } : hardState;
}

function snapshotOf(mvcc: Mvcc, raft: RaftNode): Snapshot | undefined {
  const { index, term } = mvcc.applied;
  return index === 0 ? undefined : { index, term, confState: raft.confState, data: noData };
}

const noData = new Uint8Array(0);

/** The database must have seen all that the log has dropped, and nothing that the log does not have. */
function checkTogether(
  mvcc: Mvcc,
  found: { mark: LogMark | undefined; entries: readonly Entry[]; databasePath: string },
): void {
  const { mark, entries } = found;
  const applied = mvcc.applied.index;
  const base = mark?.index ?? 0;
  if (mark !== undefined && applied < base) {
    const snapshot = receivedPath(found.databasePath, mark.index);
    const reason = `the log goes on after entry ${base}, the database ends with entry ${applied}, and the snapshot between them is not there`;
    throw new RecoverError({ code: "recover/database-behind-log", applied, firstKept: base + 1, snapshot, reason });
  }
  const last = entries.at(-1)?.index ?? base;
  if (applied > last) throw new RecoverError({ code: "recover/log-behind-database", applied, lastKept: last });
  assert(entries.length === 0 || (entries[0] as Entry).index <= base + 1, "the log begins where its snapshot ends");
}
