import { describe, expect, it } from "vitest";
import type { Config } from "../../src/config/config.js";
import { type ConfigInput, readConfig } from "../../src/config/read-config.js";
import { ignoredFlags, settingNames } from "../../src/config/settings.js";

const listen = ["--listen-client-urls=http://127.0.0.1:1", "--advertise-client-urls=http://127.0.0.1:1"];
const tlsListen = ["--listen-client-urls=https://127.0.0.1:1", "--advertise-client-urls=https://127.0.0.1:1"];
const runtime = { version: "v24.9.0", platform: "linux", architecture: "x64" };

function read(argv: readonly string[], more: Partial<ConfigInput> = {}) {
  const readFile = (path: string): never => {
    throw Object.assign(new Error(path), { code: "ENOENT" });
  };
  return readConfig({ argv, environment: {}, readFile, runtime, ...more });
}

function configOf(argv: readonly string[], more: Partial<ConfigInput> = {}): Config {
  const result = read(argv, more);
  if (result.kind === "exit") throw new Error(JSON.stringify(result));
  return result.config;
}

/** The texts of `error` fields of an exit, with the level and message they came with. */
function errorsOf(argv: readonly string[]): readonly string[] {
  const result = read(argv);
  if (result.kind === "run") throw new Error("it runs");
  return result.lines
    .filter(({ fields }) => fields?.error !== undefined)
    .map(({ level, message, fields }) => `${result.exitCode} ${level} ${message}: ${fields?.error}`);
}

