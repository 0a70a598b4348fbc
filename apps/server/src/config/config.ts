import type { OwnCertificate } from "../certificates/self-signed.js";
import type { LogSettings } from "./log-settings.js";
import type { GateState } from "./feature-gates.js";
import type { MemberUrl } from "./member-url.js";
import type { TlsVersion } from "./tls-settings.js";

/** A socket that a member opens for clients. URLs with one address share one. */
export type ListenerPlan = Readonly<{
  address: { readonly host: string; readonly port: number } | { readonly path: string };
  /** URLs as they were given, for log lines. */
  urls: readonly string[];
  /** What is served there: both, or one of them when `--listen-client-http-urls` splits them. */
  accepts: "combined" | "grpcOnly" | "httpOnly";
  /** True when connections without TLS are taken, or with it. Both may be. */
  takesPlain: boolean;
  takesTls: boolean;
}>;

/** TLS of the client listeners. Files are read again for each handshake. */
export type TlsSettings = Readonly<{
  certFile: string;
  keyFile: string;
  trustedCaFile: string | undefined;
  requiresClientCertificate: boolean;
  minVersion: TlsVersion | undefined;
  maxVersion: TlsVersion | undefined;
  /** OpenSSL's names with colons between, or undefined for the runtime's choice. */
  ciphers: string | undefined;
}>;

/** TLS between members: of the peer listeners, and of the connections that this member makes. */
export type PeerTlsSettings = TlsSettings &
  Readonly<{
    /** What this member shows when it connects: of its own, or those of its listeners. */
    clientCertFile: string;
    clientKeyFile: string;
    /** A peer's certificate must have one of these common names, or one of these names of a host. Empty: any will do. */
    allowedCommonNames: readonly string[];
    allowedHostnames: readonly string[];
    /** The addresses and names in a connecting peer's certificate, if it has any, must be those of where it comes from. */
    checksClientAddress: boolean;
    /** The files are the member's own, made at its start. Then those of the others are not verified, and the connections are secret, not authentic. */
    ownCertificate: OwnCertificate | undefined;
  }>;

/** What compaction does by itself. */
export type AutoCompaction =
  | { readonly kind: "off" }
  | { readonly kind: "periodic"; readonly retentionMs: number }
  | { readonly kind: "revision"; readonly retentionRevisions: number };

/** All settings of a member, checked. Times are milliseconds, sizes bytes. Frozen. */
export type Config = Readonly<{
  name: string;
  dataDir: string;
  /** Undefined: beside the database, in the data directory. */
  walDir: string | undefined;
  bootstrap: Readonly<{
    initialCluster: string;
    token: string;
    isNewCluster: boolean;
    advertisedPeerUrls: readonly MemberUrl[];
    forcesNewCluster: boolean;
    strictReconfigCheck: boolean;
    learnersMax: number;
  }>;
  advertisedClientUrls: readonly string[];
  peerListeners: readonly ListenerPlan[];
  clientListeners: readonly ListenerPlan[];
  metricsListeners: readonly ListenerPlan[];
  raft: Readonly<{
    heartbeatMs: number;
    electionMs: number;
    /** Ticks of `heartbeatMs` after which a follower stands for election. */
    electionTicks: number;
    advancesFirstElection: boolean;
    isPreVoteOn: boolean;
    snapshotCount: number;
    catchUpEntries: number;
    snapshotsKept: number;
    logFilesKept: number;
  }>;
  store: Readonly<{
    /** Undefined: no bound. */
    quotaBytes: number | undefined;
    /** As it was given: 0 for the default, negative for no bound. */
    quotaGiven: number;
    batchIntervalMs: number;
    batchLimit: number;
    compactionBatchLimit: number;
    compactionSleepMs: number;
    unsafeNoSync: boolean;
    defragmentMegabytes: number;
  }>;
  limits: Readonly<{
    requestBytesMax: number;
    txnOperationsMax: number;
    concurrentStreamsMax: number;
    /** How long a request may take: the deadline of the server itself. */
    requestTimeoutMs: number;
    slowApplyMs: number;
    slowRequestMs: number;
    watchProgressMs: number;
  }>;
  keepAlive: Readonly<{ clientMinMs: number; intervalMs: number; timeoutMs: number }>;
  tls: TlsSettings | undefined;
  peerTls: PeerTlsSettings | undefined;
  http: Readonly<{
    isGatewayOn: boolean;
    /** `["*"]` for all. */
    corsOrigins: readonly string[];
    /** `["*"]` for all. */
    hostWhitelist: readonly string[];
    isPprofOn: boolean;
    /** With the pages that etcd has at log level debug. */
    isDebug: boolean;
  }>;
  auth: Readonly<{ tokenTtlSeconds: number; bcryptCost: number }>;
  log: LogSettings;
  metrics: Readonly<{ isExtensive: boolean }>;
  tracing:
    | Readonly<{ address: string; serviceName: string; instanceId: string; samplingPerMillion: number }>
    | undefined;
  autoCompaction: AutoCompaction;
  checks: Readonly<{ corruptCheckMs: number; compactHashCheckMs: number; downgradeCheckMs: number }>;
  gates: readonly GateState[];
}>;
