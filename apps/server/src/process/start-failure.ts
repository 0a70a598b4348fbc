import type { LogLine } from "../config/log-line.js";

/** A start that cannot go on: what to log and to write, and the status to end with. */
export type StartFailure = Readonly<{ kind: "failure"; exitCode: number; stderr: string; lines: readonly LogLine[] }>;

/** Statuses of the daemon. A death by signal is not among them: the signal is raised again. */
export const exitCodes = {
  /** Done, or removed from the cluster. */
  ok: 0,
  /** The configuration, a directory, a listener or the founding of the cluster. */
  start: 1,
  /** A mistake in a flag, or a broken invariant. */
  panic: 2,
} as const;

/** A failure that ends with a fatal line. Whatever the cause, etcd's message is the same, and programs look for it. */
export function discoveryFailed(error: string, before: readonly LogLine[] = []): StartFailure {
  const last: LogLine = { level: "fatal", message: "discovery failed", fields: { error } };
  return { kind: "failure", exitCode: exitCodes.start, stderr: "", lines: [...before, last] };
}

/** A failure of the member's own state: its directories, its log, its database, its cluster. */
export function bootstrapFailed(error: string, before: readonly LogLine[] = []): StartFailure {
  return discoveryFailed(error, [...before, { level: "error", message: "bootstrap failed", fields: { error } }]);
}

/** A failure that is fatal under a message of its own. */
export function fatal(message: string, fields?: LogLine["fields"], before: readonly LogLine[] = []): StartFailure {
  const line: LogLine = fields === undefined ? { level: "fatal", message } : { level: "fatal", message, fields };
  return { kind: "failure", exitCode: exitCodes.start, stderr: "", lines: [...before, line] };
}

/** A failure that etcd answers with a panic. */
export function panic(message: string, fields?: LogLine["fields"], before: readonly LogLine[] = []): StartFailure {
  const line: LogLine = fields === undefined ? { level: "panic", message } : { level: "panic", message, fields };
  return { kind: "failure", exitCode: exitCodes.panic, stderr: `panic: ${message}\n`, lines: [...before, line] };
}
