import { join } from "node:path";
import { type MemberId, silentLogger, silentMeter } from "@quorate/common";
import type { Logger, Tracer } from "@quorate/common";
import { type MemberWorld, type NetworkFaults, SimulatedCluster, type SimulatedProcess } from "@quorate/testkit";
import { GrpcServices, type ServerStreamHandler, type StreamHandler, type UnaryHandler } from "@quorate/transport";
import { type CoreObserver, silentObserver } from "../../src/core/core-options.js";
import type { MemberRecord } from "../../src/core/membership.js";
import { registerInterceptors } from "../../src/front/interceptors.js";
import { type Member, openMember } from "../../src/member.js";
import type { InitialMember, MemberOptions } from "../../src/member-options.js";
import { type CallOptions, FakeStream, FakeUnary, lend } from "./fake-call.js";
import { clusterId, defaultOptions } from "./harness.js";
import { type Answer, answerOf, encodeRequest, pathOf } from "./method-codec.js";
import type { PlainMessage } from "./plain.js";

export type ClusterHarnessOptions = Readonly<{
  seed?: number;
  /** Founding members; their ids count from 1. */
  members?: number;
  network?: NetworkFaults;
  /** For all members, or what makes one member different. */
  options?: Partial<MemberOptions> | ((member: MemberId) => Partial<MemberOptions>);
  logger?: (member: MemberId) => Logger;
  observe?: (member: MemberId) => Partial<CoreObserver>;
  tracer?: (member: MemberId) => Tracer;
}>;

/** The process of one member. */
export type ServerProcess = SimulatedProcess & { readonly member: Member; readonly services: GrpcServices };

const urlsOf = (member: MemberId, port: number): string[] => [`http://10.0.0.${member}:${port}`];
const founder = (id: MemberId): InitialMember => ({ id, name: `m${id}`, peerURLs: urlsOf(id, 2380) });

/** A cluster of whole members in one test. What it is, `SimulatedCluster` says; here are the calls that clients make. */
export class ClusterHarness {
  readonly cluster: SimulatedCluster<ServerProcess>;
  readonly founders: readonly MemberId[];
  readonly #given: ClusterHarnessOptions;
  /** Members that came later, and who was there when they did. */
  readonly #joiners = new Map<MemberId, readonly MemberRecord[]>();

  constructor(given: ClusterHarnessOptions = {}) {
    this.#given = given;
    this.founders = Array.from({ length: given.members ?? 3 }, (_, at) => BigInt(at + 1) as MemberId);
    this.cluster = new SimulatedCluster({
      seed: given.seed ?? 1,
      network: given.network,
      createMember: (world) => this.#open(world),
    });
    for (const member of this.founders) this.cluster.add(member).disk.makeDirectory("/wal");
  }

  /** A cluster whose members all serve. */
  static async started(given: ClusterHarnessOptions = {}): Promise<ClusterHarness> {
    const harness = new ClusterHarness(given);
    await harness.start(...harness.founders);
    return harness;
  }

  /** Starts members, all of the founders when none is named, and waits until they serve. */
  async start(...members: readonly MemberId[]): Promise<void> {
    await this.cluster.finished(Promise.all(members.map((member) => this.cluster.start(member))));
    await this.cluster.finished(Promise.all(members.map((member) => this.member(member).ready)));
  }

  /** Adds a member to the cluster, through the one named, and starts it. @returns its id when it serves. */
  async join(through: MemberId, options: { isLearner?: boolean } = {}): Promise<MemberId> {
    const number = this.founders.length + this.#joiners.size + 1;
    const peerURLs = [`http://10.0.0.${number}:2380`];
    await this.must(through, "Cluster/MemberAdd", { peerURLs, isLearner: options.isLearner ?? false });
    const known = this.member(through).state.membership.list();
    const added = known.find((member) => member.peerURLs[0] === peerURLs[0]);
    if (added === undefined) throw new Error("the member that was added is not in the list");
    this.#joiners.set(added.id, known);
    this.cluster.add(added.id).disk.makeDirectory("/wal");
    await this.start(added.id);
    return added.id;
  }

  member(id: MemberId): Member {
    return this.cluster.get(id).member;
  }

