import { join } from "node:path";
import { type OwnCertificate, ownCertificateFiles } from "../certificates/self-signed.js";
import type { AutoCompaction, Config, ListenerPlan, PeerTlsSettings, TlsSettings } from "./config.js";
import { gateStates } from "./feature-gates.js";
import type { LogSettings } from "./log-settings.js";
import { isSecure, type MemberUrl, socketPath } from "./member-url.js";
import type { Settings } from "./settings.js";
import { bcryptCosts, parseRetention } from "./start-checks.js";
import { openSslSuite, parseTlsVersion } from "./tls-settings.js";

const defaultQuotaBytes = 2 * 1024 ** 3;
const progressMinMs = 100;
const requestTimeoutBaseMs = 5000;

/** What a setting of 0 means. */
const standard = {
  snapshotCount: 10_000,
  batchIntervalMs: 100,
  batchLimit: 10_000,
  compactionBatchLimit: 1000,
  compactionSleepMs: 10,
  watchProgressMs: 600_000,
  slowRequestMs: 300,
};

/** Puts checked settings into the form in which the member takes them. */
export function buildConfig(settings: Settings, log: LogSettings): Config {
  return deepFreeze({
    name: settings.name,
    dataDir: settings["data-dir"],
    walDir: settings["wal-dir"] === "" ? undefined : settings["wal-dir"],
    bootstrap: {
      initialCluster: settings["initial-cluster"],
      token: settings["initial-cluster-token"],
      isNewCluster: settings["initial-cluster-state"] === "new",
      advertisedPeerUrls: settings["initial-advertise-peer-urls"],
      forcesNewCluster: settings["force-new-cluster"],
      strictReconfigCheck: settings["strict-reconfig-check"],
      learnersMax: settings["max-learners"],
    },
    advertisedClientUrls: settings["advertise-client-urls"].map((url) => url.text),
    peerListeners: planListeners(settings["listen-peer-urls"], "combined"),
    clientListeners: clientListeners(settings),
    metricsListeners: planListeners(settings["listen-metrics-urls"], "httpOnly"),
    raft: raftConfig(settings),
    store: storeConfig(settings),
    limits: limitsConfig(settings),
    keepAlive: {
      clientMinMs: settings["grpc-keepalive-min-time"],
      intervalMs: settings["grpc-keepalive-interval"],
      timeoutMs: settings["grpc-keepalive-timeout"],
    },
    tls: tlsConfig(settings),
    peerTls: peerTlsConfig(settings),
    http: {
      isGatewayOn: settings["enable-grpc-gateway"],
      corsOrigins: settings.cors,
      hostWhitelist: allWhenEmpty(settings["host-whitelist"]),
      isPprofOn: settings["enable-pprof"] || log.level === "debug",
      isDebug: log.level === "debug",
    },
    auth: { tokenTtlSeconds: settings["auth-token-ttl"], bcryptCost: bcryptCost(settings["bcrypt-cost"]) },
    log,
    metrics: { isExtensive: settings.metrics === "extensive" },
    tracing: tracingConfig(settings),
    autoCompaction: autoCompaction(settings),
    checks: {
      corruptCheckMs: settings["corrupt-check-time"],
      compactHashCheckMs: settings["compact-hash-check-time"],
      downgradeCheckMs: settings["downgrade-check-time"],
    },
    gates: gateStates(settings["feature-gates"]),
  });
}

function raftConfig(settings: Settings): Config["raft"] {
  const heartbeatMs = settings["heartbeat-interval"];
  const electionMs = settings["election-timeout"];
  return {
    heartbeatMs,
    electionMs,
    electionTicks: Math.floor(electionMs / heartbeatMs),
    advancesFirstElection: settings["initial-election-tick-advance"],
    isPreVoteOn: settings["pre-vote"],
    snapshotCount: settings["snapshot-count"] || standard.snapshotCount,
    catchUpEntries: settings["snapshot-catchup-entries"],
    snapshotsKept: settings["max-snapshots"],
    logFilesKept: settings["max-wals"],
  };
}

function storeConfig(settings: Settings): Config["store"] {
  const quotaGiven = settings["quota-backend-bytes"];
  return {
    quotaBytes: quotaGiven < 0 ? undefined : quotaGiven || defaultQuotaBytes,
    quotaGiven,
    batchIntervalMs: settings["backend-batch-interval"] || standard.batchIntervalMs,
    batchLimit: settings["backend-batch-limit"] || standard.batchLimit,
    compactionBatchLimit: settings["compaction-batch-limit"] || standard.compactionBatchLimit,
    compactionSleepMs: settings["compaction-sleep-interval"] || standard.compactionSleepMs,
    unsafeNoSync: settings["unsafe-no-fsync"],
    defragmentMegabytes: settings["bootstrap-defrag-threshold-megabytes"],
  };
}

function limitsConfig(settings: Settings): Config["limits"] {
  const progressMs = settings["watch-progress-notify-interval"];
  return {
    requestBytesMax: settings["max-request-bytes"],
    txnOperationsMax: settings["max-txn-ops"],
    concurrentStreamsMax: settings["max-concurrent-streams"],
    requestTimeoutMs: requestTimeoutBaseMs + 2 * settings["election-timeout"],
    slowApplyMs: settings["warning-apply-duration"],
    slowRequestMs: settings["warning-unary-request-duration"] || standard.slowRequestMs,
    watchProgressMs: progressMs === 0 ? standard.watchProgressMs : Math.max(progressMs, progressMinMs),
  };
}

