import { CodedError, type LogIndex } from "@quorate/common";

/** Everything this package refuses or fails with. `file` is a path, `offset` counts bytes from the beginning of that file. */
export type WalFault =
  /** Bytes that were once safely on disk are not what was written. */
  | { code: "wal/corrupt"; file: string; offset: number; reason: string }
  /** A file of the log's name that this package did not write. */
  | { code: "wal/foreign"; file: string }
  /** Written by a newer release. */
  | { code: "wal/newer-version"; file: string; version: number; supported: number }
  /** The segment before or between the others is gone. */
  | { code: "wal/missing-segment"; file: string; sequence: number }
  /** The disk is full. Nothing of the batch was acknowledged. */
  | { code: "wal/no-space"; file: string; operation: string }
  /** The operating system failed an operation. Nothing of the batch was acknowledged. */
  | { code: "wal/io"; file: string; operation: string; reason: string }
  /** The log thread ended by itself. */
  | { code: "wal/thread-ended"; reason: string }
  /** More bytes wait for the disk than the log may hold. */
  | { code: "wal/too-much-pending"; pendingBytes: number; pendingBytesMax: number }
  /** The log was closed, or has failed before. */
  | { code: "wal/closed" }
  /** Entries must follow the log without a gap. */
  | { code: "wal/gap"; expectedAtMost: LogIndex; index: LogIndex }
  /** The wait for the directory's lock was given up. */
  | { code: "wal/lock-aborted"; path: string }
  /** The directory cannot be locked at all: not writable, or the lock file is something else. */
  | { code: "wal/lock-failed"; path: string; reason: string };

/** The one error class of this package. */
export class WalError extends CodedError<WalFault> {}

/** Names a failed operation of the operating system. */
export function ioError(operation: string, file: string, cause: unknown): WalError {
  if (cause instanceof WalError) return cause;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
  if (code === "ENOSPC" || code === "EDQUOT") return new WalError({ code: "wal/no-space", file, operation }, { cause });
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new WalError({ code: "wal/io", file, operation, reason }, { cause });
}
