import type { Clock } from "@quorate/common";
import { type DirectoryLock, lockDirectory } from "@quorate/wal";
import type { Config } from "../config/config.js";
import type { Identity } from "../config/initial-cluster.js";
import { type Directories, directoriesOf, hasLog, prepareDirectories } from "./data-directory.js";
import { foundCluster, type Resolve } from "./found-cluster.js";
import { writeLines } from "./life-log.js";
import type { StartFailure } from "./start-failure.js";
import type { AppLogger } from "@quorate/telemetry";

/** The ground on which a member starts. */
export type Prepared = Readonly<{
  kind: "prepared";
  directories: Directories;
  /** Keeps other processes out; release it last. */
  lock: DirectoryLock;
  /** There is a log: it says who the member is, and the settings that found a cluster do not count. */
  isInitialised: boolean;
  /** Ids as the settings have them. Undefined only for a member with a log whose settings no longer give any. */
  identity: Identity | undefined;
}>;

/**
 * Makes the directories, waits until no other process has them, and derives who a new member is. Call it when the sockets are open: a port in use is told
 * of at once, a directory in use is waited for.
 */
export async function prepareStart(
  config: Config,
  ports: { clock: Clock; logger: AppLogger; resolve: Resolve },
): Promise<Prepared | StartFailure> {
  const directories = directoriesOf(config.dataDir, config.walDir);
  const made = prepareDirectories(directories);
  if (!isLines(made)) return made;
  writeLines(ports.logger, made);
  const lock = await lockDirectory(directories.member, ports, { reportedPath: directories.database });
  const isInitialised = hasLog(directories.log);
  const founding = await foundCluster(config, ports.resolve);
  const ready = { kind: "prepared", directories, lock, isInitialised } as const;
  if (founding.kind === "founding") return { ...ready, identity: founding.identity };
  if (isInitialised) return { ...ready, identity: undefined };
  lock.release();
  return founding;
}

function isLines(made: ReturnType<typeof prepareDirectories>): made is Extract<typeof made, readonly unknown[]> {
  return Array.isArray(made);
}
