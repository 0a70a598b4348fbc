import type { Committed, Mvcc } from "@quorate/mvcc";
import { AlarmType } from "@quorate/proto";
import type { EtcdMetrics, Metrics } from "@quorate/telemetry";
import type { CallInfo, GrpcServices, Listener } from "@quorate/transport";
import type { CoreObserver } from "./core/core-options.js";
import { EntryField } from "./core/entry-codec.js";
import type { MemberState } from "./core/member-state.js";
import type { Member } from "./member.js";

/** Names of replicated requests as metrics show them. */
const operationNames: Readonly<Record<number, string>> = {
  [EntryField.put]: "Put",
  [EntryField.deleteRange]: "DeleteRange",
  [EntryField.txn]: "Txn",
  [EntryField.compaction]: "Compaction",
  [EntryField.leaseGrant]: "LeaseGrant",
  [EntryField.leaseRevoke]: "LeaseRevoke",
  [EntryField.leaseWork]: "LeaseRevoke",
  [EntryField.alarm]: "Alarm",
  [EntryField.clusterMemberAttrSet]: "ClusterMemberAttrSet",
  [EntryField.clusterVersionSet]: "ClusterVersionSet",
};

/** Counts what the core does under etcd's names. Series are looked up once, so that counting is adding. */
export function observeCore(etcd: EtcdMetrics): CoreObserver {
  const applyDurations = new Map<string, { observe(seconds: number): void }>();
  const applyDuration = (field: number, isDone: boolean): { observe(seconds: number): void } => {
    const key = `${field} ${isDone}`;
    const known = applyDurations.get(key);
    if (known !== undefined) return known;
    const cell = etcd.etcd_server_apply_duration_seconds.with("v3", operationNames[field] ?? "unknown", String(isDone));
    applyDurations.set(key, cell);
    return cell;
  };
  return {
    applied: (field, seconds, isDone) => {
      applyDuration(field, isDone).observe(seconds);
      if (seconds > slowApplySeconds) etcd.etcd_server_slow_apply_total.add();
      if (field === EntryField.txn) etcd.etcd_mvcc_txn_total.add();
      if (!isDone) return;
      if (field === EntryField.leaseGrant) etcd.etcd_debugging_lease_granted_total.add();
      if (field === EntryField.leaseRevoke) etcd.etcd_debugging_lease_revoked_total.add();
    },
    changed: (committed) => countChanges(etcd, committed),
    ranged: (seconds, isDone) => {
      etcd.etcd_mvcc_range_total.add();
      etcd.etcd_server_range_duration_seconds.with(String(isDone)).observe(seconds);
    },
    proposalFailed: () => etcd.etcd_server_proposals_failed_total.add(),
    leaderChanged: ({ isLeader, hasLeader, isNew }) => {
      etcd.etcd_server_is_leader.set(isLeader ? 1 : 0);
      etcd.etcd_server_has_leader.set(hasLeader ? 1 : 0);
      if (isNew) etcd.etcd_server_leader_changes_seen_total.add();
    },
    heartbeatLate: () => etcd.etcd_server_heartbeat_send_failures_total.add(),
    readIndexSlow: () => etcd.etcd_server_slow_read_indexes_total.add(),
    readIndexFailed: () => etcd.etcd_server_read_indexes_failed_total.add(),
    learnerPromoted: (refusal) => {
      if (refusal === undefined) etcd.etcd_server_learner_promote_successes.add();
      else etcd.etcd_server_learner_promote_failures.with(refusal).add();
    },
    leasesExpired: (count) => {
      etcd.etcd_debugging_server_lease_expired_total.add(count);
      etcd.etcd_debugging_lease_revoked_total.add(count);
    },
    leaseRenewed: () => etcd.etcd_debugging_lease_renewed_total.add(),
    snapshotSaved: ({ totalSeconds, syncSeconds }) => {
      etcd.etcd_snap_db_save_total_duration_seconds.observe(totalSeconds);
      etcd.etcd_snap_db_fsync_duration_seconds.observe(syncSeconds);
    },
    snapshotInstalling: (isInstalling) => etcd.etcd_server_snapshot_apply_in_progress_total.set(isInstalling ? 1 : 0),
  };
}

const slowApplySeconds = 0.1;

/** Methods whose latency is shown, and as what. */
const requestTypes: Readonly<Record<string, string>> = {
  "/etcdserverpb.KV/Range": "Range",
  "/etcdserverpb.KV/Put": "Put",
  "/etcdserverpb.KV/DeleteRange": "DeleteRange",
  "/etcdserverpb.KV/Txn": "Txn",
  "/etcdserverpb.KV/Compact": "Compaction",
  "/etcdserverpb.Lease/LeaseGrant": "LeaseGrant",
  "/etcdserverpb.Lease/LeaseRevoke": "LeaseRevoke",
  "/etcdserverpb.Maintenance/Alarm": "Alarm",
};

/** Counts the calls of clients: by kind and by what the client says of its own version, and how long requests take. */
export class CallMetrics {
  readonly #metrics: Metrics;
  readonly #calls = new Map<string, { add(): void }>();
  readonly #durations = new Map<string, { observe(seconds: number): void }>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    for (const type of Object.values(requestTypes)) this.#duration(type, true);
  }

  /** A call begins. A client may say anything of its version: only the first hundred different ones are told apart. */
  begun(call: CallInfo): void {
    const type = call.kind === "unary" ? "unary" : "stream";
    const said = call.metadata.get("client-api-version") ?? "unknown";
    const key = `${type} ${said}`;
    let cell = this.#calls.get(key);
    if (cell === undefined) {
      const shown = this.#calls.size < versionsMax ? said : "unknown";
      cell = this.#metrics.etcd.etcd_server_client_requests_total.with(type, shown);
      if (this.#calls.size < versionsMax) this.#calls.set(key, cell);
    }
    cell.add();
  }

  /** A call has ended. */
  ended(call: CallInfo, code: number, seconds: number): void {
    this.#metrics.grpc.of(call.path)?.handling?.observe(seconds);
    const type = requestTypes[call.path];
    if (type === undefined) return;
    this.#duration(type, code === 0).observe(seconds);
  }

  #duration(type: string, isDone: boolean): { observe(seconds: number): void } {
    const key = `${type} ${isDone}`;
    let cell = this.#durations.get(key);
    if (cell === undefined) {
      cell = this.#metrics.etcd.etcd_server_request_duration_seconds.with(type, String(isDone));
      this.#durations.set(key, cell);
    }
    return cell;
  }
}