  /** The leader in the highest term that a running member leads in, or undefined. */
  get leader(): MemberId | undefined {
    const leaders = this.cluster.running
      .map((id) => ({ id, ...this.member(id).core.facts() }))
      .filter(({ isLeader }) => isLeader);
    return leaders.sort((a, b) => b.term - a.term)[0]?.id;
  }

  /** Waits until some running member leads. */
  async led(): Promise<MemberId> {
    await this.cluster.until(() => this.leader !== undefined);
    return this.leader as MemberId;
  }

  /** Waits until all running members have applied the same entry. */
  async level(): Promise<void> {
    await this.cluster.until(() => {
      const applied = this.cluster.running.map((id) => this.member(id).state.mvcc.applied.index);
      return new Set(applied).size <= 1;
    });
  }

  /** Begins a unary call of a method like "KV/Put" at a member. */
  begin(at: MemberId, method: string, request: PlainMessage, options: CallOptions = {}): FakeUnary {
    const path = pathOf(method);
    const call = new FakeUnary(path, options);
    const message = encodeRequest(method, request);
    this.cluster.enter(at, ({ services }) => {
      const refusal = services.refusalOf(call);
      if (refusal !== undefined) call.fail(refusal);
      else lend(message, (lent) => (this.#handlerOf(services, path) as UnaryHandler)(call, lent));
    });
    return call;
  }

  /** Makes a unary call and waits for its end. */
  async ask(at: MemberId, method: string, request: PlainMessage): Promise<Answer> {
    const call = this.begin(at, method, request);
    await this.cluster.until(() => call.isOver);
    return answerOf(method, call);
  }

  /** The answer of a call that has to succeed. */
  async must(at: MemberId, method: string, request: PlainMessage): Promise<PlainMessage> {
    const answer = await this.ask(at, method, request);
    if ("error" in answer) throw new Error(`${method} failed: ${answer.error.message}`);
    return answer.ok;
  }

  /** Begins a call that streams. @param message the request of a call that streams only its answers. */
  stream(at: MemberId, path: string, message?: Uint8Array, options: CallOptions = {}): FakeStream {
    const call = new FakeStream(path, message === undefined ? "bidi" : "server-stream", options);
    const { services } = this.cluster.get(at);
    const refusal = services.refusalOf(call);
    if (refusal !== undefined) {
      call.fail(refusal);
      return call;
    }
    const handler = this.#handlerOf(services, path);
    if (message === undefined) (handler as StreamHandler)(call);
    else lend(message, (lent) => (handler as ServerStreamHandler)(call, lent));
    return call;
  }

  dispose(): Promise<void> {
    return this.cluster.dispose();
  }

  async #open(world: MemberWorld): Promise<ServerProcess> {
    const { member: id, network, directory } = world;
    const { options = {}, logger, observe, tracer } = this.#given;
    const initialMembers = this.founders.map(founder);
    const known = this.#joiners.get(id);
    network.setPeers(initialMembers.filter((peer) => peer.id !== id).map((peer) => ({ member: peer.id, urls: [] })));
    const member = await openMember(
      {
        ...defaultOptions,
        name: `m${id}`,
        identity: { member: id, cluster: clusterId },
        initialMembers,
        clientURLs: urlsOf(id, 2379),
        ...(known === undefined ? {} : { initialMembers: [], isJoining: true, knownMembers: known }),
        ...(typeof options === "function" ? options(id) : options),
        databasePath: join(directory, "db"),
      },
      {
        ...world,
        logger: logger?.(id) ?? silentLogger,
        meter: silentMeter,
        observe: { ...silentObserver, ...observe?.(id) },
        tracer: tracer?.(id),
      },
    );
    const services = new GrpcServices();
    registerInterceptors(services, member.front, () => {});
    member.register(services);
    const { mvcc } = member.state;
    return {
      member,
      services,
      databaseMark: () => ({ flushed: mvcc.flushed.index, durable: mvcc.durable.index }),
      abandon: () => mvcc.close(),
      stop: async () => {
        await member.handOver();
        member.endStreams();
        await member.stop();
      },
    };
  }

  #handlerOf(services: GrpcServices, path: string): UnaryHandler | ServerStreamHandler | StreamHandler {
    const route = services.find(path);
    if (!("handler" in route)) throw new Error(`no such method: ${path}`);
    return route.handler;
  }
}
