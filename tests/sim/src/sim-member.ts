import { join } from "node:path";
import { type ClusterId, type MemberId, type PeerReceiver, silentLogger, silentMeter } from "@quorate/common";
import {
  EntryField,
  type InitialMember,
  type Member,
  type MemberOptions,
  openMember,
  silentObserver,
} from "@quorate/server";
import type { MemberWorld, SimulatedProcess } from "@quorate/testkit";
import { GrpcServices, type StreamHandler, type UnaryHandler } from "@quorate/transport";
import type { SimStream, SimUnary } from "./call.js";
import type { Setting } from "./plan.js";
import type { Trace } from "./trace.js";
import type { Truth } from "./truth.js";

export const clusterId = 0xfeed_0000_0000_cafen as ClusterId;
export const minTtlSeconds = 2;

/** What watches over members. `removed` is told when one knows that it has been removed from the cluster. */
export type MemberWitness = Readonly<{
  truth: Truth;
  trace: Trace;
  nowMs: () => number;
  removed: (member: MemberId) => void;
  /** Somebody who has been removed speaks: as on the real network it is told so, and not listened to. */
  turnedAway: (member: MemberId) => void;
}>;

/** The process of one member, as the simulation handles it. */
export class SimMember implements SimulatedProcess {
  readonly member: Member;
  readonly #services = new GrpcServices();
  readonly #calls = new Set<SimUnary | SimStream>();

  private constructor(member: Member) {
    this.member = member;
    member.register(this.#services);
  }

  static async open(world: MemberWorld, options: Partial<MemberOptions>, witness: MemberWitness): Promise<SimMember> {
    const { member: id, network, directory } = world;
    const { truth, trace, nowMs } = witness;
    let member: Member | undefined;
    let field = 0;
    const isRemoved = (other: MemberId): boolean => member?.state.membership.isGone(other) === true;
    if (!world.disk.exists("/wal")) world.disk.makeDirectory("/wal");
    member = await openMember(
      { ...memberDefaults, ...options, databasePath: join(directory, "db") },
      {
        ...world,
        network: {
          ...network,
          receive: (receiver) => network.receive(guarded(id, receiver, { ...witness, isRemoved })),
        },
        logger: silentLogger,
        meter: silentMeter,
        observe: {
          ...silentObserver,
          committed: (entries) => truth.committed(id, entries),
          applied: (entryField) => {
            field = entryField;
          },
          changed: (committed) =>
            truth.changed(id, committed, { atMs: nowMs(), isExpiry: field === EntryField.leaseWork }),
          leaderChanged: ({ isLeader }) => {
            if (!isLeader || member === undefined) return;
            const { term } = member.core.facts();
            truth.leads(id, term);
            trace.note(nowMs(), `${id} leads in term ${term}`);
          },
        },
      },
    );
    void member.core.cluster.removed.then(() => witness.removed(id));
    return new SimMember(member);
  }

  databaseMark(): { flushed: number; durable: number } {
    const { mvcc } = this.member.state;
    return { flushed: mvcc.flushed.index, durable: mvcc.durable.index };
  }

  async stop(): Promise<void> {
    this.member.endStreams();
    await this.member.handOver();
    await this.member.stop();
  }

  abandon(): Promise<void> {
    for (const call of this.#calls) call.drop();
    return this.member.state.mvcc.close();
  }

  /** Hands a unary call to its handler. */
  unary(call: SimUnary, message: Uint8Array): void {
    (this.#handlerOf(call.path) as UnaryHandler)(call, message);
    this.#remember(call);
  }

  /** Opens a stream. */
  stream(call: SimStream): void {
    (this.#handlerOf(call.path) as StreamHandler)(call);
    this.#remember(call);
  }

  #remember(call: SimUnary | SimStream): void {
    for (const known of this.#calls) if (known.isOver) this.#calls.delete(known);
    if (!call.isOver) this.#calls.add(call);
  }

  #handlerOf(path: string): unknown {
    const route = this.#services.find(path);
    if (!("handler" in route)) throw new Error(`no such method: ${path}`);
    return route.handler;
  }
}

/** What members of one run have in common. */
export function memberOptions(
  setting: Setting,
  member: MemberId,
  founders: readonly MemberId[],
): Partial<MemberOptions> {
  return {
    name: `m${member}`,
    identity: { member, cluster: clusterId },
    initialMembers: founders.map(founder),
    clientURLs: [`http://10.0.0.${member}:2379`],
    snapshotCount: setting.snapshotCount,
    catchUpEntries: setting.catchUpEntries,
    messageBytesMax: setting.messageBytesMax,
  };
}

const founder = (id: MemberId): InitialMember => ({ id, name: `m${id}`, peerURLs: [`http://10.0.0.${id}:2380`] });

const memberDefaults: Omit<MemberOptions, "databasePath"> = {
  name: "",
  identity: { member: 0n as MemberId, cluster: clusterId },
  initialMembers: [],
  clientURLs: [],
  walDirectory: "/wal",
  tickMs: 100,
  electionTicks: 10,
  isPreVoteOn: true,
  requestTimeoutMs: 7000,
  requestBytesMax: 1_572_864,
  txnOperationsMax: 128,
  quotaBytes: 2_147_483_648,
  quotaShown: 2_147_483_648,
  snapshotCount: 10_000,
  catchUpEntries: 5000,
  segmentsKept: 0,
  segmentBytesMax: 16_384,
  slowApplyMs: 1_000_000,
  watchProgressMs: 600_000,
  compactionBatchLimit: 5,
  compactionSleepMs: 10,
  unsafeNoSync: false,
  hasLogThread: false,
  hasStoreThread: false,
  version: "3.7.1",
  learnersMax: 1,
  isReconfigStrict: true,
  storageVersion: "3.7.0",
};

/** Notes each frame that arrives, so that the trace of a run is that of all its bytes, and turns away who has been removed. */
function guarded(
  to: MemberId,
  receiver: PeerReceiver,
  watch: MemberWitness & { isRemoved: (member: MemberId) => boolean },
): PeerReceiver {
  return {
    message: (from, frame) => {
      watch.trace.bytes(watch.nowMs(), `${from}>${to}`, frame);
      if (watch.isRemoved(from)) watch.turnedAway(from);
      else receiver.message(from, frame);
    },
    linkLost: (member) => receiver.linkLost(member),
    snapshot: (from, header, sizeBytes) => {
      watch.trace.note(watch.nowMs(), `${from} sends ${to} a snapshot`);
      return watch.isRemoved(from) ? undefined : receiver.snapshot(from, header, sizeBytes);
    },
    answer: (from, question) => receiver.answer(from, question),
  };
}