function tlsConfig(settings: Settings): TlsSettings | undefined {
  if (settings["cert-file"] === "" && settings["key-file"] === "") return undefined;
  return {
    certFile: settings["cert-file"],
    keyFile: settings["key-file"],
    trustedCaFile: orUndefined(settings["trusted-ca-file"]),
    // A CA to check against makes etcd ask for certificates even when the flag is not set.
    requiresClientCertificate: settings["client-cert-auth"] || settings["trusted-ca-file"] !== "",
    ...tlsVersions(settings),
  };
}

function peerTlsConfig(settings: Settings): PeerTlsSettings | undefined {
  const own = ownPeerCertificate(settings);
  const given = { certFile: settings["peer-cert-file"], keyFile: settings["peer-key-file"] };
  const { certFile, keyFile } = own === undefined ? given : ownCertificateFiles(own.directory);
  if (certFile === "" && keyFile === "") return undefined;
  return {
    certFile,
    keyFile,
    clientCertFile: orUndefined(settings["peer-client-cert-file"]) ?? certFile,
    clientKeyFile: orUndefined(settings["peer-client-key-file"]) ?? keyFile,
    trustedCaFile: orUndefined(settings["peer-trusted-ca-file"]),
    requiresClientCertificate: settings["peer-client-cert-auth"] || settings["peer-trusted-ca-file"] !== "",
    allowedCommonNames: settings["peer-cert-allowed-cn"],
    allowedHostnames: settings["peer-cert-allowed-hostname"],
    checksClientAddress: !settings["peer-skip-client-san-verification"],
    ownCertificate: own,
    ...tlsVersions(settings),
  };
}

/** Files that were given count more than the wish for one's own. */
function ownPeerCertificate(settings: Settings): OwnCertificate | undefined {
  if (!settings["peer-auto-tls"] || settings["peer-cert-file"] !== "" || settings["peer-key-file"] !== "")
    return undefined;
  return {
    directory: join(settings["data-dir"], "fixtures", "peer"),
    hosts: settings["listen-peer-urls"].map((url) => url.host),
    validYears: settings["self-signed-cert-validity"],
  };
}

function tlsVersions(settings: Settings): Pick<TlsSettings, "minVersion" | "maxVersion" | "ciphers"> {
  const suites = settings["cipher-suites"].map(openSslSuite).filter((suite) => suite !== undefined);
  const version = (name: string) => {
    const parsed = parseTlsVersion(name);
    return "version" in parsed ? parsed.version : undefined;
  };
  return {
    minVersion: version(settings["tls-min-version"]),
    maxVersion: version(settings["tls-max-version"]),
    ciphers: suites.length === 0 ? undefined : suites.join(":"),
  };
}

function orUndefined(text: string): string | undefined {
  return text === "" ? undefined : text;
}

function tracingConfig(settings: Settings): Config["tracing"] {
  if (!settings["enable-distributed-tracing"]) return undefined;
  return {
    address: settings["distributed-tracing-address"],
    serviceName: settings["distributed-tracing-service-name"],
    instanceId: settings["distributed-tracing-instance-id"],
    samplingPerMillion: settings["distributed-tracing-sampling-rate"],
  };
}

function autoCompaction(settings: Settings): AutoCompaction {
  const mode = settings["auto-compaction-mode"];
  const retention = parseRetention(mode, settings["auto-compaction-retention"]);
  if (typeof retention !== "number" || retention === 0) return { kind: "off" };
  return mode === "revision"
    ? { kind: "revision", retentionRevisions: retention }
    : { kind: "periodic", retentionMs: retention };
}

function bcryptCost(given: number): number {
  return given < bcryptCosts.min || given > bcryptCosts.max ? bcryptCosts.usual : given;
}

function allWhenEmpty(names: readonly string[]): readonly string[] {
  return names.length === 0 || (names.length === 1 && names[0] === "") ? ["*"] : names;
}

function clientListeners(settings: Settings): readonly ListenerPlan[] {
  const webOnly = settings["listen-client-http-urls"];
  const clients = planListeners(settings["listen-client-urls"], webOnly.length === 0 ? "combined" : "grpcOnly");
  return [...clients, ...planListeners(webOnly, "httpOnly")];
}

/** One socket for each address; the URLs say whether it takes TLS, plain connections, or both. */
function planListeners(urls: readonly MemberUrl[], accepts: ListenerPlan["accepts"]): readonly ListenerPlan[] {
  const plans = new Map<string, ListenerPlan>();
  for (const url of urls) {
    const address = addressOf(url);
    const key = "path" in address ? address.path : `${address.host} ${address.port}`;
    const known = plans.get(key);
    plans.set(key, {
      address,
      urls: [...(known?.urls ?? []), url.text],
      accepts,
      takesPlain: known?.takesPlain === true || !isSecure(url),
      takesTls: known?.takesTls === true || isSecure(url),
    });
  }
  return [...plans.values()];
}

function addressOf(url: MemberUrl): ListenerPlan["address"] {
  if (url.scheme.startsWith("unix")) return { path: socketPath(url) };
  return { host: url.host, port: Number(url.port) };
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
  return value;
}
