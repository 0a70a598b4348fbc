import type { FamilySpec } from "./family.js";

type Spec<Type extends FamilySpec["type"], Labels extends readonly string[]> = Readonly<{
  type: Type;
  help: string;
  labels: Labels;
  buckets?: readonly number[];
}>;

function counter<const Labels extends readonly string[] = []>(help: string, labels?: Labels): Spec<"counter", Labels> {
  return { type: "counter", help, labels: labels ?? ([] as unknown as Labels) };
}

function gauge<const Labels extends readonly string[] = []>(help: string, labels?: Labels): Spec<"gauge", Labels> {
  return { type: "gauge", help, labels: labels ?? ([] as unknown as Labels) };
}

function histogram<const Labels extends readonly string[] = []>(
  help: string,
  buckets: readonly number[],
  labels?: Labels,
): Spec<"histogram", Labels> {
  return { type: "histogram", help, buckets, labels: labels ?? ([] as unknown as Labels) };
}

/** `count` bounds from `start`, each `factor` times the one before. Multiplied in turn, as etcd does, so that the last bits are equal. */
export function exponential(start: number, factor: number, count: number): readonly number[] {
  const bounds: number[] = [];
  for (let bound = start; bounds.length < count; bound *= factor) bounds.push(bound);
  return bounds;
}

/**
 * Every family that etcd 3.7.1 shows, the ones of its gRPC server apart. A family with labels appears with its first series.
 * @see etcd 3.7.1, `/metrics`.
 */