describe("readConfig", () => {
  it("has etcd's defaults", () => {
    const config = configOf([]);
    expect(config).toMatchObject({
      name: "default",
      dataDir: "default.etcd",
      walDir: undefined,
      bootstrap: { initialCluster: "default=http://localhost:2380", token: "etcd-cluster", isNewCluster: true },
      advertisedClientUrls: ["http://localhost:2379"],
      raft: { heartbeatMs: 100, electionMs: 1000, electionTicks: 10, snapshotCount: 10_000, catchUpEntries: 5000 },
      store: { quotaBytes: 2147483648, quotaGiven: 0, compactionBatchLimit: 1000, compactionSleepMs: 10 },
      limits: { requestBytesMax: 1572864, txnOperationsMax: 128, requestTimeoutMs: 7000, watchProgressMs: 600_000 },
      keepAlive: { clientMinMs: 5000, intervalMs: 7_200_000, timeoutMs: 20_000 },
      tls: undefined,
      http: { isGatewayOn: true, corsOrigins: ["*"], hostWhitelist: ["*"], isPprofOn: false },
      log: { level: "info", format: "json", outputs: ["default"] },
      tracing: undefined,
      autoCompaction: { kind: "off" },
    });
    expect(config.clientListeners).toEqual([
      {
        address: { host: "localhost", port: 2379 },
        urls: ["http://localhost:2379"],
        accepts: "combined",
        takesPlain: true,
        takesTls: false,
      },
    ]);
  });

  it("is frozen to the bottom", () => {
    const config = configOf([]);
    expect(Object.isFrozen(config.raft)).toBe(true);
    expect(Object.isFrozen(config.clientListeners[0]?.address)).toBe(true);
  });

  it("founds a cluster of one under its name", () => {
    const config = configOf(["--name=m1", "--initial-advertise-peer-urls=http://127.0.0.1:2,http://127.0.0.1:1"]);
    expect(config.bootstrap.initialCluster).toBe("m1=http://127.0.0.1:1,m1=http://127.0.0.1:2");
    expect(config.dataDir).toBe("m1.etcd");
  });

  it("advertises the host of the default route where it listens on all", () => {
    const result = read(["--listen-peer-urls=http://0.0.0.0:2380", "--name=m"], { defaultHost: "10.1.2.3" });
    expect(result).toMatchObject({
      kind: "run",
      config: { bootstrap: { initialCluster: "m=http://10.1.2.3:2380" } },
      lines: expect.arrayContaining([expect.objectContaining({ message: "detected default host for advertise" })]),
    });
  });

  it("takes variables, and names the ones it used", () => {
    const result = read([], { environment: { ETCD_NAME: "e", ETCD_AUTO_COMPACTION_MODE: "revision", OTHER: "x" } });
    expect(result).toMatchObject({ kind: "run", config: { name: "e" } });
    const used = result.lines.filter(({ message }) => message === "recognized and used environment variable");
    expect(used.map(({ fields }) => fields?.["variable-name"])).toEqual(["ETCD_AUTO_COMPACTION_MODE", "ETCD_NAME"]);
  });

  it("takes a file whole, with its own forms of values", () => {
    const file = `
name: f
heartbeat-interval: 20
grpc-keepalive-interval: 3000000000
log-outputs: [stderr, /tmp/x.log]
host-whitelist: a,b
cors: "http://a:1"
listen-metrics-urls: http://127.0.0.1:9
socket-options: { reuse-address: true }
client-transport-security: { cert-file: c, key-file: k, trusted-ca-file: t }
feature-gates: AllAlpha=true,LeaseCheckpoint=false,LeaseCheckpointPersist=false
max-snapshots: 0
`;
    const result = read(["--config-file=f.yml", "--name=ignored"], { readFile: () => new TextEncoder().encode(file) });
    expect(result).toMatchObject({
      kind: "run",
      config: {
        name: "f",
        raft: { heartbeatMs: 20, electionTicks: 50, snapshotsKept: 0 },
        keepAlive: { intervalMs: 3000 },
        http: { hostWhitelist: ["a", "b"], corsOrigins: ["http://a:1"] },
        metricsListeners: [{ address: { host: "127.0.0.1", port: 9 }, accepts: "httpOnly" }],
        tls: { certFile: "c", keyFile: "k", trustedCaFile: "t", requiresClientCertificate: true },
        log: { outputs: ["stderr", "/tmp/x.log"] },
      },
    });
    if (result.kind !== "run") return;
    const isOn = new Map(result.config.gates.map((gate) => [gate.name, gate.isOn]));
    expect([isOn.get("CompactHashCheck"), isOn.get("LeaseCheckpoint"), isOn.get("FastLeaseKeepAlive")]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it("says which type a nested key of a file has", () => {
    const readFile = () => new TextEncoder().encode("client-transport-security: { cert-file: 1 }");
    expect(read(["--config-file=f"], { readFile }).lines[0]?.fields?.error).toBe(
      "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal number into Go struct field configYAML.configJSON.client-transport-security.cert-file of type string",
    );
  });

  it("shares one socket between http and https of one address", () => {
    const config = configOf([
      "--listen-client-urls=https://127.0.0.1:1,http://127.0.0.1:1,unix:///tmp/s.sock",
      "--advertise-client-urls=http://127.0.0.1:1",
      "--cert-file=c",
      "--key-file=k",
      "--cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
      "--tls-max-version=TLS1.3",
    ]);
    expect(config.clientListeners).toMatchObject([
      { address: { host: "127.0.0.1", port: 1 }, takesPlain: true, takesTls: true },
      { address: { path: "/tmp/s.sock" }, takesPlain: true, takesTls: false },
    ]);
    expect(config.tls).toMatchObject({
      ciphers: "ECDHE-RSA-AES128-GCM-SHA256",
      minVersion: "TLSv1.2",
      maxVersion: "TLSv1.3",
    });
  });

  it("splits gRPC and HTTP between two sockets", () => {
    const config = configOf([...listen, "--listen-client-http-urls=http://127.0.0.1:2"]);
    expect(config.clientListeners.map(({ accepts }) => accepts)).toEqual(["grpcOnly", "httpOnly"]);
  });

  it("takes bounds of zero and below as etcd does", () => {
    const config = configOf([
      "--quota-backend-bytes=-1",
      "--snapshot-count=0",
      "--watch-progress-notify-interval=1ms",
      "--bcrypt-cost=50",
    ]);
    expect(config.store.quotaBytes).toBeUndefined();
    expect(config.raft.snapshotCount).toBe(10_000);
    expect(config.limits.watchProgressMs).toBe(100);
    expect(config.auth.bcryptCost).toBe(10);
  });

  it("turns profiles on at level debug", () => {
    expect(configOf(["--log-level=DEBUG"]).http).toMatchObject({ isPprofOn: true, isDebug: true });
  });

  const rules: readonly (readonly [string[], string])[] = [
    [
      ["--listen-peer-urls=http://example.com:1"],
      "1 warn failed to verify flags: expected IP in URL for binding (http://example.com:1)",
    ],
    [["--listen-metrics-urls=http://:1"], "1 warn failed to verify flags: expected IP in URL for binding (http://:1)"],
    [
      ["--initial-advertise-peer-urls=http://:1"],
      '1 warn failed to verify flags: --initial-advertise-peer-urls "http://:1" must be "host:port" (unexpected empty host (http://:1))',
    ],
    [["--election-timeout=0"], "1 warn failed to verify flags: --election-timeout must be >0 (set to 0ms)"],
    [
      ["--election-timeout=499"],
      "1 warn failed to verify flags: --election-timeout[499ms] should be at least as 5 times as --heartbeat-interval[100ms]",
    ],
    [
      ["--election-timeout=50001"],
      "1 warn failed to verify flags: --election-timeout[50001ms] is too long, and should be set less than 50000ms",
    ],
    [["--auto-compaction-mode="], "1 warn failed to verify flags: undefined auto-compaction-mode"],
    [
      ["--feature-gates=LeaseCheckpointPersist=true"],
      "1 warn failed to verify flags: enabling feature gate LeaseCheckpointPersist requires enabling feature gate LeaseCheckpoint",
    ],
    [
      ["--tls-min-version=TLS1.3", "--tls-max-version=TLS1.2"],
      "1 warn failed to verify flags: min version (TLS1.3) is greater than max version (TLS1.2)",
    ],
    [
      ["--tls-min-version=TLS1.3", "--cipher-suites=TLS_AES_128_GCM_SHA256"],
      "1 warn failed to verify flags: cipher suites cannot be configured when only TLS1.3 is enabled",
    ],
    [
      ["--log-outputs=default,stdout"],
      '1 warn failed to verify flags: multi logoutput for "default" is not supported yet',
    ],
    [["--logger=other"], '1 warn failed to verify flags: unknown logger option "other"'],
    [["--logger=capnslog"], "1 warn failed to verify flags: --logger=capnslog is removed in v3.5"],
    [["--log-format=xml"], "1 warn failed to verify flags: unknown log format: xml, supported values json, console"],
    [
      ["--enable-log-rotation"],
      "1 warn failed to verify flags: --log-outputs requires a single file path when --log-rotate-config-json is defined",
    ],
    [
      tlsListen,
      "1 fatal discovery failed: TLS key/cert (--cert-file, --key-file) must be provided for client url https://127.0.0.1:1 with HTTPS scheme",
    ],
    [
      ["--listen-metrics-urls=https://127.0.0.1:1"],
      "1 fatal discovery failed: client TLS key/cert (--cert-file, --key-file) must be provided for metrics secure url",
    ],
    [
      [...listen, "--listen-client-http-urls=http://127.0.0.1:1"],
      "1 fatal discovery failed: cannot bind both --listen-client-urls and --listen-client-http-urls on the same url http://127.0.0.1:1",
    ],
    [
      ["--discovery-endpoints=http://a:1,", "--discovery-token=t"],
      "1 warn failed to verify flags: --discovery-endpoints must not contain empty endpoints",
    ],
    [
      ["--enable-distributed-tracing", "--distributed-tracing-sampling-rate=1000001"],
      "1 fatal discovery failed: tracing sampling rate must be less than 1000000",
    ],
  ];
  for (const [argv, error] of rules) {
    it(`refuses ${argv.join(" ")}`, () => expect(errorsOf(argv)).toContain(error));
  }

  it("says twice that client URLs must be advertised", () => {
    const text = "--advertise-client-urls is required when --listen-client-urls is set explicitly";
    expect(errorsOf(["--listen-client-urls=http://127.0.0.1:1"])).toEqual([
      `1 warn failed to verify flags: ${text}`,
      `1 warn advertise client URLs are not set: ${text}`,
    ]);
  });

  it("panics at an unknown level, as etcd does", () => {
    expect(read(["--log-level=loud"])).toMatchObject({ exitCode: 2, stderr: 'panic: unrecognized level: "loud"\n' });
  });

  it("logs a refusal where and from the level on that was asked for", () => {
    const result = read(["--log-level=error", "--log-format=console", "--election-timeout=1"]);
    expect(result).toMatchObject({ kind: "exit", log: { level: "error", format: "console" } });
  });

  const asked = [
    ["--discovery-srv=example.com"],
    ["--discovery-token=t", "--discovery-endpoints=http://a:1"],
    ["--auto-tls"],
    ["--auto-compaction-retention=1"],
    ["--log-outputs=systemd/journal"],
    ["--enable-log-rotation", "--log-outputs=/tmp/a.log"],
    ["--memory-mlock"],
    ["--socket-reuse-port"],
    ["--auth-token=jwt,sign-method=HS256"],
    ["--bootstrap-defrag-threshold-megabytes=1"],
    [...tlsListen, "--cert-file=c", "--key-file=k", "--client-crl-file=r"],
  ];
  for (const argv of asked) {
    it(`does not pass over ${argv.join(" ")}, which is not built`, () => {
      const [error = ""] = errorsOf(argv);
      const flag = (argv.at(-1) ?? "").split("=")[0] ?? "";
      expect(error).toContain("asks for something that is not available in this version");
      expect(error).toContain(flag === "--log-outputs" && argv.length > 1 ? "--enable-log-rotation" : flag);
    });
  }

  it("prints help that names every flag", () => {
    const help = read(["-h"]);
    expect(help).toMatchObject({ kind: "exit", exitCode: 0 });
    if (help.kind !== "exit") return;
    expect(help.stderr).toContain("Usage:");
    for (const name of settingNames) expect(help.stdout).toContain(`  --${name} '`);
    for (const name of ignoredFlags) expect(help.stdout).not.toContain(`--${name} `);
    expect(help.stdout).toContain("--grpc-keepalive-interval '2h0m0s'");
  });

  it("prints the version", () => {
    expect(read(["--version", "--name=x"])).toMatchObject({
      exitCode: 0,
      stdout: "etcd Version: 3.7.1\nGit SHA: quorate-0.1.0\nGo Version: node-v24.9.0\nGo OS/Arch: linux/amd64\n",
    });
  });

  it("says that the other programs are not there", () => {
    for (const program of ["gateway", "grpc-proxy"]) {
      expect(read([program, "start"])).toMatchObject({
        exitCode: 1,
        stderr: `etcd ${program} start is not available in this version of Quorate\n`,
      });
    }
  });
});
