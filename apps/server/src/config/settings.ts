import { featureGates } from "./feature-gates.js";
import { choice, duration, flag, integer, origins, type Setting, text, urls, words } from "./setting.js";

const peerUrl = "http://localhost:2380";
const clientUrl = "http://localhost:2379";
const second = 1000;
const minute = 60 * second;

const member = {
  name: text("default", "Human-readable name for this member."),
  "data-dir": text("", "Path to the data directory. Default: the name followed by .etcd."),
  "wal-dir": text("", "Path to a directory for the log alone."),
  "snapshot-count": integer(10_000, "uint64", "Number of committed transactions to trigger a snapshot to disk."),
  "snapshot-catchup-entries": integer(5000, "uint64", "Number of entries kept for slow followers after a snapshot."),
  "max-snapshots": integer(5, "uint", "Maximum number of snapshot files to retain (0 is unlimited). Deprecated."),
  "max-wals": integer(5, "uint", "Maximum number of log files to retain (0 is unlimited)."),
  "heartbeat-interval": integer(100, "uint", "Time (in milliseconds) of a heartbeat interval."),
  "election-timeout": integer(1000, "uint", "Time (in milliseconds) for an election to timeout."),
  "initial-election-tick-advance": flag(
    true,
    "Whether to fast-forward initial election ticks on boot for faster election.",
  ),
  "listen-peer-urls": urls([peerUrl], "List of URLs to listen on for peer traffic."),
  "listen-client-urls": urls(
    [clientUrl],
    "List of URLs to listen on for client grpc traffic and http as long as --listen-client-http-urls is not specified.",
  ),
  "listen-client-http-urls": urls([], "List of URLs to listen on for http only client traffic.", { exceptions: [""] }),
  "listen-metrics-urls": urls([], "List of URLs to listen on for the metrics and health endpoints.", {
    exceptions: [""],
  }),
  "memory-mlock": flag(false, "Enable to enforce the database to stay in RAM."),
  "quota-backend-bytes": integer(0, "int64", "Sets the maximum size (in bytes) of the database (0 defaults to 2 GiB)."),
  "backend-bbolt-freelist-type": text("", "Type of etcd's backend freelist (array or map). Without effect here."),
  "backend-batch-interval": duration(0, "Maximum time before changes are handed to the database."),
  "backend-batch-limit": integer(0, "int", "Maximum operations before changes are handed to the database."),
  "max-txn-ops": integer(128, "uint", "Maximum number of operations permitted in a transaction."),
  "max-request-bytes": integer(1_572_864, "uint", "Maximum client request size in bytes the server will accept."),
  "max-concurrent-streams": integer(
    4_294_967_295,
    "uint32",
    "Maximum concurrent streams that each client can open at a time.",
  ),
  "grpc-keepalive-min-time": duration(
    5 * second,
    "Minimum duration interval that a client should wait before pinging server.",
  ),
  "grpc-keepalive-interval": duration(
    120 * minute,
    "Frequency duration of server-to-client ping to check if a connection is alive (0 to disable).",
  ),
  "grpc-keepalive-timeout": duration(
    20 * second,
    "Additional duration of wait before closing a non-responsive connection (0 to disable).",
  ),
  "socket-reuse-port": flag(false, "Enable to set socket option SO_REUSEPORT on listeners.", {
    fileKey: "socket-options.reuse-port",
  }),
  "socket-reuse-address": flag(false, "Enable to set socket option SO_REUSEADDR on listeners.", {
    fileKey: "socket-options.reuse-address",
  }),
  "enable-grpc-gateway": flag(true, "Enable GRPC gateway."),
  "raft-read-timeout": duration(5 * second, "Read timeout set on each peer connection.", { fileKey: "" }),
  "raft-write-timeout": duration(5 * second, "Write timeout set on each peer connection.", { fileKey: "" }),
  "feature-gates": featureGates("Name=true or Name=false pairs, between commas, that turn features on and off."),
};

const discovery = "discovery-config";
const discoveryClient = `${discovery}.client`;

