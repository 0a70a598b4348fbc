import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Clock, ClusterId, MemberId, Random, Tracer } from "@quorate/common";
import { MvccError } from "@quorate/mvcc";
import { type AppLogger, createMeter, type Metrics } from "@quorate/telemetry";
import { GrpcServices, type Listener, type ListenerOptions, type ListenerPorts } from "@quorate/transport";
import { type DirectoryLock, lockDirectory, WalError } from "@quorate/wal";
import type { Config, ListenerPlan } from "./config/config.js";
import { type Identity, identityOf, missingLocal, parseInitialCluster } from "./config/initial-cluster.js";
import { registerInterceptors } from "./front/interceptors.js";
import type { ProcessView } from "./http/debug-pages.js";
import { createClientHandler, createMetricsHandler } from "./http/http-handler.js";
import type { MemberView } from "./http/member-view.js";
import { type Member, openMember } from "./member.js";
import { collectMember, observeCore } from "./member-metrics.js";
import { grpcOverheadBytes, type MemberOptions } from "./member-options.js";
import { viewMember } from "./member-view.js";
import { openListeners, tlsOptionsOf } from "./open-listeners.js";
import { createPeerHandler } from "./peer-pages.js";
import type { Turn } from "./ports/turn.js";
import { RecoverError } from "./recover.js";
import { StartError } from "./start-error.js";

/** What clients are told: the version of the API that is spoken, and what follows from it. */
export const versions = { server: "3.7.1", cluster: "3.7.0", storage: "3.7.0" } as const;

/** The world of a daemon. */
export type DaemonPorts = Readonly<{
  clock: Clock;
  random: Random;
  turn: Turn;
  logger: AppLogger;
  metrics: Metrics;
  process: ProcessView;
  tracerOf?: ((name: string) => Tracer) | undefined;
  /** Ends the wait for a directory that another process uses. */
  signal: AbortSignal;
  /** A promise cannot be kept any more: the process has to end, now. */
  fatal: (error: Error) => void;
}>;

/** A member that serves. */
export interface RunningMember {
  readonly id: MemberId;
  /** Ends streams at once, gives unary calls the request timeout, closes all files. */
  stop(): Promise<void>;
}

/**
 * Starts a member: binds its ports, takes its directory, opens log and database, leads or finds a leader, and only then serves. What was opened is closed
 * again when a later step fails.
 * @throws StartError with the line to log.
 */
export async function createMember(config: Config, ports: DaemonPorts): Promise<RunningMember> {
  const opened: (() => Promise<void> | void)[] = [];
  try {
    return await start(config, ports, opened);
  } catch (error) {
    for (const close of opened.reverse()) await close();
    throw asStartError(error);
  }
}

async function start(
  config: Config,
  ports: DaemonPorts,
  opened: (() => Promise<void> | void)[],
): Promise<RunningMember> {
  const { logger } = ports;
  const meter = createMeter(ports.metrics);
  const listenerPorts = (name: string): ListenerPorts => {
    const tracer = ports.tracerOf?.(name);
    return { ...ports, meter, ...(tracer === undefined ? {} : { tracer }) };
  };
  const services = new GrpcServices();
  const late: { view: MemberView | undefined; member: Member | undefined } = { view: undefined, member: undefined };
  const view = lateView(late);
  const keep = (listeners: Listener[]): Listener[] => {
    opened.push(() => Promise.all(listeners.map((listener) => listener.stop({ graceMs: 0 }))).then(() => {}));
    return listeners;
  };
  const peerHandler = createPeerHandler(view, () => late.member);
  keep(
    await openListeners(
      config.peerListeners,
      () => ({ http: peerHandler, accepts: "httpOnly" }),
      listenerPorts("@quorate/transport"),
      "creating peer listener failed",
    ),
  );
  const healthPorts = { member: view, metrics: ports.metrics, logger };
  const metricsHandler = createMetricsHandler(healthPorts);
  keep(
    await openListeners(
      config.metricsListeners,
      (plan) => withTls(config, plan, { http: metricsHandler, accepts: "httpOnly" }),
      listenerPorts("@quorate/transport"),
    ),
  );
  const wait = (ms: number): Promise<void> => new Promise((done) => void ports.clock.after(ms, done));
  const http = createClientHandler(config.http, { ...healthPorts, process: ports.process, wait });
  const clients = keep(
    await openListeners(
      config.clientListeners,
      (plan) => withTls(config, plan, clientOptions(config, plan, services, http)),
      listenerPorts("@quorate/transport"),
    ),
  );

  const lock = await takeDirectory(config, ports);
  opened.push(() => lock.release());
  const tracer = ports.tracerOf?.("@quorate/server");
  const member = await openMember(memberOptions(config), {
    ...ports,
    meter,
    observe: observeCore(ports.metrics.etcd),
    ...(tracer === undefined ? {} : { tracer }),
  });
  opened.push(() => member.stop());
  late.view = viewMember(member, versions);
  late.member = member;
  registerInterceptors(services, member.front);
  member.register(services);
  collectMember(ports.metrics, {
    member,
    listeners: clients,
    services,
    hub: member.hub,
    quotaBytes: shownQuota(config),
  });
  await member.ready;
  for (const listener of clients) listener.open();
  logServing(config, logger);
  return { id: member.id, stop: () => stopAll(config, { member, clients, opened }) };
}

async function stopAll(
  config: Config,
  parts: { member: Member; clients: readonly Listener[]; opened: (() => Promise<void> | void)[] },
): Promise<void> {
  parts.member.endStreams();
  await Promise.all(parts.clients.map((listener) => listener.stop({ graceMs: config.limits.requestTimeoutMs })));
  for (const close of parts.opened.reverse()) await close();
}

