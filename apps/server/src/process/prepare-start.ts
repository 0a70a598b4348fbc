import type { Clock } from "@quorate/common";
import { type DirectoryLock, lockDirectory } from "@quorate/wal";
import type { Config } from "../config/config.js";
import type { Identity } from "../config/initial-cluster.js";
import { type Directories, directoriesOf, hasLog, prepareDirectories } from "./data-directory.js";
import type { PeerTls } from "@quorate/transport";
import type { MemberRecord } from "../core/membership.js";
import type { AskPeer } from "./ask-peer.js";
import { foundCluster, type Resolve } from "./found-cluster.js";
import type { AskUrl } from "./remote-cluster.js";
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
  /** A member of a cluster that exists: it begins with nothing, and waits for the leader. */
  isJoining: boolean;
  /** The members as far as they are known before the log tells. */
  known: readonly MemberRecord[];
}>;

/** What preparing needs of the world. */
export type PreparePorts = Readonly<{
  clock: Clock;
  logger: AppLogger;
  resolve: Resolve;
  askPeer: AskPeer;
  /** How `https` peers are spoken to. */
  peerTls: PeerTls | undefined;
}>;

/** Beside the election timeout: how long a peer may take to answer while the start waits for it. */
const askBaseMs = 1000;

/**
 * Makes the directories, waits until no other process has them, and derives who a new member is. Call it when the sockets are open: a port in use is told
 * of at once, a directory in use is waited for.
 */
export async function prepareStart(config: Config, ports: PreparePorts): Promise<Prepared | StartFailure> {
  const directories = directoriesOf(config.dataDir, config.walDir);
  const made = prepareDirectories(directories);
  if (!isLines(made)) return made;
  writeLines(ports.logger, made);
  const lock = await lockDirectory(directories.member, ports, { reportedPath: directories.database });
  const isInitialised = hasLog(directories.log);
  const ready = { kind: "prepared", directories, lock, isInitialised } as const;
  const isJoining = !config.bootstrap.isNewCluster;
  // Whose log it is, and with whom, is in the log; others need not be asked, and may be down.
  const saidByLog = { ...ready, identity: undefined, isJoining, known: [] };
  if (isInitialised && isJoining) return saidByLog;
  const options = { timeoutMs: askBaseMs + config.raft.electionMs, tls: ports.peerTls };
  const ask: AskUrl = isInitialised ? neverAsk : (url) => ports.askPeer(url, options);
  const founding = await foundCluster(config, { resolve: ports.resolve, ask });
  if (founding.kind === "founding") {
    writeLines(ports.logger, founding.lines);
    return { ...ready, identity: founding.identity, isJoining, known: founding.known };
  }
  if (isInitialised) return saidByLog;
  lock.release();
  return founding;
}

const neverAsk: AskUrl = () => Promise.reject(new Error("a member with a log asks nobody"));

function isLines(made: ReturnType<typeof prepareDirectories>): made is Extract<typeof made, readonly unknown[]> {
  return Array.isArray(made);
}