export const etcdFamilies = {
  etcd_cluster_version: gauge("Cluster version label, 1 for the current one, 0 for earlier ones.", ["cluster_version"]),
  etcd_debugging_auth_revision: gauge("Auth store revision."),
  etcd_debugging_disk_backend_commit_rebalance_duration_seconds: histogram(
    "Rebalance part of a backend commit (no counterpart in Quorate: always 0).",
    exponential(0.001, 2, 14),
  ),
  etcd_debugging_disk_backend_commit_spill_duration_seconds: histogram(
    "Spill part of a backend commit (no counterpart in Quorate: always 0).",
    exponential(0.001, 2, 14),
  ),
  etcd_debugging_disk_backend_commit_write_duration_seconds: histogram(
    "Write part of a backend commit (no counterpart in Quorate: always 0).",
    exponential(0.001, 2, 14),
  ),
  etcd_debugging_lease_granted_total: counter("Leases granted."),
  etcd_debugging_lease_renewed_total: counter("Renewals handled as leader."),
  etcd_debugging_lease_revoked_total: counter("Leases revoked (incl. expired)."),
  etcd_debugging_lease_ttl_total: histogram("Distribution of granted TTLs in seconds.", exponential(1, 2, 24)),
  etcd_debugging_mvcc_compact_revision: gauge("Last compaction revision (-1 if none)."),
  etcd_debugging_mvcc_current_revision: gauge("Current revision."),
  etcd_debugging_mvcc_db_compaction_keys_total: counter("Records removed by compaction."),
  etcd_debugging_mvcc_db_compaction_last: gauge("Unix time of the last compaction since start."),
  etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds: histogram(
    "Lock time per compaction batch.",
    exponential(1, 2, 13),
  ),
  etcd_debugging_mvcc_db_compaction_total_duration_milliseconds: histogram(
    "Total time per compaction.",
    exponential(100, 2, 14),
  ),
  etcd_debugging_mvcc_events_total: counter("Watch events sent."),
  etcd_debugging_mvcc_index_compaction_pause_duration_milliseconds: histogram(
    "Index part of compaction (no counterpart in Quorate: always 0).",
    exponential(0.5, 2, 14),
  ),
  etcd_debugging_mvcc_keys_total: gauge("Live keys."),
  etcd_debugging_mvcc_pending_events_total: gauge("Watch events queued."),
  etcd_debugging_mvcc_slow_watcher_total: gauge("Watchers not caught up."),
  etcd_debugging_mvcc_total_put_size_in_bytes: gauge("Sum of key+value bytes put."),
  etcd_debugging_mvcc_watch_stream_total: gauge("Open watch streams."),
  etcd_debugging_mvcc_watcher_total: gauge("Open watchers."),
  etcd_debugging_server_alarms: gauge("1 per active alarm; server_id hex, alarm_type name.", [
    "server_id",
    "alarm_type",
  ]),
  etcd_debugging_server_lease_expired_total: counter("Leases revoked because of expiry."),
  etcd_debugging_server_watch_send_loop_control_stream_duration_seconds: histogram(
    "Time to send a control response.",
    exponential(0.001, 2, 14),
  ),
  etcd_debugging_server_watch_send_loop_progress_duration_seconds: histogram(
    "Time of a progress tick.",
    exponential(0.001, 2, 14),
  ),
  etcd_debugging_server_watch_send_loop_watch_stream_duration_per_event_seconds: histogram(
    "Time to send a watch response divided by its events.",
    exponential(0.001, 2, 14),
  ),
  etcd_debugging_server_watch_send_loop_watch_stream_duration_seconds: histogram(
    "Time to send a watch response.",
    exponential(0.001, 2, 14),
  ),
  etcd_debugging_snap_save_marshalling_duration_seconds: histogram(
    "Encoding a raft snapshot.",
    exponential(0.001, 2, 14),
  ),
  etcd_debugging_snap_save_total_duration_seconds: histogram("Saving a raft snapshot.", exponential(0.001, 2, 14)),
  etcd_debugging_store_expires_total: counter(
    "Legacy v2 store, practically unused (no counterpart in Quorate: always 0).",
  ),
  etcd_debugging_store_reads_failed_total: counter("Legacy v2 store (no counterpart in Quorate: always 0).", [
    "action",
  ]),
  etcd_debugging_store_reads_total: counter("Legacy v2 store (no counterpart in Quorate: always 0).", ["action"]),
  etcd_debugging_store_watch_requests_total: counter("Legacy v2 store (no counterpart in Quorate: always 0)."),
  etcd_debugging_store_watchers: gauge("Legacy v2 store (no counterpart in Quorate: always 0)."),
  etcd_debugging_store_writes_failed_total: counter("Legacy v2 store (no counterpart in Quorate: always 0).", [
    "action",
  ]),
  etcd_debugging_store_writes_total: counter("Legacy v2 store (no counterpart in Quorate: always 0).", ["action"]),
  etcd_disk_backend_commit_duration_seconds: histogram("Backend commit.", exponential(0.001, 2, 14)),
  etcd_disk_backend_defrag_duration_seconds: histogram("Defragmentation.", exponential(0.1, 2, 13)),
  etcd_disk_backend_snapshot_duration_seconds: histogram("Writing a backend snapshot.", exponential(0.01, 2, 17)),
  etcd_disk_defrag_inflight: gauge("1 while defragmenting."),
  etcd_disk_wal_fsync_duration_seconds: histogram("WAL fsync.", exponential(0.001, 2, 14)),
  etcd_disk_wal_write_bytes_total: gauge("Bytes written to the WAL."),
  etcd_disk_wal_write_duration_seconds: histogram("WAL write call.", exponential(0.001, 2, 14)),
  etcd_grpc_proxy_cache_hits_total: gauge("Grpc-proxy only (no counterpart in Quorate: always 0)."),
  etcd_grpc_proxy_cache_keys_total: gauge("Grpc-proxy only (no counterpart in Quorate: always 0)."),
  etcd_grpc_proxy_cache_misses_total: gauge("Grpc-proxy only (no counterpart in Quorate: always 0)."),
  etcd_grpc_proxy_events_coalescing_total: counter("Grpc-proxy only (no counterpart in Quorate: always 0)."),
  etcd_grpc_proxy_watchers_coalescing_total: gauge("Grpc-proxy only (no counterpart in Quorate: always 0)."),
  etcd_mvcc_db_open_read_transactions: gauge("Open backend read transactions."),
  etcd_mvcc_db_total_size_in_bytes: gauge("Backend file size."),
  etcd_mvcc_db_total_size_in_use_in_bytes: gauge("Backend size without free pages."),
  etcd_mvcc_delete_total: counter("Delete operations."),
  etcd_mvcc_hash_duration_seconds: histogram("Hash call.", exponential(0.01, 2, 15)),
  etcd_mvcc_hash_rev_duration_seconds: histogram("HashKV call.", exponential(0.01, 2, 15)),
  etcd_mvcc_put_total: counter("Put operations."),
  etcd_mvcc_range_total: counter("Range operations."),
  etcd_mvcc_txn_total: counter("Write transactions with more than one operation."),
  etcd_network_active_peers: gauge("Live peer connections per pair of hex ids.", ["Local", "Remote"]),
  etcd_network_client_grpc_received_bytes_total: counter("Bytes received from gRPC clients."),
  etcd_network_client_grpc_sent_bytes_total: counter("Bytes sent to gRPC clients."),
  etcd_network_disconnected_peers_total: counter("Peer disconnects.", ["Local", "Remote"]),
  etcd_network_known_peers: gauge("1 for members, 0 for removed ones.", ["Local", "Remote"]),
  etcd_network_peer_received_bytes_total: counter("Bytes from a peer.", ["From"]),
  etcd_network_peer_received_failures_total: counter("Receive failures.", ["From"]),
  etcd_network_peer_round_trip_time_seconds: histogram("Probe round trip.", exponential(0.0001, 2, 16), ["To"]),
  etcd_network_peer_sent_bytes_total: counter("Bytes to a peer.", ["To"]),
  etcd_network_peer_sent_failures_total: counter("Send failures.", ["To"]),
  etcd_network_server_stream_failures_total: counter(
    "Failed client streams; Type receive/send, API watch/lease-keepalive.",
    ["Type", "API"],
  ),
  etcd_network_snapshot_receive_failures: counter("Failed snapshot receives.", ["From"]),
  etcd_network_snapshot_receive_inflights_total: gauge("Snapshot receives in progress.", ["From"]),
  etcd_network_snapshot_receive_success: counter("Finished snapshot receives.", ["From"]),
  etcd_network_snapshot_receive_total_duration_seconds: histogram("Snapshot receive time.", exponential(0.1, 2, 10), [
    "From",
  ]),
  etcd_network_snapshot_send_failures: counter("Failed snapshot sends.", ["To"]),
  etcd_network_snapshot_send_inflights_total: gauge("Snapshot sends in progress.", ["To"]),
  etcd_network_snapshot_send_success: counter("Finished snapshot sends.", ["To"]),
  etcd_network_snapshot_send_total_duration_seconds: histogram("Snapshot send time.", exponential(0.1, 2, 10), ["To"]),
  etcd_server_apply_duration_seconds: histogram(
    "Apply time; version v3, op request type, success true/false.",
    exponential(0.0001, 2, 20),
    ["version", "op", "success"],
  ),
  etcd_server_client_requests_total: counter(
    "Client calls; type unary/stream, client_api_version from metadata or unknown.",
    ["type", "client_api_version"],
  ),
  etcd_server_feature_enabled: gauge("1 if the gate is on; stage ALPHA/BETA/...", ["name", "stage"]),
  etcd_server_go_version: gauge("Runtime version label, 1.", ["server_go_version"]),
  etcd_server_has_leader: gauge("1 if a leader is known."),
  etcd_server_health_failures: counter("Failed /health calls."),
  etcd_server_health_success: counter("Good /health calls."),
  etcd_server_healthcheck: gauge("Last result per livez/readyz check (1 ok).", ["type", "name"]),
  etcd_server_healthchecks_total: counter("Livez/readyz check runs; status success/error.", ["type", "name", "status"]),
  etcd_server_heartbeat_send_failures_total: counter("Late leader heartbeats."),
  etcd_server_id: gauge("1 for the own hex id.", ["server_id"]),
  etcd_server_is_leader: gauge("1 if leader."),
  etcd_server_is_learner: gauge("1 if learner."),
  etcd_server_leader_changes_seen_total: counter("Leader changes."),
  etcd_server_learner_promote_failures: counter("Failed promotions by reason text.", ["Reason"]),
  etcd_server_learner_promote_successes: counter("Promotions."),
  etcd_server_proposals_applied_total: gauge("Applied index."),
  etcd_server_proposals_committed_total: gauge("Commit index."),
  etcd_server_proposals_failed_total: counter("Failed proposals."),
  etcd_server_proposals_pending: gauge("Proposals waiting."),
  etcd_server_quota_backend_bytes: gauge("Effective quota."),
  etcd_server_range_duration_seconds: histogram("Range execution.", exponential(0.0001, 2, 20), ["success"]),
  etcd_server_read_indexes_failed_total: counter("Failed read index rounds."),
  etcd_server_request_duration_seconds: histogram(
    "Request latency; type = Range, ReadonlyTxn or the replicated request name (Put, Txn, LeaseGrant, ...).",
    exponential(0.001, 2, 14),
    ["type", "success"],
  ),
  etcd_server_slow_apply_total: counter("Slow applies."),
  etcd_server_slow_read_indexes_total: counter("Late or timed out read index rounds."),
  etcd_server_snapshot_apply_in_progress_total: gauge("1 while installing a snapshot."),
  etcd_server_version: gauge("Server version label, 1.", ["server_version"]),
  etcd_snap_db_fsync_duration_seconds: histogram("Fsync of a received database.", exponential(0.001, 2, 14)),
  etcd_snap_db_save_total_duration_seconds: histogram("Storing a received database.", exponential(0.1, 2, 10)),
  etcd_snap_fsync_duration_seconds: histogram("Fsync of a raft snapshot file.", exponential(0.001, 2, 14)),
  os_fd_limit: gauge("File descriptor limit."),
  os_fd_used: gauge("File descriptors in use (sampled every 10 min)."),
} as const;
