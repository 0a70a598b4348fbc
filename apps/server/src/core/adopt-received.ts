import { existsSync } from "node:fs";
import type { Logger } from "@quorate/common";
import { inspectDatabase, MvccError, replaceDatabase } from "@quorate/mvcc";
import type { LogMark } from "./log-mark.js";
import { purgeReceived, receivedPath } from "./received-file.js";

/**
 * Finishes, before the database is opened, what a crash has interrupted: the log has the record of a snapshot whose file lies beside the database and has not taken its
 * place. A file at that very entry is always right: the log has everything after it, so nothing that the database may have beyond it is lost. Others are of
 * snapshots that the log never heard of, or older; they go.
 */
export function adoptReceived(databasePath: string, mark: LogMark | undefined, ports: { logger: Logger }): void {
  if (mark !== undefined) {
    const path = receivedPath(databasePath, mark.index);
    if (existsSync(path) && isOf(path, mark, ports)) {
      ports.logger.info("found snapshot database in data directory, installing it", {
        path,
        "snapshot-index": mark.index,
      });
      replaceDatabase({ path: databasePath, by: path });
    }
  }
  purgeReceived(databasePath);
}

/** A file that is not what its name says is not used; whether the database is there without it, its opening tells. */
function isOf(path: string, mark: LogMark, { logger }: { logger: Logger }): boolean {
  try {
    const { applied } = inspectDatabase(path);
    if (applied.index === mark.index && applied.term === mark.term) return true;
    logger.warn("ignored snapshot database of another entry", { path, "snapshot-index": applied.index });
  } catch (error) {
    if (!(error instanceof MvccError)) throw error;
    logger.warn("ignored snapshot database that cannot be used", { path, error: error.message });
  }
  return false;
}