const clustering = {
  "initial-advertise-peer-urls": urls(
    [peerUrl],
    "List of this member's peer URLs to advertise to the rest of the cluster.",
  ),
  "initial-cluster": text(`default=${peerUrl}`, "Initial cluster configuration for bootstrapping."),
  "initial-cluster-state": choice(
    "new",
    ["new", "existing"],
    "Initial cluster state ('new' when bootstrapping a new cluster or 'existing' when adding new members to an existing cluster).",
  ),
  "initial-cluster-token": text("etcd-cluster", "Initial cluster token for the cluster during bootstrap."),
  "advertise-client-urls": urls([clientUrl], "List of this member's client URLs to advertise to the public."),
  "discovery-token": text("", "V3 discovery: token of the cluster to be bootstrapped.", {
    fileKey: `${discovery}.token`,
  }),
  "discovery-endpoints": words([], "V3 discovery: endpoints of the discovery service.", {
    fileKey: `${discoveryClient}.endpoints`,
  }),
  "discovery-dial-timeout": duration(2 * second, "V3 discovery: dial timeout.", {
    fileKey: `${discoveryClient}.dial-timeout`,
  }),
  "discovery-request-timeout": duration(5 * second, "V3 discovery: request timeout.", {
    fileKey: `${discoveryClient}.request-timeout`,
  }),
  "discovery-keepalive-time": duration(2 * second, "V3 discovery: keepalive time.", {
    fileKey: `${discoveryClient}.keepalive-time`,
  }),
  "discovery-keepalive-timeout": duration(6 * second, "V3 discovery: keepalive timeout.", {
    fileKey: `${discoveryClient}.keepalive-timeout`,
  }),
  "discovery-insecure-transport": flag(true, "V3 discovery: disable transport security.", {
    fileKey: `${discoveryClient}.secure.insecure-transport`,
  }),
  "discovery-insecure-skip-tls-verify": flag(false, "V3 discovery: skip server certificate verification.", {
    fileKey: `${discoveryClient}.secure.insecure-skip-tls-verify`,
  }),
  "discovery-cert": text("", "V3 discovery: client certificate file.", { fileKey: `${discoveryClient}.secure.cert` }),
  "discovery-key": text("", "V3 discovery: client key file.", { fileKey: `${discoveryClient}.secure.key` }),
  "discovery-cacert": text("", "V3 discovery: CA bundle of the server's certificate.", {
    fileKey: `${discoveryClient}.secure.cacert`,
  }),
  "discovery-user": text("", "V3 discovery: user name.", { fileKey: `${discoveryClient}.auth.username` }),
  "discovery-password": text("", "V3 discovery: password.", { fileKey: `${discoveryClient}.auth.password` }),
  "discovery-fallback": choice("exit", ["exit", "proxy"], "Expected behavior ('exit') when discovery services fails.", {
    fileKey: "",
  }),
  "discovery-srv": text("", "DNS srv domain used to bootstrap the cluster."),
  "discovery-srv-name": text("", "Suffix to the dns srv name queried when bootstrapping."),
  "strict-reconfig-check": flag(true, "Reject reconfiguration requests that would cause quorum loss."),
  "pre-vote": flag(true, "Enable the raft Pre-Vote algorithm."),
  "auto-compaction-retention": text("0", "Auto compaction retention length. 0 means disable auto compaction."),
  "auto-compaction-mode": text("periodic", "Interpret 'auto-compaction-retention' one of: periodic|revision."),
  "v2-deprecation": choice(
    "write-only",
    ["not-yet", "no", "write-only", "write-only-skip-check", "write-only-drop-data", "gone"],
    "Deprecated and without effect.",
    { showsWrong: true },
  ),
  "max-learners": integer(1, "int", "Maximum number of learners in a cluster."),
};

const clientTls = "client-transport-security";
const peerTls = "peer-transport-security";

