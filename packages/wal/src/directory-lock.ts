import { chmodSync } from "node:fs";
import type { Clock, Logger } from "@quorate/common";
import Database from "better-sqlite3";
import { WalError } from "./wal-error.js";

/** How often a waiting start looks again. */
const retryMs = 50;
/** After this long the wait is worth a line in the log. */
const reportAfterMs = 10_000;
const lockFileName = "lock";

/** The right to use a directory, until it is released or the process ends in whatever way. */
export interface DirectoryLock {
  /** The file that carries the lock. It stays when the lock is released. */
  readonly path: string;
  /** Lets others in. Does nothing the second time. */
  release(): void;
}

export type LockOptions = Readonly<{
  /** Ends the wait. */
  signal?: AbortSignal | undefined;
  /** The path that the log line about a long wait names: the file that people know. Default: the lock file. */
  reportedPath?: string | undefined;
}>;

/**
 * Locks a directory against other processes. Waits while another one has it, without blocking the thread, and says so after ten
 * seconds. The lock is SQLite's on a small file in the directory, which the operating system drops with the process: Node itself has
 * no way to lock a file. Nothing else may open that file in this process, since closing it would drop the lock.
 * @param directory exists and can be written to.
 * @throws WalError "wal/lock-aborted" when the signal came first, "wal/lock-failed" when the directory cannot be locked at all.
 */
export function lockDirectory(
  directory: string,
  ports: { clock: Clock; logger: Logger },
  options: LockOptions = {},
): Promise<DirectoryLock> {
  const path = `${directory}/${lockFileName}`;
  const { signal } = options;
  const startedMs = ports.clock.monotonicMs();
  let isReported = false;
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      timer?.cancel();
      reject(new WalError({ code: "wal/lock-aborted", path }, { cause: signal?.reason }));
    };
    let timer: { cancel(): void } | undefined;
    const look = (): void => {
      let lock: DirectoryLock | undefined;
      try {
        lock = tryLock(path);
      } catch (error) {
        signal?.removeEventListener("abort", aborted);
        reject(error);
        return;
      }
      if (lock !== undefined) {
        signal?.removeEventListener("abort", aborted);
        resolve(lock);
        return;
      }
      const waitedMs = ports.clock.monotonicMs() - startedMs;
      if (waitedMs >= reportAfterMs && !isReported) {
        isReported = true;
        const fields = { path: options.reportedPath ?? path, took: `${waitedMs / 1000}s` };
        ports.logger.info("db file is flocked by another process, or taking too long", fields);
      }
      timer = ports.clock.after(retryMs, look);
    };
    if (signal?.aborted === true) {
      aborted();
      return;
    }
    signal?.addEventListener("abort", aborted, { once: true });
    look();
  });
}

/** @returns undefined when another has it. */
function tryLock(path: string): DirectoryLock | undefined {
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { timeout: 0 });
    // The transaction is never ended: it holds the exclusive lock. It writes nothing, so its journal may be in memory.
    database.pragma("journal_mode = MEMORY");
    database.exec("BEGIN EXCLUSIVE");
    chmodSync(path, 0o600);
  } catch (error) {
    database?.close();
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code.startsWith("SQLITE_BUSY")) return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    throw new WalError({ code: "wal/lock-failed", path, reason }, { cause: error });
  }
  const held = database;
  return { path, release: () => held.close() };
}
