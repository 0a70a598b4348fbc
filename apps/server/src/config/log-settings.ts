import { type LogFormat, type LogLevel, logLevels } from "@quorate/telemetry";
import type { Settings } from "./settings.js";

/** How a member logs. */
export type LogSettings = Readonly<{ level: LogLevel; format: LogFormat; outputs: readonly string[] }>;

/** How it logs until its settings are known. */
export const defaultLogSettings: LogSettings = { level: "info", format: "json", outputs: ["default"] };

/** The log settings, or what is wrong with them. A wrong level ends etcd by a panic. */
export type ParsedLogSettings =
  | { kind: "log"; log: LogSettings }
  | { kind: "invalid"; error: string }
  | { kind: "panic"; text: string };

const rotationError = "--log-outputs requires a single file path when --log-rotate-config-json is defined";
const streams: readonly string[] = ["default", "stderr", "stdout", "systemd/journal"];

/** Checks the log settings, in the order of etcd. */
export function parseLogSettings(settings: Settings): ParsedLogSettings {
  const outputs = settings["log-outputs"];
  if (settings.logger !== "zap") {
    const reason =
      settings.logger === "capnslog"
        ? "--logger=capnslog is removed in v3.5"
        : `unknown logger option ${JSON.stringify(settings.logger)}`;
    return { kind: "invalid", error: reason };
  }
  if (outputs.length > 1 && outputs.includes("default")) {
    return { kind: "invalid", error: 'multi logoutput for "default" is not supported yet' };
  }
  const rotation = settings["enable-log-rotation"] ? checkRotation(settings) : undefined;
  if (rotation !== undefined) return { kind: "invalid", error: rotation };
  const level = parseLevel(settings["log-level"]);
  if (level === undefined)
    return { kind: "panic", text: `unrecognized level: ${JSON.stringify(settings["log-level"])}` };
  const format = settings["log-format"];
  if (format !== "json" && format !== "console") {
    return { kind: "invalid", error: `unknown log format: ${format}, supported values json, console` };
  }
  return { kind: "log", log: { level, format, outputs: outputs.length === 0 ? ["default"] : outputs } };
}

function parseLevel(name: string): LogLevel | undefined {
  const lower = name === "" ? "info" : name.toLowerCase();
  return logLevels.find((level) => level === lower);
}

function checkRotation(settings: Settings): string | undefined {
  const outputs = settings["log-outputs"];
  const files = outputs.filter((output) => !streams.includes(output));
  if (files.length > 1 || (outputs.length === 1 && files.length === 0)) return rotationError;
  try {
    JSON.parse(settings["log-rotation-config-json"]);
    return undefined;
  } catch (error) {
    return `improperly formatted log rotation config: ${(error as Error).message}`;
  }
}
