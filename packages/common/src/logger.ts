/** Structured fields of a log line, named like the attributes of spans (`mvcc.revision`) or as etcd names them. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Log lines. The message is constant, lower case and without data; data goes into fields. `fatal` says that the process is about to
 * end; it does not end it.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  fatal(message: string, fields?: LogFields): void;
}

const ignore = (): void => {};

/** Says nothing. The default of every package. */
export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore, fatal: ignore };