const versionsMax = 100;

function countChanges(etcd: EtcdMetrics, { changes }: Committed): void {
  for (const change of changes) {
    if (change.kind === "delete") etcd.etcd_mvcc_delete_total.add();
    else {
      etcd.etcd_mvcc_put_total.add();
      etcd.etcd_debugging_mvcc_total_put_size_in_bytes.add(change.record.length);
    }
  }
}

/** What is cheaper to ask for than to keep: read each time the metrics are. */
export function collectMember(
  metrics: Metrics,
  parts: {
    member: Member;
    listeners: readonly Listener[];
    services: GrpcServices;
    quotaBytes: number;
  },
): void {
  const { etcd } = metrics;
  const { member, listeners, services } = parts;
  etcd.etcd_server_id.with(member.id.toString(16)).set(1);
  etcd.etcd_server_quota_backend_bytes.set(parts.quotaBytes);
  const told = new Map<string, number>();
  const collectCluster = clusterCollector(etcd, member);
  metrics.onCollect(() => {
    collectStore(etcd, member.state.mvcc);
    const { commit, applied } = member.core.facts();
    etcd.etcd_server_proposals_committed_total.set(commit);
    etcd.etcd_server_proposals_applied_total.set(applied);
    etcd.etcd_server_proposals_pending.set(member.front.pending);
    collectCluster();
    const watches = member.hub.stats();
    etcd.etcd_debugging_mvcc_watcher_total.set(watches.watchers);
    etcd.etcd_debugging_mvcc_slow_watcher_total.set(watches.slowWatchers);
    etcd.etcd_debugging_mvcc_pending_events_total.set(watches.pendingEvents);
    etcd.etcd_debugging_mvcc_watch_stream_total.set(member.core.watchStreams);
    const grow = (name: string, cell: { add(amount: number): void }, value: number): void => {
      cell.add(value - (told.get(name) ?? 0));
      told.set(name, value);
    };
    grow("events", etcd.etcd_debugging_mvcc_events_total, watches.eventsTotal);
    const sum = (pick: (stats: ReturnType<Listener["stats"]>) => number): number =>
      listeners.reduce((total, listener) => total + pick(listener.stats()), 0);
    grow(
      "received",
      etcd.etcd_network_client_grpc_received_bytes_total,
      sum((stats) => stats.bytesIn),
    );
    grow(
      "sent",
      etcd.etcd_network_client_grpc_sent_bytes_total,
      sum((stats) => stats.bytesOut),
    );
    for (const route of services.list()) {
      const method = metrics.grpc.of(route.path);
      if (method === undefined) continue;
      grow(`${route.path} started`, method.started, route.started);
      grow(`${route.path} received`, method.received, route.received);
      grow(`${route.path} sent`, method.sent, route.sent);
      route.handled.forEach((count, code) => {
        const cell = method.handled[code];
        if (cell !== undefined) grow(`${route.path} ${code}`, cell, count);
      });
    }
  });
}

function collectStore(etcd: EtcdMetrics, mvcc: Mvcc): void {
  const size = mvcc.size();
  etcd.etcd_mvcc_db_total_size_in_bytes.set(size.totalBytes);
  etcd.etcd_mvcc_db_total_size_in_use_in_bytes.set(size.inUseBytes);
  etcd.etcd_debugging_mvcc_keys_total.set(mvcc.keyCount());
  etcd.etcd_debugging_mvcc_current_revision.set(mvcc.revision);
  etcd.etcd_debugging_mvcc_compact_revision.set(mvcc.compactedRevision ?? -1);
}

/** Series of what is no longer so go to zero: the version of before, members that are gone. */
function clusterCollector(etcd: EtcdMetrics, { state }: Member): () => void {
  const self = state.member.toString(16);
  const shown = { version: "", peers: new Set<string>() };
  return () => {
    const version = state.membership.clusterVersion?.split(".").slice(0, 2).join(".") ?? "";
    if (shown.version !== version && shown.version !== "") etcd.etcd_cluster_version.with(shown.version).set(0);
    if (version !== "") etcd.etcd_cluster_version.with(version).set(1);
    shown.version = version;
    const peers = new Set(state.membership.list().map(({ id }) => id.toString(16)));
    for (const gone of shown.peers) if (!peers.has(gone)) etcd.etcd_network_known_peers.with(self, gone).set(0);
    for (const peer of peers) etcd.etcd_network_known_peers.with(self, peer).set(1);
    shown.peers = peers;
    collectState(etcd, state);
  };
}

function collectState(etcd: EtcdMetrics, state: MemberState): void {
  etcd.etcd_server_is_learner.set(state.membership.get(state.member)?.isLearner === true ? 1 : 0);
  for (const { memberID, alarm } of state.alarms.list(AlarmType.NONE)) {
    const name = Object.entries(AlarmType).find(([, value]) => value === alarm)?.[0] ?? String(alarm);
    etcd.etcd_debugging_server_alarms.with(memberID.toString(16), name).set(1);
  }
}