const security = {
  "cert-file": text("", "Path to the client server TLS cert file.", { fileKey: `${clientTls}.cert-file` }),
  "key-file": text("", "Path to the client server TLS key file.", { fileKey: `${clientTls}.key-file` }),
  "client-cert-file": text(
    "",
    "Path to an explicit client TLS cert file otherwise cert file will be used when client auth is required.",
    { fileKey: `${clientTls}.client-cert-file` },
  ),
  "client-key-file": text(
    "",
    "Path to an explicit client TLS key file otherwise key file will be used when client auth is required.",
    { fileKey: `${clientTls}.client-key-file` },
  ),
  "client-cert-auth": flag(false, "Enable client cert authentication.", { fileKey: `${clientTls}.client-cert-auth` }),
  "client-crl-file": text("", "Path to the client certificate revocation list file.", { fileKey: "" }),
  "client-cert-allowed-hostname": words([], "Comma-separated list of SAN hostnames for client cert authentication.", {
    fileKey: `${clientTls}.allowed-hostname`,
  }),
  "trusted-ca-file": text("", "Path to the client server TLS trusted CA cert file.", {
    fileKey: `${clientTls}.trusted-ca-file`,
  }),
  "auto-tls": flag(false, "Client TLS using generated certificates.", { fileKey: `${clientTls}.auto-tls` }),
  "peer-cert-file": text("", "Path to the peer server TLS cert file.", { fileKey: `${peerTls}.cert-file` }),
  "peer-key-file": text("", "Path to the peer server TLS key file.", { fileKey: `${peerTls}.key-file` }),
  "peer-client-cert-file": text("", "Path to an explicit peer client TLS cert file.", {
    fileKey: `${peerTls}.client-cert-file`,
  }),
  "peer-client-key-file": text("", "Path to an explicit peer client TLS key file.", {
    fileKey: `${peerTls}.client-key-file`,
  }),
  "peer-client-cert-auth": flag(false, "Enable peer client cert authentication.", {
    fileKey: `${peerTls}.client-cert-auth`,
  }),
  "peer-trusted-ca-file": text("", "Path to the peer server TLS trusted CA file.", {
    fileKey: `${peerTls}.trusted-ca-file`,
  }),
  "peer-auto-tls": flag(false, "Peer TLS using self-generated certificates.", { fileKey: `${peerTls}.auto-tls` }),
  "peer-crl-file": text("", "Path to the peer certificate revocation list file.", { fileKey: "" }),
  "peer-cert-allowed-cn": words([], "Comma-separated list of allowed CNs for inter-peer TLS authentication.", {
    fileKey: `${peerTls}.allowed-cn`,
  }),
  "peer-cert-allowed-hostname": words(
    [],
    "Comma-separated list of allowed SAN hostnames for inter-peer TLS authentication.",
    { fileKey: `${peerTls}.allowed-hostname` },
  ),
  "peer-skip-client-san-verification": flag(
    false,
    "Skip verification of SAN field in client certificate for peer connections.",
    { fileKey: `${peerTls}.skip-client-san-verification` },
  ),
  "self-signed-cert-validity": integer(
    1,
    "uint",
    "The validity period of the client and peer certificates that are generated, in years.",
  ),
  "cipher-suites": words([], "Comma-separated list of supported TLS cipher suites (empty: chosen by the runtime)."),
  "tls-min-version": text("TLS1.2", "Minimum TLS version supported."),
  "tls-max-version": text("", "Maximum TLS version supported (empty: chosen by the runtime)."),
  cors: origins(
    "Comma-separated whitelist of origins for CORS, or cross-origin resource sharing (empty or * means allow all).",
  ),
  "host-whitelist": words(
    ["*"],
    "Acceptable hostnames from HTTP client requests, if server is not secure (empty or * means allow all).",
    { isTextInFile: true },
  ),
  "auth-token": text("simple", "Specify auth token."),
  "bcrypt-cost": integer(
    10,
    "uint",
    "Specify the cost / strength of the bcrypt algorithm for hashing auth passwords (4 to 31).",
  ),
  "auth-token-ttl": integer(300, "uint", "Time (in seconds) of the auth-token-ttl."),
};

