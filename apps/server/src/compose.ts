import type { Clock, ClusterId, MemberId, Random } from "@quorate/common";
import { createMeter } from "@quorate/telemetry";
import {
  createPeerNetwork,
  type GrpcPeerNetwork,
  GrpcServices,
  type ListenerOptions,
  type ListenerPorts,
  peerListenerLimits,
} from "@quorate/transport";
import { ensureOwnCertificate } from "./certificates/self-signed.js";
import type { Config, ListenerPlan } from "./config/config.js";
import { serverVersion } from "./config/usage.js";
import { registerInterceptors } from "./front/interceptors.js";
import type { ProcessView } from "./http/debug-pages.js";
import { createClientHandler, createMetricsHandler } from "./http/http-handler.js";
import type { MemberView } from "./http/member-view.js";
import type { Wait } from "./http/profiles.js";
import { type Member, openMember } from "./member.js";
import { CallMetrics, collectMember, observeCore } from "./member-metrics.js";
import { grpcOverheadBytes, type MemberOptions } from "./member-options.js";
import { viewMember } from "./member-view.js";
import { type OpenListener, openListeners, tlsOptionsOf } from "./open-listeners.js";
import { createPeerHandler } from "./peer-pages.js";
import { peerListenerTls, peerTlsOf } from "./peer-tls.js";
import type { Turn } from "./ports/turn.js";
import type { RunningMember, StartContext, StartMember } from "./process/daemon.js";
import type { Prepared } from "./process/prepare-start.js";
import { discoveryFailed, type StartFailure } from "./process/start-failure.js";
import { reasonOf } from "./process/system-error.js";

/** The world of a member that a process does not pass on by itself. */
export type ComposePorts = Readonly<{ clock: Clock; random: Random; turn: Turn; wait: Wait; process: ProcessView }>;

/** Answers that may wait for their readers: one range may be large, and beyond this whoever has stalled longest is dropped. */
const answerBytesMax = 1_073_741_824;
const storageVersion = "3.7.0";
/** The oldest server that this one can be in a cluster with. */
const minClusterVersion = "3.0.0";

/**
 * Says how a member is started: bind its ports, take its directory, open log and database, lead or find a leader, and only then serve. What was
 * opened is closed again when a later step fails.
 */
export function memberStarter(ports: ComposePorts): StartMember {
  return async (context) => {
    const daemon = new Daemon(context, ports);
    try {
      const failure = await daemon.start();
      if (failure === undefined) return daemon;
      await daemon.close();
      return failure;
    } catch (error) {
      await daemon.close();
      throw error;
    }
  };
}

class Daemon implements RunningMember {
  readonly ended: Promise<undefined>;
  readonly #context: StartContext;
  readonly #ports: ComposePorts;
  readonly #services = new GrpcServices();
  readonly #peerServices = new GrpcServices();
  readonly #calls: CallMetrics;
  readonly #clients: OpenListener[] = [];
  readonly #others: OpenListener[] = [];
  #prepared: Prepared | undefined;
  #member: Member | undefined;
  #view: MemberView | undefined;
  #network: GrpcPeerNetwork | undefined;
  #tellRemoved: () => void = () => {};

  constructor(context: StartContext, ports: ComposePorts) {
    this.#context = context;
    this.#ports = ports;
    this.#calls = new CallMetrics(context.metrics);
    this.ended = new Promise((resolve) => {
      this.#tellRemoved = () => resolve(undefined);
    });
  }

