import { buildConfig } from "./build-config.js";
import type { Config } from "./config.js";
import { parseConfigFile, type ReadFile } from "./config-file.js";
import { type Environment, parseEnvironment } from "./environment.js";
import { clusterOfOne } from "./initial-cluster.js";
import type { LogLine } from "./log-line.js";
import { defaultLogSettings, type LogSettings, parseLogSettings } from "./log-settings.js";
import { type MemberUrl, parseUrls } from "./member-url.js";
import { missingFeatures } from "./not-built.js";
import { type Given, parseFlags } from "./parse-flags.js";
import { defaultSettings, type SettingName, type Settings } from "./settings.js";
import { checkStart } from "./start-checks.js";
import { flagsText, otherProgramHelp, otherPrograms, usageText, versionText } from "./usage.js";
import { unsetAdvertiseError, validate, warningsOf } from "./validate.js";

/** All that the configuration is made of. */
export type ConfigInput = Readonly<{
  /** Words after the program's name. */
  argv: readonly string[];
  environment: Environment;
  readFile: ReadFile;
  /** Node's version, and system and machine as Node names them. */
  runtime: Readonly<{ version: string; platform: string; architecture: string }>;
  /** The address of the interface of the default route, advertised in place of 0.0.0.0; undefined when there is none. */
  defaultHost?: string | undefined;
}>;

/** The program is to end: these lines to be logged, texts to be written, and the status. */
export type ConfigExit = Readonly<{
  kind: "exit";
  exitCode: number;
  stdout: string;
  stderr: string;
  log: LogSettings;
  lines: readonly LogLine[];
}>;

/** A member is to run; the lines are to be logged first. */
export type ConfigRun = Readonly<{ kind: "run"; config: Config; lines: readonly LogLine[] }>;

type Sources = { given: Given; isFromFile: boolean; lines: readonly LogLine[] };

/** Turns words, variables and a file into one configuration, or says how the program ends instead. Pure but for `readFile`. */
export function readConfig(input: ConfigInput): ConfigRun | ConfigExit {
  const [program = ""] = input.argv;
  if (otherPrograms.includes(program)) return otherProgram(program, input.argv[1]);
  const flags = parseFlags(input.argv);
  if (flags.kind === "help") return end({ exitCode: 0, stderr: `${usageText}\n`, stdout: flagsText() });
  if (flags.kind === "usage") return end({ exitCode: 2, stderr: `${flags.message}\n${usageText}` });
  const [word] = flags.positional;
  if (word !== undefined) return refused(`${JSON.stringify(word)} is not a valid flag`, [], defaultLogSettings);
  if (flags.given.get("version") === true) return end({ exitCode: 0, stdout: versionText(input.runtime) });
  const sources = gather(input, flags.given);
  return "kind" in sources ? sources : check(input, sources);
}

function end(parts: Partial<ConfigExit> & { exitCode: number }): ConfigExit {
  return { kind: "exit", stdout: "", stderr: "", log: defaultLogSettings, lines: [], ...parts };
}

function refused(error: string, lines: readonly LogLine[], log: LogSettings): ConfigExit {
  const fields = { error };
  const more: readonly LogLine[] =
    error === unsetAdvertiseError ? [{ level: "warn", message: "advertise client URLs are not set", fields }] : [];
  return end({
    exitCode: 1,
    log,
    lines: [...lines, { level: "warn", message: "failed to verify flags", fields }, ...more],
  });
}

function otherProgram(program: string, command: string | undefined): ConfigExit {
  if (command !== "start") return end({ exitCode: 0, stdout: otherProgramHelp(program) });
  return end({ exitCode: 1, stderr: `etcd ${program} start is not available in this version of Quorate\n` });
}

/** Takes the file if there is one, else flags and variables. */
function gather(input: ConfigInput, flags: Given): Sources | ConfigExit {
  const path = String(flags.get("config-file") ?? "") || (input.environment.ETCD_CONFIG_FILE ?? "");
  if (path === "") return gatherEnvironment(input.environment, flags);
  const file = parseConfigFile(path, input.readFile);
  if (file.kind === "invalid") return refused(file.error, [], defaultLogSettings);
  if (file.kind === "plain") return end({ exitCode: 1, stderr: file.text });
  if (file.kind === "panic") return end({ exitCode: 2, stderr: `panic: ${file.text}\n` });
  const message =
    "loaded server configuration, other configuration command line flags and environment variables will be ignored if provided";
  return { given: file.given, isFromFile: true, lines: [{ level: "info", message, fields: { path } }] };
}

