import { type Json, show } from "../json.js";
import type { CtlLog } from "./ctl-case.js";

/** Fields that every line has, or that vary: not compared. */
const alwaysThere = new Set(["level", "ts", "logger", "caller", "msg", "stacktrace"]);
/** Loggers of the library that etcd's tools are built on: what it tells of its connections and retries is its own affair. */
const librarys = new Set(["etcd-client", "client"]);

/** What the JSON lines of a text say, in the form of the cases: each once, sorted, without those of the client library. */
export function readLogs(stderr: string, replace: (text: string) => string): string[] {
  const logs = stderr.split("\n").flatMap((line): CtlLog[] => {
    if (!line.startsWith('{"level"')) return [];
    const fields = JSON.parse(line) as Record<string, Json>;
    const { level, msg, logger, error } = fields;
    return [
      {
        level: String(level),
        msg: replace(String(msg)),
        ...(logger === undefined ? {} : { logger: String(logger) }),
        fields: Object.keys(fields)
          .filter((name) => !alwaysThere.has(name))
          .sort(),
        ...(error === undefined ? {} : { error: replace(String(error)) }),
      },
    ];
  });
  return canonicalLogs(logs);
}

/** A text for each log line, so that two lists can be compared. */
export function canonicalLogs(logs: readonly CtlLog[]): string[] {
  const kept = logs.filter(({ logger }) => !librarys.has(logger ?? ""));
  const texts = kept.map(({ level, msg, logger, fields, error }) => {
    return show({ level, msg, logger: logger ?? "", fields: [...(fields ?? [])], error: error ?? "" });
  });
  return [...new Set(texts)].sort();
}