  /** @returns why it cannot start, or undefined when it serves. */
  async start(): Promise<StartFailure | undefined> {
    const { config, metrics, life } = this.#context;
    const failure = this.#makeCertificates() ?? (await this.#openPorts());
    if (failure !== undefined) return failure;
    const prepared = await this.#context.prepare();
    if (prepared.kind === "failure") return prepared;
    this.#prepared = prepared;
    life.starting(prepared.directories, prepared.isInitialised);
    const member = await openMember(memberOptions(config, prepared), {
      ...this.#ports,
      logger: this.#context.logger,
      meter: createMeter(metrics),
      observe: observeCore(metrics.etcd),
      tracer: this.#context.tracing?.tracer("@quorate/server"),
      fatal: this.#context.crash,
      connect: (self) => this.#connect(self),
    });
    this.#member = member;
    this.#view = viewMember(member, { server: serverVersion, storage: storageVersion });
    registerInterceptors(this.#services, member.front, (call) => this.#calls.begun(call));
    member.register(this.#services);
    const listeners = this.#clients.map(({ listener }) => listener);
    collectMember(metrics, { member, listeners, services: this.#services, quotaBytes: shownQuota(config) });
    life.listening(member.id);
    const removed = member.core.cluster.removed.then(() => this.#removed());
    const isRemoved = await Promise.race([member.ready.then(() => false), removed.then(() => true)]);
    if (isRemoved) return undefined;
    for (const { plan, listener } of this.#clients) {
      listener.open();
      life.servingClients(plan);
    }
    return undefined;
  }

  #connect(self: Readonly<{ member: MemberId; cluster: ClusterId }>): GrpcPeerNetwork {
    const { config, logger, metrics } = this.#context;
    const network = createPeerNetwork(
      {
        self: self.member,
        cluster: self.cluster,
        version: { server: serverVersion, minCluster: minClusterVersion },
        tls: peerTlsOf(config),
        isRemoved: (member) => this.#member?.state.membership.isGone(member) === true,
        onRemoved: () => this.#member?.core.cluster.wasRemoved(),
      },
      { ...this.#ports, logger, meter: createMeter(metrics) },
    );
    network.register(this.#peerServices);
    this.#network = network;
    return network;
  }

  /** This member is not part of its cluster any more: it ends, and does not start again. */
  #removed(): void {
    const { logger } = this.#context;
    logger.warn("server error", { error: "the member has been permanently removed from the cluster" });
    logger.warn("data-dir used by this member must be removed");
    this.#tellRemoved();
  }

  /** Ends streams at once, gives unary calls the request timeout, and closes all files. */
  async stop(): Promise<void> {
    await this.#member?.handOver();
    this.#member?.endStreams();
    const graceMs = this.#context.config.limits.requestTimeoutMs;
    await Promise.all(this.#clients.map(({ listener }) => listener.stop({ graceMs })));
    this.#clients.length = 0;
    await this.close();
  }

  /** Closes whatever is open, in the reverse order of the start. */
  async close(): Promise<void> {
    await Promise.all(this.#clients.map(({ listener }) => listener.stop({ graceMs: 0 })));
    await this.#member?.stop();
    await this.#network?.stop();
    this.#prepared?.lock.release();
    await Promise.all(this.#others.map(({ listener }) => listener.stop({ graceMs: 0 })));
  }

  #makeCertificates(): StartFailure | undefined {
    const own = this.#context.config.peerTls?.ownCertificate;
    if (own === undefined) return undefined;
    try {
      ensureOwnCertificate(own, { ...this.#ports, logger: this.#context.logger });
    } catch (error) {
      return discoveryFailed(`could not get certs: ${reasonOf(error)}`);
    }
    return undefined;
  }

  async #openPorts(): Promise<StartFailure | undefined> {
    const { config, metrics, logger, life } = this.#context;
    const ports = this.#listenerPorts();
    const view = lateView(() => this.#view);
    const health = { member: view, metrics, logger };
    const peerHandler = createPeerHandler(health, () => this.#member);
    const metricsHandler = createMetricsHandler(health);
    const { process, wait } = this.#ports;
    const http = createClientHandler(config.http, { ...health, process, wait });
    const failure =
      (await openListeners(
        { kind: "peer", plans: config.peerListeners, optionsFor: (plan) => this.#peerOptions(plan, peerHandler) },
        this.#others,
        ports,
      )) ??
      (await openListeners(
        { kind: "client", plans: config.clientListeners, optionsFor: (plan) => this.#clientOptions(plan, http) },
        this.#clients,
        ports,
      )) ??
      (await openListeners(
        {
          kind: "metrics",
          plans: config.metricsListeners,
          optionsFor: (plan) => withTls(config, plan, { http: metricsHandler, accepts: "httpOnly" }),
        },
        this.#others,
        ports,
      ));
    if (failure === undefined) for (const plan of config.metricsListeners) life.servingMetrics(plan);
    return failure;
  }

  #listenerPorts(): ListenerPorts {
    const { clock, random } = this.#ports;
    const { logger, metrics, tracing } = this.#context;
    const ports = { clock, random, logger, meter: createMeter(metrics) };
    return tracing === undefined ? ports : { ...ports, tracer: tracing.tracer("@quorate/transport") };
  }

  #peerOptions(plan: ListenerPlan, http: NonNullable<ListenerOptions["http"]>): ListenerOptions {
    const { peerTls } = this.#context.config;
    return {
      ...(plan.takesTls && peerTls !== undefined ? { tls: peerListenerTls(peerTls, plan) } : {}),
      services: this.#peerServices,
      http,
      accepts: "combined",
      rejectedMessage: "rejected connection on peer endpoint",
      limits: peerListenerLimits,
    };
  }

  #clientOptions(plan: ListenerPlan, http: NonNullable<ListenerOptions["http"]>): ListenerOptions {
    const { config } = this.#context;
    const { limits, keepAlive } = config;
    const options: ListenerOptions = {
      services: this.#services,
      http,
      accepts: plan.accepts,
      startsPaused: true,
      rejectedMessage: "rejected connection on client endpoint",
      limits: {
        maxConcurrentStreams: limits.concurrentStreamsMax,
        queuedBytesPerConnection: answerBytesMax,
        queuedBytesTotal: answerBytesMax,
        maxReceiveBytes: limits.requestBytesMax + grpcOverheadBytes,
        keepAliveMinPingMs: keepAlive.clientMinMs,
        keepAliveIntervalMs: keepAlive.intervalMs,
        keepAliveTimeoutMs: keepAlive.timeoutMs,
      },
    };
    const onHandled: ListenerOptions["onHandled"] = (call, code, startedMs) => {
      this.#calls.ended(call, code, (this.#ports.clock.monotonicMs() - startedMs) / 1000);
    };
    return withTls(config, plan, { ...options, onHandled });
  }
}

function withTls(config: Config, plan: ListenerPlan, options: ListenerOptions): ListenerOptions {
  if (!plan.takesTls || config.tls === undefined) return options;
  return { ...options, tls: tlsOptionsOf(config.tls, plan) };
}

const defaultQuotaBytes = 2_147_483_648;

function shownQuota(config: Config): number {
  return config.store.quotaGiven === 0 ? defaultQuotaBytes : config.store.quotaGiven;
}

/** A log that exists says itself whose it is. */
const saidByLog = { member: 0n as MemberId, cluster: 0n as ClusterId, members: [] };

function memberOptions(
  config: Config,
  { directories, identity = saidByLog, isJoining, known }: Prepared,
): MemberOptions {
  const { raft, store, limits } = config;
  return {
    name: config.name,
    identity,
    isJoining,
    forcesNewCluster: config.bootstrap.forcesNewCluster,
    knownMembers: known,
    initialMembers: identity.members.map(({ id, name, peerUrls }) => ({ id, name, peerURLs: peerUrls })),
    clientURLs: config.advertisedClientUrls,
    walDirectory: directories.log,
    databasePath: directories.database,
    tickMs: raft.heartbeatMs,
    electionTicks: raft.electionTicks,
    advancesFirstElection: raft.advancesFirstElection,
    isPreVoteOn: raft.isPreVoteOn,
    requestTimeoutMs: limits.requestTimeoutMs,
    requestBytesMax: limits.requestBytesMax,
    txnOperationsMax: limits.txnOperationsMax,
    quotaBytes: store.quotaBytes,
    quotaShown: shownQuota(config),
    snapshotCount: raft.snapshotCount,
    catchUpEntries: raft.catchUpEntries,
    segmentsKept: raft.logFilesKept,
    slowApplyMs: limits.slowApplyMs,
    watchProgressMs: limits.watchProgressMs,
    compactionBatchLimit: store.compactionBatchLimit,
    compactionSleepMs: store.compactionSleepMs,
    unsafeNoSync: store.unsafeNoSync,
    hasLogThread: true,
    hasStoreThread: true,
    version: serverVersion,
    learnersMax: config.bootstrap.learnersMax,
    isReconfigStrict: config.bootstrap.strictReconfigCheck,
    storageVersion,
  };
}

/** Pages may be asked for before the member is there. */
function lateView(view: () => MemberView | undefined): MemberView {
  const absent = "etcdserver: not started";
  return {
    versions: () => view()?.versions() ?? { server: serverVersion, cluster: undefined, storage: undefined },
    serializableRead: async (signal) => (view() === undefined ? absent : view()?.serializableRead(signal)),
    linearizableRead: async (signal) => (view() === undefined ? absent : view()?.linearizableRead(signal)),
    alarms: () => view()?.alarms() ?? [],
    hasLeader: () => view()?.hasLeader() ?? false,
    isLearner: () => view()?.isLearner() ?? false,
    raftStatus: () => view()?.raftStatus() ?? {},
  };
}
