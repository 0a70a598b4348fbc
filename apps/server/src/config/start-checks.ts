import { fileError, type ReadFile } from "./config-file.js";
import { parseGoDuration } from "./go-duration.js";
import type { LogLine } from "./log-line.js";
import { isSecure, type MemberUrl } from "./member-url.js";
import type { Settings } from "./settings.js";
import { openSslSuite } from "./tls-settings.js";

/** Lines that were said on the way, and the text of what stops the start. */
export type StartCheck = Readonly<{ lines: readonly LogLine[]; error: string | undefined }>;

const fine: StartCheck = { lines: [], error: undefined };
const samplesMax = 1_000_000;
const authOptionsError = "auth: invalid auth options";
const signingMethods = /^(?:(?:RS|HS|ES|PS)(?:256|384|512)|EdDSA)$/;

type Check = (settings: Settings, readFile: ReadFile) => StartCheck;

/** Checks that etcd makes when it starts, after its settings have been taken. The first that fails ends them, and the start. */
export function checkStart(settings: Settings, readFile: ReadFile): StartCheck {
  const lines: LogLine[] = [];
  for (const check of checks) {
    const found = check(settings, readFile);
    lines.push(...found.lines);
    if (found.error !== undefined) return { lines, error: found.error };
  }
  return { lines, error: undefined };
}

const checks: readonly Check[] = [
  checkSuites,
  warnOfPeerFiles,
  checkClientListeners,
  (settings) => {
    const parsed = parseRetention(settings["auto-compaction-mode"], settings["auto-compaction-retention"]);
    return typeof parsed === "number" ? fine : failed(parsed.reason);
  },
  (settings) => {
    const rate = settings["distributed-tracing-sampling-rate"];
    if (!settings["enable-distributed-tracing"] || (rate >= 0 && rate <= samplesMax)) return fine;
    return failed(
      rate < 0 ? "tracing sampling rate must be positive" : `tracing sampling rate must be less than ${samplesMax}`,
    );
  },
  warnOfLargeRequests,
  checkPeerFiles,
  checkAuthToken,
  checkBcryptCost,
  (settings) => {
    const isRefused =
      settings["listen-metrics-urls"].some((url) => url.scheme === "https") && !hasClientFiles(settings);
    return isRefused
      ? failed("client TLS key/cert (--cert-file, --key-file) must be provided for metrics secure url")
      : fine;
  },
];

function failed(error: string, lines: readonly LogLine[] = []): StartCheck {
  return { lines, error };
}

function warn(message: string, fields?: LogLine["fields"]): LogLine {
  return fields === undefined ? { level: "warn", message } : { level: "warn", message, fields };
}

function checkSuites(settings: Settings): StartCheck {
  const unknown = settings["cipher-suites"].find((suite) => suite !== "" && openSslSuite(suite) === undefined);
  return unknown === undefined ? fine : failed(`unexpected TLS cipher suite ${JSON.stringify(unknown)}`);
}

function warnOfPeerFiles(settings: Settings): StartCheck {
  if (settings["peer-cert-file"] === "" && settings["peer-key-file"] === "" && !settings["peer-auto-tls"]) return fine;
  const plain = settings["listen-peer-urls"].filter((url) => url.scheme === "http");
  const message = "scheme is HTTP while key and cert files are present; ignoring key and cert files";
  return { lines: plain.map((url) => warn(message, { "peer-url": url.text })), error: undefined };
}

function hasClientFiles(settings: Settings): boolean {
  return settings["cert-file"] !== "" || settings["key-file"] !== "";
}

function checkClientListeners(settings: Settings): StartCheck {
  const lines: LogLine[] = [];
  const clients = settings["listen-client-urls"];
  const webOnly = settings["listen-client-http-urls"];
  for (const url of [...clients, ...webOnly]) {
    if (isSecure(url)) {
      if (hasClientFiles(settings)) continue;
      return failed(
        `TLS key/cert (--cert-file, --key-file) must be provided for client url ${url.text} with HTTPS scheme`,
        lines,
      );
    }
    const fields = { "client-url": url.text };
    if (hasClientFiles(settings)) {
      lines.push(
        warn("scheme is http or unix while key and cert files are present; ignoring key and cert files", fields),
      );
    }
    if (settings["client-cert-auth"]) {
      const message =
        "scheme is http or unix while --client-cert-auth is enabled; ignoring client cert auth for this URL";
      lines.push(warn(message, fields));
    }
  }
  const shared = webOnly.find((url) => clients.some((other) => addressOf(other) === addressOf(url)));
  if (shared !== undefined) {
    return failed(
      `cannot bind both --listen-client-urls and --listen-client-http-urls on the same url ${shared.text}`,
      lines,
    );
  }
  return { lines, error: undefined };
}

