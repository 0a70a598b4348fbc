import { gateStates } from "./feature-gates.js";
import { formatGoDuration } from "./go-duration.js";
import type { LogLine } from "./log-line.js";
import { isBindable, joinUrls, type MemberUrl } from "./member-url.js";
import type { SettingName, Settings } from "./settings.js";
import { parseTlsVersion } from "./tls-settings.js";

const electionMaxMs = 50_000;
/** Said a second time in words of its own. */
export const unsetAdvertiseError = "--advertise-client-urls is required when --listen-client-urls is set explicitly";

type Rule = (settings: Settings, isGiven: (name: SettingName) => boolean) => string | undefined;

/**
 * Checks the settings against each other, in etcd's order.
 * @returns the text of the first rule that is broken.
 * @see etcd 3.7.1, embed.Config.Validate.
 */
export function validate(settings: Settings, isGiven: (name: SettingName) => boolean): string | undefined {
  for (const rule of rules) {
    const broken = rule(settings, isGiven);
    if (broken !== undefined) return broken;
  }
  return undefined;
}

/** Warnings about settings that are legal. */
export function warningsOf(settings: Settings, isGiven: (name: SettingName) => boolean): readonly LogLine[] {
  const lines: LogLine[] = [];
  const warn = (message: string, fields?: LogLine["fields"]): void => {
    lines.push(fields === undefined ? { level: "warn", message } : { level: "warn", message, fields });
  };
  if (isGiven("max-snapshots")) warn("--max-snapshots is deprecated in 3.6 and will be decommissioned in 3.8.");
  if (isGiven("v2-deprecation")) {
    warn(
      "--v2-deprecation is deprecated and scheduled for removal in v3.8. The default value is enforced, ignoring user input.",
    );
  }
  if (settings["listen-client-http-urls"].length === 0) {
    warn("Running http and grpc server on single port. This is not recommended for production.");
  }
  if (settings.name === "default") {
    warn(
      "it isn't recommended to use default name, please set a value for --name. Note that etcd might run into issue when multiple members have the same default name",
      { name: settings.name },
    );
  }
  return lines;
}

const rules: readonly Rule[] = [
  (settings) => {
    if (settings["discovery-fallback"] !== "proxy") return undefined;
    return `v2 proxy is deprecated, and --discovery-fallback can't be configured as "proxy"`;
  },
  (settings) => {
    const bound = [
      ...settings["listen-peer-urls"],
      ...settings["listen-client-urls"],
      ...settings["listen-client-http-urls"],
      ...settings["listen-metrics-urls"],
    ];
    const wrong = bound.find((url) => !isBindable(url));
    return wrong === undefined ? undefined : `expected IP in URL for binding (${wrong.text})`;
  },
  (settings) => {
    const urls = settings["initial-advertise-peer-urls"];
    const wrong = emptyHost(urls);
    return wrong === undefined
      ? undefined
      : `--initial-advertise-peer-urls "${joinUrls(urls)}" must be "host:port" (${wrong})`;
  },
  (settings) => {
    const urls = settings["advertise-client-urls"];
    const wrong = emptyHost(urls);
    const form = `"host:port", "unix:/path/to/socket" or "unixs:/path/to/socket"`;
    return wrong === undefined
      ? undefined
      : `--advertise-client-urls "${joinUrls(urls)}" must be in the format ${form} (${wrong})`;
  },
  (settings) => {
    const state = settings["initial-cluster-state"];
    return state === "new" || state === "existing" ? undefined : `unexpected clusterState ${JSON.stringify(state)}`;
  },
  (settings) => {
    const ways = [
      settings["initial-cluster"] !== "",
      settings["discovery-srv"] !== "",
      settings["discovery-endpoints"].length > 0,
    ];
    if (ways.filter(Boolean).length < 2) return undefined;
    return 'multiple discovery or bootstrap flags are set. Choose one of "initial-cluster", "discovery-endpoints" or "discovery-srv"';
  },
  (settings) => {
    const endpoints = settings["discovery-endpoints"];
    if ((settings["discovery-token"] !== "") !== endpoints.length > 0) {
      return "both --discovery-token and --discovery-endpoints must be set";
    }
    return endpoints.includes("") ? "--discovery-endpoints must not contain empty endpoints" : undefined;
  },
  checkTicks,
  (settings, isGiven) => {
    return isGiven("listen-client-urls") && settings["advertise-client-urls"].length === 0
      ? unsetAdvertiseError
      : undefined;
  },
  (settings) => {
    const mode = settings["auto-compaction-mode"];
    if (mode === "periodic" || mode === "revision") return undefined;
    return mode === "" ? "undefined auto-compaction-mode" : `unknown auto-compaction-mode ${JSON.stringify(mode)}`;
  },
  (settings) => {
    const on = new Set(
      gateStates(settings["feature-gates"])
        .filter((gate) => gate.isOn)
        .map((gate) => gate.name),
    );
    if (!on.has("LeaseCheckpointPersist") || on.has("LeaseCheckpoint")) return undefined;
    return "enabling feature gate LeaseCheckpointPersist requires enabling feature gate LeaseCheckpoint";
  },
  (settings) => {
    const ms = settings["compact-hash-check-time"];
    return ms > 0 ? undefined : `--compact-hash-check-time must be >0 (set to ${formatGoDuration(ms)})`;
  },
  checkTlsVersions,
];

function emptyHost(urls: readonly MemberUrl[]): string | undefined {
  const wrong = urls.find((url) => !url.scheme.startsWith("unix") && url.host === "");
  return wrong === undefined ? undefined : `unexpected empty host (${wrong.text})`;
}

function checkTicks(settings: Settings): string | undefined {
  const heartbeat = settings["heartbeat-interval"];
  const election = settings["election-timeout"];
  if (heartbeat === 0) return `--heartbeat-interval must be >0 (set to ${heartbeat}ms)`;
  if (election === 0) return `--election-timeout must be >0 (set to ${election}ms)`;
  if (5 * heartbeat > election) {
    return `--election-timeout[${election}ms] should be at least as 5 times as --heartbeat-interval[${heartbeat}ms]`;
  }
  if (election <= electionMaxMs) return undefined;
  return `--election-timeout[${election}ms] is too long, and should be set less than ${electionMaxMs}ms`;
}

function checkTlsVersions(settings: Settings): string | undefined {
  const low = parseTlsVersion(settings["tls-min-version"]);
  if ("reason" in low) return low.reason;
  const high = parseTlsVersion(settings["tls-max-version"]);
  if ("reason" in high) return high.reason;
  if (low.version === "TLSv1.3" && high.version === "TLSv1.2") {
    return `min version (${settings["tls-min-version"]}) is greater than max version (${settings["tls-max-version"]})`;
  }
  if (low.version !== "TLSv1.3" || settings["cipher-suites"].length === 0) return undefined;
  return "cipher suites cannot be configured when only TLS1.3 is enabled";
}
