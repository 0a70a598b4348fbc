import { formatGoDuration } from "./go-duration.js";
import { settingGroups, type SettingName, settingOf } from "./settings.js";

/** The versions that are shown: the one of etcd whose API is served, and the one of the product. */
export const serverVersion = "3.7.1";
export const productVersion = "0.1.0";

/** How the daemon is called; on stderr after every mistake in a flag. */
export const usageText = `Usage:

  etcd [flags]
    Start a member.

  etcd --version
    Show the version.

  etcd -h | --help
    Show the help information about the flags.

  etcd --config-file
    Path to the server configuration file. Note that if a configuration file is provided, other command line flags and environment variables will be ignored.
`;

const titles: Readonly<Record<keyof typeof settingGroups, string>> = {
  member: "Member",
  clustering: "Clustering",
  security: "Security",
  monitoring: "Logging, tracing, profiling and monitoring",
  tuning: "Behaviour",
  special: "Unsafe and special",
};

/** All flags with their defaults, for `--help`. */
export function flagsText(): string {
  const groups = Object.entries(settingGroups) as [keyof typeof titles, Readonly<Record<string, unknown>>][];
  return groups
    .map(([group, members]) => {
      const flags = Object.keys(members).map((name) => flagText(name as SettingName));
      return `${titles[group]}:\n\n${flags.join("\n")}\n`;
    })
    .join("\n");
}

function flagText(name: SettingName): string {
  const setting = settingOf(name);
  return `  --${name} ${defaultText(name, setting.default, setting.file.type)}\n    ${setting.help}`;
}

function defaultText(name: SettingName, value: unknown, type: string): string {
  if (type === "time.Duration") return `'${formatGoDuration(value as number)}'`;
  if (Array.isArray(value)) {
    return `'${value.map((one) => (typeof one === "string" ? one : (one as { text: string }).text)).join(",")}'`;
  }
  if (value instanceof Map) return "''";
  return name === "data-dir" ? "'NAME.etcd'" : `'${String(value)}'`;
}

/** What `--version` prints, in etcd's four lines. */
export function versionText(runtime: { version: string; platform: string; architecture: string }): string {
  const architecture = runtime.architecture === "x64" ? "amd64" : runtime.architecture;
  return [
    `etcd Version: ${serverVersion}`,
    `Git SHA: quorate-${productVersion}`,
    `Go Version: node-${runtime.version}`,
    `Go OS/Arch: ${runtime.platform}/${architecture}`,
    "",
  ].join("\n");
}

/** Programs of etcd that are chosen by the first word. */
export const otherPrograms: readonly string[] = ["gateway", "grpc-proxy"];

/** What another program prints when its command is missing or unknown. */
export function otherProgramHelp(program: string): string {
  return `Usage:\n  etcd ${program} [command]\n\nAvailable Commands:\n  start       Not available in this version of Quorate\n`;
}
