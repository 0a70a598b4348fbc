import { describe, expect, it } from "vitest";
import { createMeter, createMetrics } from "../src/index.js";

const description = "For this test.";

describe("createMeter", () => {
  it("counts into etcd's families where there is one", () => {
    const metrics = createMetrics({ grpcMethods: [] });
    const meter = createMeter(metrics);
    meter.histogram({ name: "wal.sync.duration", unit: "s", description }).record(0.003);
    meter.counter({ name: "wal.written", unit: "By", description }).add(100);
    expect(metrics.etcd.etcd_disk_wal_fsync_duration_seconds.count).toBe(1);
    expect(metrics.etcd.etcd_disk_wal_fsync_duration_seconds.cumulative().slice(0, 3)).toEqual([0, 0, 1]);
    expect(metrics.etcd.etcd_disk_wal_write_bytes_total.value).toBe(100);
  });

  it("turns seconds into milliseconds where etcd counts those", () => {
    const metrics = createMetrics({ grpcMethods: [] });
    createMeter(metrics).histogram({ name: "mvcc.compaction.slice.duration", unit: "s", description }).record(0.003);
    expect(metrics.etcd.etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds.sum).toBe(3);
  });

  it("counts into etcd's families with labels where the labels are the same", async () => {
    const metrics = createMetrics({ grpcMethods: [] });
    const meter = createMeter(metrics);
    const pair = { Local: "a", Remote: "b" };
    meter.counter({ name: "transport.peer.sent", unit: "By", description, labels: ["To"] }).add(5, { To: "b" });
    meter.gauge({ name: "transport.peer.active", unit: "1", description, labels: ["Local", "Remote"] }).set(1, pair);
    meter
      .histogram({ name: "transport.peer.round_trip", unit: "s", description, labels: ["To"] })
      .record(0.5, { To: "b" });
    meter.counter({ name: "transport.peer.received", unit: "By", description, labels: ["peer"] }).add(3, { peer: "b" });
    const text = await metrics.expose({ withOwn: true });
    expect(text).toContain('etcd_network_peer_sent_bytes_total{To="b"} 5\n');
    expect(text).toContain('etcd_network_active_peers{Local="a",Remote="b"} 1\n');
    expect(text).toContain('etcd_network_peer_round_trip_time_seconds_count{To="b"} 1\n');
    expect(text).not.toContain("etcd_network_peer_received_bytes_total{");
    expect(text).toContain('quorate_transport_peer_received_bytes_total{peer="b"} 3\n');
  });

  it("takes more names for etcd's families", () => {
    const metrics = createMetrics({ grpcMethods: [] });
    createMeter(metrics, { "mvcc.keys": "etcd_debugging_mvcc_keys_total" })
      .gauge({ name: "mvcc.keys", unit: "1", description })
      .set(7);
    expect(metrics.etcd.etcd_debugging_mvcc_keys_total.value).toBe(7);
  });

  it("names other metrics after the product, with their unit", async () => {
    const metrics = createMetrics({ grpcMethods: [] });
    const meter = createMeter(metrics);
    meter.counter({ name: "transport.received", unit: "By", description, labels: ["port"] }).add(5, { port: "peer" });
    meter.counter({ name: "transport.received", unit: "By", description, labels: ["port"] }).add(2, { port: "peer" });
    meter.counter({ name: "mvcc.flush.bytes", unit: "By", description }).add(1);
    meter.gauge({ name: "mvcc.head-size", unit: "By", description }).set(3);
    meter.histogram({ name: "raft.turn", unit: "s", description, buckets: [1, 2] }).record(1.5);
    const text = await metrics.expose({ withOwn: true });
    expect(text).toContain('quorate_transport_received_bytes_total{port="peer"} 7\n');
    expect(text).toContain("quorate_mvcc_head_size_bytes 3\n");
    expect(text).toContain("quorate_mvcc_flush_bytes_total 1\n");
    expect(text).toContain('quorate_raft_turn_seconds_bucket{le="2"} 1\n');
  });
});
