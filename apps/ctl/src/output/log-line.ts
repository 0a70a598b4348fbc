import type { World } from "../world.js";

/** What a line of the log says beside its time. */
export type LogEntry = {
  readonly level: "info" | "warn" | "fatal";
  readonly logger?: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, string | number>>;
};

/** A line of JSON on standard error, as etcd's programs write them: for machines, and for a closer look. */
export function logLine(world: World, entry: LogEntry): string {
  const { level, logger, message, fields } = entry;
  const ts = world.now().toISOString().replace("Z", "+0000");
  return `${JSON.stringify({ level, ts, ...(logger === undefined ? {} : { logger }), msg: message, ...fields })}\n`;
}
