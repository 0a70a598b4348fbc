import type { Logger, MemberId } from "@quorate/common";
import type { Config, ListenerPlan } from "../config/config.js";
import { formatGoDuration } from "../config/go-duration.js";
import type { LogLine } from "../config/log-line.js";
import { productVersion, serverVersion } from "../config/usage.js";
import type { Directories } from "./data-directory.js";

/** The lines of a member's life that other programs look for, as etcd writes them. */
export class LifeLog {
  readonly #config: Config;
  readonly #logger: Logger;

  constructor(config: Config, logger: Logger) {
    this.#config = config;
    this.#logger = logger;
  }

  /** Lists what the member will go by. */
  starting(directories: Directories, isInitialised: boolean): void {
    const { bootstrap, raft, store, limits, http } = this.#config;
    this.#logger.info("starting an etcd server", {
      "etcd-version": serverVersion,
      "git-sha": `quorate-${productVersion}`,
      "member-initialized": isInitialised,
      name: this.#config.name,
      "data-dir": directories.data,
      "wal-dir": this.#config.walDir ?? "",
      "wal-dir-dedicated": this.#config.walDir ?? "",
      "member-dir": directories.member,
      "force-new-cluster": bootstrap.forcesNewCluster,
      "heartbeat-interval": formatGoDuration(raft.heartbeatMs),
      "election-timeout": formatGoDuration(raft.electionMs),
      "initial-election-tick-advance": raft.advancesFirstElection,
      "snapshot-count": raft.snapshotCount,
      "max-wals": raft.logFilesKept,
      "max-snapshots": raft.snapshotsKept,
      "snapshot-catchup-entries": raft.catchUpEntries,
      ...this.#urls(),
      cors: http.corsOrigins,
      "host-whitelist": http.hostWhitelist,
      "initial-cluster": isInitialised ? "" : bootstrap.initialCluster,
      "initial-cluster-state": bootstrap.isNewCluster ? "new" : "existing",
      "initial-cluster-token": isInitialised ? "" : bootstrap.token,
      "quota-backend-bytes": store.quotaGiven,
      "max-request-bytes": limits.requestBytesMax,
      "max-concurrent-streams": limits.concurrentStreamsMax,
      "pre-vote": raft.isPreVoteOn,
      "feature-gates": this.#config.gates.map(({ name, isOn }) => `${name}=${isOn}`).join(","),
    });
  }

  /** All sockets are open. */
  listening(member: MemberId): void {
    this.#logger.info("now serving peer/client/metrics", { "local-member-id": member, ...this.#urls() });
  }

  /** One client socket serves from now on. Said once for each, when and only when it is true. */
  servingClients(plan: ListenerPlan): void {
    const traffic = { combined: "grpc+http", grpcOnly: "grpc", httpOnly: "http" }[plan.accepts];
    const fields = { traffic, address: addressText(plan) };
    this.#logger.info("ready to serve client requests");
    if (plan.takesPlain) this.#logger.info("serving client traffic insecurely; this is strongly discouraged!", fields);
    if (plan.takesTls) this.#logger.info("serving client traffic securely", fields);
  }

  servingMetrics(plan: ListenerPlan): void {
    this.#logger.info("serving metrics", { address: plan.urls.join(",") });
  }

  closing(): void {
    this.#logger.info("closing etcd server", this.#identity());
  }

  closed(): void {
    this.#logger.info("closed etcd server", this.#identity());
  }

  #urls(): Record<string, unknown> {
    const urls = (plans: readonly ListenerPlan[]): readonly string[] => plans.flatMap((plan) => plan.urls);
    return {
      "initial-advertise-peer-urls": this.#config.bootstrap.advertisedPeerUrls.map((url) => url.text),
      "listen-peer-urls": urls(this.#config.peerListeners),
      "advertise-client-urls": this.#config.advertisedClientUrls,
      "listen-client-urls": urls(this.#config.clientListeners),
      "listen-metrics-urls": urls(this.#config.metricsListeners),
    };
  }

  #identity(): Record<string, unknown> {
    return {
      name: this.#config.name,
      "data-dir": this.#config.dataDir,
      "advertise-peer-urls": this.#config.bootstrap.advertisedPeerUrls.map((url) => url.text),
      "advertise-client-urls": this.#config.advertisedClientUrls,
    };
  }
}

function addressText({ address }: ListenerPlan): string {
  return "path" in address ? address.path : `${address.host}:${address.port}`;
}

/** Writes lines that were decided before there was a logger. */
export function writeLines(
  logger: { write(level: LogLine["level"], message: string, fields?: LogLine["fields"]): void },
  lines: readonly LogLine[],
): void {
  for (const { level, message, fields } of lines) logger.write(level, message, fields);
}
