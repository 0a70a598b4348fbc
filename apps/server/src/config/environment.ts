import type { LogLine } from "./log-line.js";
import type { Given } from "./parse-flags.js";
import { type SettingName, settingNames, settingOf } from "./settings.js";

/** Variables of a process, in their order. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the variables say. `conflict` names the one that is also given as a flag; `error` is a value that cannot be read. */
export type ParsedEnvironment = Readonly<{
  given: Given;
  logs: readonly LogLine[];
  error: string | undefined;
  conflict: boolean;
}>;

const prefix = "ETCD_";
const versionVariable = "ETCD_VERSION";

/** The variable of a setting: `ETCD_DATA_DIR` for `data-dir`. */
export function variableOf(name: SettingName): string {
  return `${prefix}${name.toUpperCase().replaceAll("-", "_")}`;
}

/** Takes settings from variables that are not given as flags. Variables that begin with `ETCD_` and mean nothing are only warned of. */
export function parseEnvironment(environment: Environment, flags: Given): ParsedEnvironment {
  const logs: LogLine[] = [];
  const given = new Map<SettingName, unknown>();
  const used = new Set<string>();
  let error: string | undefined;
  const version = environment[versionVariable];
  if (version !== undefined && version !== "") {
    used.add(versionVariable);
    const fields = { key: versionVariable, value: version };
    logs.push({ level: "warn", message: "cannot set special environment variable", fields });
  }
  for (const name of settingNames) {
    const variable = variableOf(name);
    const text = environment[variable] ?? "";
    if (flags.has(name) || used.has(variable) || text === "") continue;
    used.add(variable);
    const parsed = settingOf(name).parse(text);
    if (parsed.kind === "invalid") {
      error = `invalid value ${JSON.stringify(text)} for ${variable}: ${parsed.reason}`;
      continue;
    }
    given.set(name, parsed.value);
    const fields = { "variable-name": variable, "variable-value": text };
    logs.push({ level: "info", message: "recognized and used environment variable", fields });
  }
  const { lines, conflict } = reportRest(environment, used, flags);
  return { given, logs: [...logs, ...lines], error, conflict };
}

/** Variables that were not used: one that a flag shadows is a mistake, the others are only named. */
function reportRest(
  environment: Environment,
  used: ReadonlySet<string>,
  flags: Given,
): { lines: readonly LogLine[]; conflict: boolean } {
  const lines: LogLine[] = [];
  const shadowed = new Set([...flags.keys()].map(variableOf));
  for (const [variable, text] of Object.entries(environment)) {
    if (text === undefined || used.has(variable)) continue;
    const fields = { "environment-variable": variable };
    if (shadowed.has(variable)) {
      const message =
        "conflicting environment variable is shadowed by corresponding command-line flag (either unset environment variable or disable flag))";
      return { lines: [...lines, { level: "fatal", message, fields }], conflict: true };
    }
    if (variable.startsWith(prefix)) {
      lines.push({ level: "warn", message: "unrecognized environment variable", fields });
    }
  }
  return { lines, conflict: false };
}