function addressOf(url: MemberUrl): string {
  return `${url.scheme.startsWith("unix") ? "unix" : "tcp"} ${url.host}:${url.port}${url.path}`;
}

/** What compaction keeps: milliseconds when periodic, revisions else; 0 keeps all. */
export function parseRetention(mode: string, text: string): number | { reason: string } {
  const retention = text === "" ? "0" : text;
  if (/^\+?\d+$/.test(retention)) return Number(retention) * (mode === "revision" ? 1 : 3_600_000);
  const parsed = parseGoDuration(retention);
  if (parsed.kind === "invalid") return { reason: `error parsing CompactionRetention: ${parsed.reason}` };
  return mode === "revision" ? parsed.ms * 1e6 : parsed.ms;
}

function warnOfLargeRequests(settings: Settings): StartCheck {
  const recommended = 10 * 1024 * 1024;
  const bytes = settings["max-request-bytes"];
  if (bytes <= recommended) return fine;
  const fields = { "max-request-bytes": bytes, "recommended-request-bytes": recommended };
  return { lines: [warn("exceeded recommended request limit", fields)], error: undefined };
}

/** Peer certificates are read even when no peer URL needs them; those of clients are not. */
function checkPeerFiles(settings: Settings, readFile: ReadFile): StartCheck {
  const key = settings["peer-key-file"];
  const certificate = settings["peer-cert-file"];
  const wrong = (error: string): StartCheck =>
    failed(error, [{ level: "error", message: "bootstrap failed", fields: { error } }]);
  if ((key === "") !== (certificate === "")) {
    return wrong(`KeyFile and CertFile must both be present[key: ${key}, cert: ${certificate}]`);
  }
  for (const path of [certificate, key, settings["peer-trusted-ca-file"]]) {
    if (path === "") continue;
    const error = whyUnreadable(path, readFile);
    if (error !== undefined) return wrong(error);
  }
  const names = [settings["peer-cert-allowed-cn"], settings["peer-cert-allowed-hostname"]].map(quoteAll);
  if (key !== "" && names.every((list) => list !== "[]")) {
    return wrong(`AllowedCNs and AllowedHostnames are mutually exclusive (cns=${names[0]}, hostnames=${names[1]})`);
  }
  const secure = settings["listen-peer-urls"].find(isSecure);
  if (settings["peer-auto-tls"] && key === "" && settings["self-signed-cert-validity"] === 0)
    return failed("selfSignedCertValidity is invalid,it should be greater than 0");
  if (secure === undefined || key !== "" || settings["peer-auto-tls"]) return fine;
  const address = `${secure.scheme}://${secure.host}:${secure.port}`;
  return failed(`cannot listen on TLS for ${address}: KeyFile and CertFile are not presented`);
}

/** A list of texts as Go's `%q` writes it. */
function quoteAll(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(" ")}]`;
}

function whyUnreadable(path: string, readFile: ReadFile): string | undefined {
  try {
    readFile(path);
    return undefined;
  } catch (error) {
    return fileError(path, error);
  }
}

function checkAuthToken(settings: Settings, readFile: ReadFile): StartCheck {
  const [type = "", ...pairs] = settings["auth-token"].split(",");
  if (type === "" || type === "simple") return fine;
  const provider = warn("failed to create token provider", { error: authOptionsError });
  if (type !== "jwt") {
    return failed(authOptionsError, [warn("unknown token type", { type, error: authOptionsError }), provider]);
  }
  const options = new Map(pairs.map((pair) => pair.split("=", 2) as [string, string]));
  const error = wrongJwt(options, readFile);
  if (error === undefined) return fine;
  return failed(authOptionsError, [
    { level: "error", message: "problem loading JWT options", fields: { error } },
    provider,
  ]);
}

function wrongJwt(options: ReadonlyMap<string, string>, readFile: ReadFile): string | undefined {
  for (const option of ["pub-key", "priv-key"]) {
    const path = options.get(option) ?? "";
    const error = path === "" ? undefined : whyUnreadable(path, readFile);
    if (error !== undefined) return error;
  }
  return signingMethods.test(options.get("sign-method") ?? "") ? undefined : "auth: invalid auth signature method";
}

function checkBcryptCost(settings: Settings): StartCheck {
  const cost = settings["bcrypt-cost"];
  if (cost >= bcryptCosts.min && cost <= bcryptCosts.max) return fine;
  const fields = {
    "min-cost": bcryptCosts.min,
    "max-cost": bcryptCosts.max,
    "default-cost": bcryptCosts.usual,
    "given-cost": cost,
  };
  return { lines: [warn("use default bcrypt cost instead of the invalid given cost", fields)], error: undefined };
}

/** What `--bcrypt-cost` may be, and what it is when it is something else. */
export const bcryptCosts = { min: 4, max: 31, usual: 10 };
