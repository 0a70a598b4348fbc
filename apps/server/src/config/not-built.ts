import { isSecure } from "./member-url.js";
import type { SettingName, Settings } from "./settings.js";

type Wish = readonly [flag: SettingName, isAsked: (settings: Settings) => boolean];

/**
 * What can be asked for and is not built yet. It is read and checked like everything else, and then stops the start: nobody is to believe that it is in
 * force. A line goes when its feature comes.
 */
const notBuilt: readonly Wish[] = [
  ["discovery-endpoints", (settings) => settings["discovery-endpoints"].length > 0],
  ["discovery-srv", (settings) => settings["discovery-srv"] !== ""],
  ["auto-tls", (settings) => settings["auto-tls"]],
  ["client-crl-file", (settings) => settings["client-crl-file"] !== "" && hasSecureClients(settings)],
  [
    "client-cert-allowed-hostname",
    (settings) => settings["client-cert-allowed-hostname"].length > 0 && hasSecureClients(settings),
  ],
  ["peer-crl-file", (settings) => settings["peer-crl-file"] !== "" && hasPeerFiles(settings)],
  ["auth-token", (settings) => settings["auth-token"].startsWith("jwt")],
  ["auto-compaction-retention", (settings) => !["", "0"].includes(settings["auto-compaction-retention"])],
  ["enable-log-rotation", (settings) => settings["enable-log-rotation"]],
  ["log-outputs", (settings) => settings["log-outputs"].includes("systemd/journal")],
  ["memory-mlock", (settings) => settings["memory-mlock"]],
  ["socket-reuse-port", (settings) => settings["socket-reuse-port"]],
  ["bootstrap-defrag-threshold-megabytes", (settings) => settings["bootstrap-defrag-threshold-megabytes"] > 0],
];

function hasSecureClients(settings: Settings): boolean {
  return [...settings["listen-client-urls"], ...settings["listen-client-http-urls"]].some(isSecure);
}

function hasPeerFiles(settings: Settings): boolean {
  return settings["peer-cert-file"] !== "" || settings["peer-key-file"] !== "";
}

/** One line that names every flag that asks for something which is not built, or undefined. */
export function missingFeatures(settings: Settings): string | undefined {
  const asked = notBuilt.filter(([, isAsked]) => isAsked(settings)).map(([flag]) => `--${flag}`);
  if (asked.length === 0) return undefined;
  return `${asked.join(", ")}: this value asks for something that is not available in this version`;
}