function clientOptions(
  config: Config,
  plan: ListenerPlan,
  services: GrpcServices,
  http: ListenerOptions["http"],
): ListenerOptions {
  return {
    services,
    ...(http === undefined ? {} : { http }),
    accepts: plan.accepts,
    startsPaused: true,
    limits: {
      maxConcurrentStreams: config.limits.concurrentStreamsMax,
      maxReceiveBytes: config.limits.requestBytesMax + grpcOverheadBytes,
      keepAliveMinPingMs: config.keepAlive.clientMinMs,
      keepAliveIntervalMs: config.keepAlive.intervalMs,
      keepAliveTimeoutMs: config.keepAlive.timeoutMs,
    },
  };
}

function withTls(config: Config, plan: ListenerPlan, options: ListenerOptions): ListenerOptions {
  if (!plan.takesTls || config.tls === undefined) return options;
  return { ...options, tls: tlsOptionsOf(config.tls, plan) };
}

async function takeDirectory(config: Config, ports: DaemonPorts): Promise<DirectoryLock> {
  const { database, walDirectory } = pathsOf(config);
  const directory = join(resolve(config.dataDir), "member");
  for (const path of [join(directory, "snap"), join(walDirectory, "..")])
    mkdirSync(path, { recursive: true, mode: 0o700 });
  return lockDirectory(directory, ports, { signal: ports.signal, reportedPath: database });
}

function pathsOf(config: Config): { database: string; walDirectory: string } {
  const directory = join(resolve(config.dataDir), "member");
  const walDirectory = config.walDir === undefined ? join(directory, "wal") : resolve(config.walDir);
  return { database: join(directory, "snap", "db"), walDirectory };
}

const defaultQuotaBytes = 2_147_483_648;

function shownQuota(config: Config): number {
  return config.store.quotaGiven === 0 ? defaultQuotaBytes : config.store.quotaGiven;
}

const nobody = { member: 0n as MemberId, cluster: 0n as ClusterId, members: [] };

/** Who this member is, if its log is new. An old log says it itself, whatever the settings say. @throws StartError when a new one cannot begin. */
function founderOf(config: Config, walDirectory: string): Identity {
  const { bootstrap, name } = config;
  const cluster = parseInitialCluster(bootstrap.initialCluster);
  const identity = typeof cluster === "string" ? undefined : identityOf(cluster, bootstrap.token, name);
  if (existsSync(walDirectory)) return identity ?? nobody;
  if (typeof cluster === "string") throw new StartError(cluster);
  if (identity === undefined)
    throw new StartError(missingLocal(cluster, name) ?? "this member is not in the initial cluster");
  if (identity.members.length > 1)
    throw new StartError("clusters of several members are not available in this version");
  if (!bootstrap.isNewCluster) throw new StartError("joining an existing cluster is not available in this version");
  return identity;
}

function memberOptions(config: Config): MemberOptions {
  const { raft, store, limits } = config;
  const { database, walDirectory } = pathsOf(config);
  const identity = founderOf(config, walDirectory);
  return {
    name: config.name,
    identity,
    initialMembers: identity.members.map(({ id, name, peerUrls }) => ({ id, name, peerURLs: peerUrls })),
    clientURLs: config.advertisedClientUrls,
    walDirectory,
    databasePath: database,
    tickMs: raft.heartbeatMs,
    electionTicks: raft.electionTicks,
    isPreVoteOn: raft.isPreVoteOn,
    requestTimeoutMs: limits.requestTimeoutMs,
    requestBytesMax: limits.requestBytesMax,
    txnOperationsMax: limits.txnOperationsMax,
    quotaBytes: store.quotaBytes,
    quotaShown: shownQuota(config),
    snapshotCount: raft.snapshotCount,
    catchUpEntries: raft.catchUpEntries,
    segmentsKept: raft.logFilesKept,
    watchProgressMs: limits.watchProgressMs,
    compactionBatchLimit: store.compactionBatchLimit,
    compactionSleepMs: store.compactionSleepMs,
    unsafeNoSync: store.unsafeNoSync,
    hasLogThread: true,
    hasStoreThread: true,
    version: versions.server,
    clusterVersion: versions.cluster,
    storageVersion: versions.storage,
  };
}

/** Pages may be asked for before the member is there. */
function lateView(late: { readonly view: MemberView | undefined }): MemberView {
  const absent = "etcdserver: not started";
  return {
    versions: () => late.view?.versions() ?? { server: versions.server, cluster: undefined, storage: undefined },
    serializableRead: async (signal) => late.view?.serializableRead(signal) ?? absent,
    linearizableRead: async (signal) => late.view?.linearizableRead(signal) ?? absent,
    alarms: () => late.view?.alarms() ?? [],
    hasLeader: () => late.view?.hasLeader() ?? false,
    isLearner: () => late.view?.isLearner() ?? false,
    raftStatus: () => late.view?.raftStatus() ?? {},
  };
}

function logServing(config: Config, logger: AppLogger): void {
  for (const plan of config.clientListeners) {
    logger.info("ready to serve client requests");
    const traffic = { combined: "grpc+http", grpcOnly: "grpc", httpOnly: "http" }[plan.accepts];
    const address = "path" in plan.address ? plan.address.path : `${plan.address.host}:${plan.address.port}`;
    if (plan.takesTls) logger.info("serving client traffic securely", { traffic, address });
    if (plan.takesPlain) {
      logger.info("serving client traffic insecurely; this is strongly discouraged!", { traffic, address });
    }
  }
}

/** What a person reads when the data cannot be used. */
function asStartError(error: unknown): unknown {
  if (error instanceof WalError || error instanceof MvccError || error instanceof RecoverError) {
    return new StartError(error.message, { cause: error });
  }
  return error;
}
