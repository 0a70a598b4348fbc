import type { Counter, Gauge, Histogram, Meter, MetricDefinition, MetricLabels } from "@quorate/common";
import type { CounterCell, GaugeCell, HistogramCell } from "./cells.js";
import { etcdFamilies } from "./etcd-families.js";
import type { Family, FamilyType } from "./family.js";
import type { EtcdFamilyName, Metrics } from "./metrics.js";

/** Names of our packages' metrics that have a family of etcd's, and which. */
export const etcdFamilyOf: Readonly<Record<string, EtcdFamilyName>> = {
  "wal.sync.duration": "etcd_disk_wal_fsync_duration_seconds",
  "wal.write.duration": "etcd_disk_wal_write_duration_seconds",
  "wal.written": "etcd_disk_wal_write_bytes_total",
  "mvcc.flush.duration": "etcd_disk_backend_commit_duration_seconds",
  "mvcc.compaction.rows": "etcd_debugging_mvcc_db_compaction_keys_total",
  "mvcc.compaction.slice.duration": "etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds",
  "mvcc.backup.duration": "etcd_disk_backend_snapshot_duration_seconds",
  "mvcc.defragment.duration": "etcd_disk_backend_defrag_duration_seconds",
  "mvcc.hash.duration": "etcd_mvcc_hash_duration_seconds",
  "mvcc.hash_kv.duration": "etcd_mvcc_hash_rev_duration_seconds",
  "transport.peer.active": "etcd_network_active_peers",
  "transport.peer.disconnected": "etcd_network_disconnected_peers_total",
  "transport.peer.received": "etcd_network_peer_received_bytes_total",
  "transport.peer.receive_failures": "etcd_network_peer_received_failures_total",
  "transport.peer.round_trip": "etcd_network_peer_round_trip_time_seconds",
  "transport.peer.sent": "etcd_network_peer_sent_bytes_total",
  "transport.peer.send_failures": "etcd_network_peer_sent_failures_total",
  "transport.snapshot.receive.duration": "etcd_network_snapshot_receive_total_duration_seconds",
  "transport.snapshot.receive.failures": "etcd_network_snapshot_receive_failures",
  "transport.snapshot.receive.running": "etcd_network_snapshot_receive_inflights_total",
  "transport.snapshot.receive.success": "etcd_network_snapshot_receive_success",
  "transport.snapshot.send.duration": "etcd_network_snapshot_send_total_duration_seconds",
  "transport.snapshot.send.failures": "etcd_network_snapshot_send_failures",
  "transport.snapshot.send.running": "etcd_network_snapshot_send_inflights_total",
  "transport.snapshot.send.success": "etcd_network_snapshot_send_success",
};

type Cell = CounterCell | GaugeCell | HistogramCell;

/** Used when a histogram names no buckets: one millisecond to about eight seconds. */
const usualBuckets = [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192];
const noLabels: MetricLabels = {};

/**
 * The meter that packages get. What they call `wal.sync.duration` becomes etcd's family where there is one of the same labels (its buckets count then), else
 * a family of our own: `quorate_`, the name with `_` for `.`, the unit, and `_total` for counters.
 * @param names more names that stand for a family of etcd's.
 */
export function createMeter(metrics: Metrics, names: Readonly<Record<string, EtcdFamilyName>> = {}): Meter {
  const known: Readonly<Record<string, EtcdFamilyName>> = { ...etcdFamilyOf, ...names };
  const cellFor = (definition: MetricDefinition, type: FamilyType): ((labels: MetricLabels | undefined) => Cell) => {
    const name = known[definition.name];
    if (name === undefined || !fits(name, type, definition)) return ownCells(metrics, definition, type);
    const family = metrics.etcd[name];
    if (!("with" in family)) return () => family;
    const { labels } = etcdFamilies[name];
    return (values = noLabels) => (family as Family<Cell>).with(...labels.map((label) => values[label] ?? ""));
  };
  return {
    counter: (definition): Counter => {
      const cell = cellFor(definition, "counter");
      return { add: (amount, labels) => (cell(labels) as CounterCell | GaugeCell).add(amount) };
    },
    gauge: (definition): Gauge => {
      const cell = cellFor(definition, "gauge");
      return { set: (value, labels) => (cell(labels) as GaugeCell).set(value) };
    },
    histogram: (definition): Histogram => {
      const cell = cellFor(definition, "histogram");
      const factor = factorOf(known[definition.name], definition);
      return { record: (value, labels) => (cell(labels) as HistogramCell).observe(value * factor) };
    },
  };
}

/** Some of etcd's families count milliseconds where ours count seconds. */
function factorOf(name: EtcdFamilyName | undefined, { unit }: MetricDefinition): number {
  return unit === "s" && name?.endsWith("_milliseconds") === true ? 1000 : 1;
}

/** A counter may stand behind a gauge of etcd's (bytes written, for one), a histogram only behind a histogram. */
function fits(name: EtcdFamilyName, type: FamilyType, { labels = [] }: MetricDefinition): boolean {
  const spec: { readonly type: FamilyType; readonly labels: readonly string[] } = etcdFamilies[name];
  const isSame = spec.labels.length === labels.length && spec.labels.every((label, place) => label === labels[place]);
  return isSame && (spec.type === "histogram") === (type === "histogram");
}

/** The cells of a family of our own. Without labels it is looked up once. */
function ownCells(
  metrics: Metrics,
  definition: MetricDefinition,
  type: FamilyType,
): (labels: MetricLabels | undefined) => Cell {
  const labelNames = definition.labels ?? [];
  const family: Family<Cell> = metrics.own(ownName(definition, type), {
    type,
    help: definition.description,
    labels: labelNames,
    ...(type === "histogram" ? { buckets: definition.buckets ?? usualBuckets } : {}),
  });
  if (labelNames.length === 0) {
    const cell = family.with();
    return () => cell;
  }
  return (labels = noLabels) => family.with(...labelNames.map((name) => labels[name] ?? ""));
}

const unitSuffix = { s: "_seconds", By: "_bytes", "1": "" };

function ownName({ name, unit }: MetricDefinition, type: FamilyType): string {
  const plain = name.replaceAll(/[^a-zA-Z0-9]+/g, "_");
  const suffix = plain.endsWith(unitSuffix[unit]) ? "" : unitSuffix[unit];
  return `quorate_${plain}${suffix}${type === "counter" ? "_total" : ""}`;
}