const monitoring = {
  "enable-pprof": flag(
    false,
    'Enable runtime profiling data via HTTP server. Address is at client URL + "/debug/pprof/".',
  ),
  metrics: text(
    "basic",
    "Set level of detail for exported metrics, specify 'extensive' to include server side grpc histogram metrics.",
  ),
  logger: text("zap", "Only 'zap', etcd's form of log lines."),
  "log-outputs": words(["default"], "Specify 'stdout' or 'stderr', or list of comma separated output targets."),
  "log-level": text("info", "Configures log level. Only supports debug, info, warn, error, panic, or fatal."),
  "log-format": text("json", "Configures log format. Only supports json, console."),
  "enable-log-rotation": flag(false, "Enable log rotation of a single log-outputs file target."),
  "log-rotation-config-json": text(
    '{"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false}',
    "Configures log rotation if enabled with a JSON logger config.",
  ),
  "warning-apply-duration": duration(
    100,
    "Time duration after which a warning is generated if applying a request takes longer.",
  ),
  "warning-unary-request-duration": duration(
    300,
    "Time duration after which a warning is logged if a unary request takes longer.",
  ),
  "enable-distributed-tracing": flag(false, "Enable distributed tracing with OpenTelemetry."),
  "distributed-tracing-address": text("localhost:4317", "Address of the collector that spans are sent to, over gRPC."),
  "distributed-tracing-service-name": text("etcd", "Service name of the spans."),
  "distributed-tracing-instance-id": text("", "Service instance id of the spans."),
  "distributed-tracing-sampling-rate": integer(0, "int", "Number of samples to collect per million spans."),
};

const tuning = {
  "corrupt-check-time": duration(0, "Duration of time between cluster corruption check passes."),
  "compact-hash-check-time": duration(minute, "Duration of time between leader checks followers compaction hashes."),
  "compaction-batch-limit": integer(0, "int", "Sets the maximum revisions deleted in each compaction batch."),
  "compaction-sleep-interval": duration(0, "Sets the sleep interval between each compaction batch."),
  "watch-progress-notify-interval": duration(0, "Duration of periodical watch progress notification."),
  "downgrade-check-time": duration(5 * second, "Duration of time between two downgrade status checks."),
  "bootstrap-defrag-threshold-megabytes": integer(
    0,
    "uint",
    "Defragment at start if that frees this much disk space at least. 0 to disable.",
  ),
};

const special = {
  "force-new-cluster": flag(false, "Force to create a new one-member cluster."),
  "unsafe-no-fsync": flag(false, "Disables fsync, unsafe, may cause data loss."),
  "config-file": text(
    "",
    "Path to the server configuration file. If a configuration file is provided, other command line flags and environment variables will be ignored.",
    { fileKey: "" },
  ),
  version: flag(false, "Print version and exit.", { fileKey: "" }),
};

/** All settings by the name of their flag, in the groups in which the help shows them. */
export const settingGroups = { member, clustering, security, monitoring, tuning, special };

/** Every setting by the name of its flag. */
export const settings = { ...member, ...clustering, ...security, ...monitoring, ...tuning, ...special };

export type SettingName = keyof typeof settings;
type ValueOf<One> = One extends Setting<infer Value> ? Value : never;
/** The values of all settings. */
export type Settings = { readonly [Name in SettingName]: ValueOf<(typeof settings)[Name]> };

/** Names of all flags, sorted. */
export const settingNames = (Object.keys(settings) as SettingName[]).sort();

/** Flags of former versions, which are taken and have no effect. */
export const ignoredFlags: readonly string[] = [
  "cluster-active-size",
  "cluster-remove-delay",
  "cluster-sync-interval",
  "config",
  "force",
  "max-result-buffer",
  "max-retry-attempts",
  "peer-heartbeat-interval",
  "peer-election-timeout",
  "retry-interval",
  "snapshot",
  "v",
  "vv",
  "test.coverprofile",
  "test.outputdir",
];

/** A setting by its name, without its type. */
export function settingOf(name: SettingName): Setting<unknown> {
  return settings[name] as Setting<unknown>;
}

/** What every setting is when nothing is said. */
export function defaultSettings(): Settings {
  return Object.fromEntries(settingNames.map((name) => [name, settingOf(name).default])) as unknown as Settings;
}
