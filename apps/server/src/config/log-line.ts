import type { LogFields } from "@quorate/common";
import type { LogLevel } from "@quorate/telemetry";

/** A line that is to be logged once there is a logger. */
export type LogLine = Readonly<{ level: LogLevel; message: string; fields?: LogFields }>;