function gatherEnvironment(environment: Environment, flags: Given): Sources | ConfigExit {
  const variables = parseEnvironment(environment, flags);
  if (variables.conflict) return end({ exitCode: 1, lines: variables.logs });
  if (variables.error !== undefined) return refused(variables.error, variables.logs, defaultLogSettings);
  return { given: new Map([...flags, ...variables.given]), isFromFile: false, lines: variables.logs };
}

function check(input: ConfigInput, sources: Sources): ConfigRun | ConfigExit {
  const { given, isFromFile } = sources;
  const isGiven = (name: SettingName): boolean => given.has(name);
  const settings = withDefaults(given, isFromFile);
  const parsedLog = parseLogSettings(settings);
  if (parsedLog.kind === "panic")
    return end({ exitCode: 2, stderr: `panic: ${parsedLog.text}\n`, lines: sources.lines });
  if (parsedLog.kind === "invalid") return refused(parsedLog.error, sources.lines, defaultLogSettings);
  const { log } = parsedLog;
  const isGivenHere = (name: SettingName): boolean => !isFromFile && isGiven(name);
  const broken = validate(settings, isGivenHere);
  const lines = [...sources.lines, ...warningsOf(settings, isGiven)];
  if (broken !== undefined) return refused(broken, lines, log);
  const start = checkStart(settings, input.readFile);
  lines.push(...start.lines);
  if (start.error !== undefined) {
    const last: LogLine = { level: "fatal", message: "discovery failed", fields: { error: start.error } };
    return end({ exitCode: 1, log, lines: [...lines, last] });
  }
  const missing = missingFeatures(settings);
  if (missing !== undefined) return refused(missing, lines, log);
  const completed = complete(settings, input.defaultHost);
  return { kind: "run", config: buildConfig(completed.settings, log), lines: [...lines, ...completed.lines] };
}

/** What was given over the defaults, and the two defaults that depend on what was given. */
function withDefaults(given: Given, isFromFile: boolean): Settings {
  const settings: Settings = { ...defaultSettings(), ...Object.fromEntries(given) };
  const hasNoAdvertised = !isFromFile && given.has("listen-client-urls") && !given.has("advertise-client-urls");
  const isDiscovered =
    settings["discovery-srv"] !== "" ||
    settings["discovery-srv-name"] !== "" ||
    settings["discovery-endpoints"].length > 0;
  return {
    ...settings,
    ...(hasNoAdvertised ? { "advertise-client-urls": [] } : {}),
    ...(isDiscovered && !given.has("initial-cluster") ? { "initial-cluster": "" } : {}),
  };
}

/** Fills in what follows from other settings: addresses to advertise, the cluster of one, the data directory. */
function complete(
  settings: Settings,
  defaultHost: string | undefined,
): { settings: Settings; lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const standard = defaultSettings();
  const peers = advertised(settings, standard, "initial-advertise-peer-urls", "listen-peer-urls", defaultHost);
  const clients = advertised(settings, standard, "advertise-client-urls", "listen-client-urls", defaultHost);
  if (peers !== settings["initial-advertise-peer-urls"] || clients !== settings["advertise-client-urls"]) {
    lines.push({ level: "info", message: "detected default host for advertise", fields: { host: defaultHost } });
  }
  const isUnnamed = settings.name === "default" || settings["initial-cluster"] !== standard["initial-cluster"];
  const dataDir = settings["data-dir"] === "" ? `${settings.name}.etcd` : settings["data-dir"];
  if (settings["data-dir"] === "") {
    lines.push({ level: "warn", message: "'data-dir' was empty; using default", fields: { "data-dir": dataDir } });
  }
  return {
    settings: {
      ...settings,
      "initial-advertise-peer-urls": peers,
      "advertise-client-urls": clients,
      "initial-cluster": isUnnamed ? settings["initial-cluster"] : clusterOfOne(settings.name, peers),
      "data-dir": dataDir,
    },
    lines,
  };
}

/** Advertises the host of the default route when the default is advertised and every address is listened on. */
function advertised(
  settings: Settings,
  standard: Settings,
  name: "initial-advertise-peer-urls" | "advertise-client-urls",
  listen: "listen-peer-urls" | "listen-client-urls",
  defaultHost: string | undefined,
): readonly MemberUrl[] {
  const urls = settings[name];
  const [first] = settings[listen];
  const isDefault = urls.length === 1 && urls[0]?.text === standard[name][0]?.text;
  if (defaultHost === undefined || !isDefault || first?.host !== "0.0.0.0") return urls;
  const parsed = parseUrls([`${urls[0]?.scheme}://${defaultHost}:${first.port}`]);
  return parsed.kind === "urls" ? parsed.urls : urls;
}
