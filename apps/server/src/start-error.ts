import type { LogLine } from "./config/log-line.js";

/** Why a member cannot start, in the words that are logged. */
export class StartError extends Error {
  /** Lines to log before the last one. */
  readonly lines: readonly LogLine[];
  readonly exitCode: number;

  constructor(text: string, options: { lines?: readonly LogLine[]; exitCode?: number; cause?: unknown } = {}) {
    super(text, { cause: options.cause });
    this.name = "StartError";
    this.lines = options.lines ?? [];
    this.exitCode = options.exitCode ?? 1;
  }
}
