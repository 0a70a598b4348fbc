import {
  assert,
  CodedError,
  type ClusterId,
  type LogIndex,
  type MemberId,
  type Term,
  type Tracer,
} from "@quorate/common";
import { type EntryId, type Mvcc, openMvcc } from "@quorate/mvcc";
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
} from "@quorate/raft";
import { openWal, type Recovered, type Wal } from "@quorate/wal";
import { confStateFromJson, loadConfState } from "./core/conf-change-apply.js";
import { memberToJson } from "./core/membership.js";
import type { MemberOptions, MemberPorts } from "./member-options.js";

/** Why a data directory cannot be used. */
export type RecoverFault =
  | { code: "recover/database-behind-log"; applied: number; firstKept: number }
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

/** A snapshot's record in the log: where the database stood when older entries could go. */
type SnapshotMark = EntryId & { confState: ConfState };

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
  const { wal, recovered } = await openWal(
    {
      directory: options.walDirectory,
      metadata: Metadata.encode({ NodeID: member, ClusterID: cluster }),
      segmentsKept: options.segmentsKept,
      segmentBytesMax: options.segmentBytesMax,
      pendingBytesMax: uncommittedBytesMax(options) * recordFactor,
      thread: options.hasLogThread,
      unsafeNoSync: options.unsafeNoSync,
    },
    ports,
  );
  try {
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
      return assemble(options, ports, { wal, mvcc, recovered });
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
  parts: { wal: Wal; mvcc: Mvcc; recovered: Recovered },
): RecoveredMember {
  const { wal, mvcc, recovered } = parts;
  const metadata = Metadata.decode(recovered.metadata);
  const identity = { member: (metadata.NodeID ?? 0n) as MemberId, cluster: (metadata.ClusterID ?? 0n) as ClusterId };
  const mark = recovered.snapshot === undefined ? undefined : readMark(recovered.snapshot);
  // A log without a state and a snapshot is of a member that promised nobody anything yet, whatever founding entries it holds: it begins again.
  const isUnborn = recovered.state === undefined && mark === undefined;
  const entries = isUnborn ? [] : recovered.entries.map((entry) => decodeEntry(entry.data));
  const log = new MemoryLog(mark === undefined ? { entries } : { base: mark, entries });
  checkTogether(mvcc, mark, entries);
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
  if (!options.initialMembers.some(({ id }) => id === member)) {
    throw new RecoverError({ code: "recover/not-a-founder", member });
  }
  const peers = options.initialMembers.map(({ id, peerURLs }) => ({
    member: id,
    context: Buffer.from(memberToJson({ id, name: "", peerURLs, clientURLs: [], isLearner: false })),
  }));
  return { kind: "bootstrap", peers };
}

function restartOf(mvcc: Mvcc, found: { mark: SnapshotMark | undefined; hardState: HardState | undefined }): RaftStart {
  const { mark, hardState } = found;
  const confState = loadConfState({ bucket: (name) => mvcc.bucket(name) }) ?? mark?.confState ?? noMembers;
  return { kind: "restart", hardState, confState, applied: mvcc.applied.index };
}

const noMembers: ConfState = { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };

/** The commit index is not synced by itself. What the database has applied was committed, whatever the log says. */
function raisedTo(hardState: HardState, applied: LogIndex): HardState {
  return applied > hardState.commit ? { ...hardState, commit: applied } : hardState;
}

function readMark(snapshot: { index: LogIndex; data: Uint8Array }): SnapshotMark {
  const read = JSON.parse(Buffer.from(snapshot.data).toString()) as { term: number; confState: string };
  return { index: snapshot.index, term: read.term as Term, confState: confStateFromJson(read.confState) };
}

/** The database must have seen all that the log has dropped, and nothing that the log does not have. */
function checkTogether(mvcc: Mvcc, mark: SnapshotMark | undefined, entries: readonly Entry[]): void {
  const applied = mvcc.applied.index;
  const base = mark?.index ?? 0;
  if (applied < base) throw new RecoverError({ code: "recover/database-behind-log", applied, firstKept: base + 1 });
  const last = entries.at(-1)?.index ?? base;
  if (applied > last) throw new RecoverError({ code: "recover/log-behind-database", applied, lastKept: last });
  assert(entries.length === 0 || (entries[0] as Entry).index <= base + 1, "the log begins where its snapshot ends");
}
