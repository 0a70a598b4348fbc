import { closeSync, openSync } from "node:fs";
import { CodedError } from "@quorate/common";
import { destination } from "pino";

/** Where log lines cannot go. */
export type LogOutputFault =
  | { code: "telemetry/log-sink"; path: string; reason: string }
  | { code: "telemetry/log-output"; output: string; reason: string };

/** A log cannot be opened. */
export class LogOutputError extends CodedError<LogOutputFault> {}

/** Takes whole lines. Each is handed to the system before `write` returns, so that a line said just before the end is not lost. */
export interface LogOutput {
  write(line: string): void;
  close(): void;
}

/**
 * Opens the outputs of `--log-outputs`: `default` and `stderr`, `stdout`, or paths of files, which are appended to. A list with `/dev/null` discards all.
 * @throws LogOutputError "telemetry/log-sink" for a file that cannot be opened, "telemetry/log-output" for `systemd/journal`, which is not built.
 */
export function openLogOutputs(outputs: readonly string[]): LogOutput {
  if (outputs.includes("/dev/null")) return { write: () => {}, close: () => {} };
  const files: number[] = [];
  const descriptors = [...new Set(outputs)].map((output) => {
    if (output === "default" || output === "stderr") return 2;
    if (output === "stdout") return 1;
    if (output.startsWith("systemd/")) {
      throw new LogOutputError({ code: "telemetry/log-output", output, reason: "not available" });
    }
    const file = openFile(output);
    files.push(file);
    return file;
  });
  const sinks = [...new Set(descriptors)].map((fd) => destination({ dest: fd, sync: true }));
  return {
    write: (line) => {
      for (const sink of sinks) sink.write(line);
    },
    close: () => {
      for (const sink of sinks) sink.flushSync();
      for (const file of files) closeSync(file);
    },
  };
}

function openFile(path: string): number {
  try {
    return openSync(path, "a", 0o644);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new LogOutputError({ code: "telemetry/log-sink", path, reason }, { cause: error });
  }
}
