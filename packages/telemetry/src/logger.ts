import type { LogFields, Logger } from "@quorate/common";
import { pino } from "pino";
import { callerOf } from "./log-caller.js";
import { type LogOutput, openLogOutputs } from "./log-output.js";
import { LogSampler } from "./log-sampler.js";
import { logTime } from "./log-time.js";

/** Severities, lowest first. */
export const logLevels = ["debug", "info", "warn", "error", "dpanic", "panic", "fatal"] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFormat = "json" | "console";

/** What is written and where. */
export type LoggerOptions = Readonly<{
  level: LogLevel;
  format: LogFormat;
  /** As in `--log-outputs`; or an open output, which the logger then does not close. */
  outputs: readonly string[] | LogOutput;
}>;

/** The logger of an app. Packages see only `Logger`. */
export interface AppLogger extends Logger {
  /** A broken invariant: the process is about to end with exit code 2. */
  panic(message: string, fields?: LogFields): void;
  /** Any level by name, for lines that are decided elsewhere. */
  write(level: LogLevel, message: string, fields?: LogFields): void;
  /** The same outputs, with `logger: name` on each line. */
  named(name: string): AppLogger;
  /** Closes the files. Nothing may be logged afterwards. */
  close(): void;
}

/** Milliseconds since the epoch, with fractions. */
type WallClock = { wallMs(): number };

const realClock: WallClock = { wallMs: () => performance.timeOrigin + performance.now() };

/**
 * A logger that writes lines as etcd does: `level`, `ts`, `logger`, `caller`, `msg`, the fields, and from `error` on `stacktrace`. Lines are handed to
 * the system before the call returns. Repeated messages are sampled, except `panic` and `fatal`.
 * @throws LogOutputError when an output cannot be opened.
 */
export function createLogger(options: LoggerOptions, ports: { clock?: WallClock } = {}): AppLogger {
  const clock = ports.clock ?? realClock;
  const { outputs } = options;
  const output = "write" in outputs ? outputs : openLogOutputs(outputs);
  const isOwn = !("write" in outputs);
  const stream = options.format === "console" ? { write: (line: string) => output.write(consoleLine(line)) } : output;
  const values = Object.fromEntries(logLevels.map((level, index) => [level, (index + 1) * 10]));
  const lines = pino(
    {
      level: options.level,
      customLevels: values,
      useOnlyCustomLevels: true,
      base: null,
      errorKey: "quorate-no-error-object",
      timestamp: () => `,"ts":"${logTime(clock.wallMs())}"`,
      formatters: { level: (level) => ({ level }) },
    },
    stream,
  );
  const sampler = new LogSampler();
  const threshold = logLevels.indexOf(options.level);
  const say = (
    level: LogLevel,
    name: string | undefined,
    entry: (...values: never[]) => void,
    message: string,
    fields: LogFields | undefined,
  ): void => {
    const rank = logLevels.indexOf(level);
    if (rank < threshold) return;
    if (rank < logLevels.indexOf("panic") && !sampler.admits(level, message, clock.wallMs())) return;
    const caller = callerOf(entry, { withStack: rank >= logLevels.indexOf("error") });
    lines[level as "info"]({
      ...(name === undefined ? {} : { logger: name }),
      caller: caller.place,
      msg: message,
      ...(fields === undefined ? {} : plainFields(fields)),
      ...(caller.stack === "" ? {} : { stacktrace: caller.stack }),
    });
  };
  const named = (name: string | undefined): AppLogger => {
    const logger: AppLogger = {
      debug: (message, fields) => say("debug", name, logger.debug, message, fields),
      info: (message, fields) => say("info", name, logger.info, message, fields),
      warn: (message, fields) => say("warn", name, logger.warn, message, fields),
      error: (message, fields) => say("error", name, logger.error, message, fields),
      panic: (message, fields) => say("panic", name, logger.panic, message, fields),
      fatal: (message, fields) => say("fatal", name, logger.fatal, message, fields),
      write: (level, message, fields) => say(level, name, logger.write, message, fields),
      named: (child) => named(name === undefined ? child : `${name}.${child}`),
      close: () => {
        if (isOwn) output.close();
      },
    };
    return logger;
  };
  return named(undefined);
}

/** Fields that JSON can hold: errors as their text, identities in hexadecimal, bytes by their number. */
function plainFields(fields: LogFields): LogFields {
  const plain: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (typeof value === "bigint") plain[key] = BigInt.asUintN(64, value).toString(16);
    else if (value instanceof Error) plain[key] = value.message;
    else if (value instanceof Uint8Array) plain[key] = `<${value.length} bytes>`;
    else plain[key] = value;
  }
  return plain;
}

const leading = ["ts", "level", "logger", "caller", "msg"];

/** A JSON line in the `console` format: tabs between what every line has, then the fields as an object, then the stack. */
function consoleLine(line: string): string {
  const record = JSON.parse(line) as Readonly<Record<string, unknown>>;
  const columns = leading.filter((key) => record[key] !== undefined).map((key) => String(record[key]));
  const fields = Object.entries(record).filter(([key]) => !leading.includes(key) && key !== "stacktrace");
  if (fields.length > 0) {
    columns.push(`{${fields.map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`).join(", ")}}`);
  }
  const stack = typeof record.stacktrace === "string" ? `\n${record.stacktrace}` : "";
  return `${columns.join("\t")}${stack}\n`;
}
