import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createMetrics, type GrpcMethod, type Metrics } from "../src/index.js";
import { readExposition } from "./exposition-reader.js";

type Step = { metrics?: Record<string, unknown>; values?: Record<string, number | null | string> };

function recorded(name: string): Step {
  const file = JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), "utf8")) as { steps: Step[] };
  return file.steps.findLast((step) => step.metrics !== undefined || step.values !== undefined) as Step;
}

const methods: readonly GrpcMethod[] = [
  { service: "etcdserverpb.KV", method: "Put", type: "unary" },
  { service: "etcdserverpb.KV", method: "Range", type: "unary" },
  { service: "etcdserverpb.KV", method: "RangeStream", type: "server_stream" },
  { service: "etcdserverpb.Lease", method: "LeaseKeepAlive", type: "bidi_stream" },
  { service: "etcdserverpb.Maintenance", method: "Snapshot", type: "server_stream" },
  { service: "etcdserverpb.Auth", method: "RoleGet", type: "unary" },
  { service: "etcdserverpb.Cluster", method: "MemberPromote", type: "unary" },
  { service: "grpc.health.v1.Health", method: "Check", type: "unary" },
  { service: "grpc.health.v1.Health", method: "Watch", type: "server_stream" },
  { service: "grpc.health.v1.Health", method: "List", type: "unary" },
];

/** The series that a member makes when it starts. */
function startMember({ etcd }: Metrics): void {
  etcd.etcd_cluster_version.with("3.7").set(1);
  etcd.etcd_network_known_peers.with("1", "1").set(1);
  etcd.etcd_server_apply_duration_seconds.with("v3", "Put", "true").observe(0.001);
  etcd.etcd_server_feature_enabled.with("CompactHashCheck", "ALPHA").set(0);
  etcd.etcd_server_go_version.with("node24").set(1);
  etcd.etcd_server_id.with("1").set(1);
  etcd.etcd_server_request_duration_seconds.with("Put", "true").observe(0.001);
  etcd.etcd_server_version.with("3.7.1").set(1);
  etcd.etcd_debugging_mvcc_compact_revision.set(-1);
  etcd.etcd_debugging_mvcc_current_revision.set(1);
  etcd.etcd_debugging_auth_revision.set(1);
}

/** The series that come with the first use. */
function useMember({ etcd }: Metrics): void {
  etcd.etcd_debugging_server_alarms.with("1", "NOSPACE").set(1);
  etcd.etcd_server_client_requests_total.with("unary", "unknown").add();
  etcd.etcd_server_healthcheck.with("readyz", "non_learner").set(1);
  etcd.etcd_server_healthchecks_total.with("readyz", "non_learner", "success").add();
  etcd.etcd_server_learner_promote_failures.with("not found").add();
  etcd.etcd_server_range_duration_seconds.with("true").observe(0.001);
}

const notCompared = /^(go_|process_|promhttp_)/;

async function familiesOf(metrics: Metrics): Promise<Record<string, unknown>> {
  const { families } = readExposition(await metrics.expose());
  return Object.fromEntries(Object.entries(families).filter(([name]) => !notCompared.test(name)));
}

describe("createMetrics", () => {
  it("shows exactly the families of a fresh etcd", async () => {
    const metrics = createMetrics({ grpcMethods: methods });
    startMember(metrics);
    expect(await familiesOf(metrics)).toEqual(recorded("metrics-basic").metrics);
  });

  it("adds the latency of calls when extensive", async () => {
    const metrics = createMetrics({ grpcMethods: methods, isExtensive: true });
    startMember(metrics);
    expect(await familiesOf(metrics)).toEqual(recorded("metrics-extensive").metrics);
  });

  it("shows the other families from their first use", async () => {
    const metrics = createMetrics({ grpcMethods: methods });
    startMember(metrics);
    useMember(metrics);
    expect(await familiesOf(metrics)).toEqual(recorded("metrics-used").metrics);
  });

  it("has the recorded samples before any call", async () => {
    const metrics = createMetrics({ grpcMethods: methods });
    startMember(metrics);
    const { samples } = readExposition(await metrics.expose());
    const values = Object.entries(recorded("metrics-grpc").values ?? {});
    expect(values.length).toBeGreaterThan(15);
    for (const [series, value] of values) expect(samples.get(series) ?? null, series).toBe(value);
  });

  it("sorts families by name and prints numbers as Go does", async () => {
    const metrics = createMetrics({ grpcMethods: [] });
    metrics.etcd.etcd_server_quota_backend_bytes.set(2147483648);
    metrics.etcd.etcd_server_learner_promote_failures.with('a "b"\\\n').add(3);
    metrics.etcd.etcd_server_apply_duration_seconds.with("v3", "Put", "true").observe(0.00015);
    const text = await metrics.expose();
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(names).toEqual([...names].sort());
    expect(text).toContain("etcd_server_quota_backend_bytes 2.147483648e+09\n");
    expect(text).toContain('etcd_server_learner_promote_failures{Reason="a \\"b\\"\\\\\\n"} 3\n');
    expect(text).toContain(
      'etcd_server_apply_duration_seconds_bucket{op="Put",success="true",version="v3",le="0.0001"} 0\n',
    );
    expect(text).toContain(
      'etcd_server_apply_duration_seconds_bucket{op="Put",success="true",version="v3",le="0.0002"} 1\n',
    );
    expect(text).toContain('le="+Inf"} 1\n');
  });

  it("runs collectors before each exposition", async () => {
    const metrics = createMetrics({ grpcMethods: [] });
    let revision = 6;
    metrics.onCollect(() => {
      revision += 1;
      metrics.etcd.etcd_debugging_mvcc_current_revision.set(revision);
    });
    await metrics.expose();
    expect(await metrics.expose()).toContain("etcd_debugging_mvcc_current_revision 8\n");
  });

  it("keeps families of its own out of etcd's exposition", async () => {
    const metrics = createMetrics({ grpcMethods: [] });
    metrics.own("quorate_head", { type: "gauge", help: "Bytes.", labels: [] }).with();
    expect(await metrics.expose()).not.toContain("quorate_head");
    expect(await metrics.expose({ withOwn: true })).toContain("quorate_head 0\n");
  });

  it("offers process metrics, and everything to tools of prom-client", async () => {
    const metrics = createMetrics({ grpcMethods: [], hasProcessMetrics: true });
    const text = await metrics.expose();
    expect(text).toContain("# TYPE process_resident_memory_bytes gauge\n");
    expect(text).toContain('promhttp_metric_handler_requests_total{code="200"} 0\n');
    expect(text).not.toContain("nodejs_");
    const all = await metrics.registry.metrics();
    expect(all).toContain("etcd_server_has_leader 0");
    expect(all).toContain('etcd_disk_wal_fsync_duration_seconds_bucket{le="0.001"} 0');
    expect(all).toContain("nodejs_");
  });
});

describe("GrpcMetrics.of", () => {
  it("counts by method and code", async () => {
    const metrics = createMetrics({ grpcMethods: methods, isExtensive: true });
    const put = metrics.grpc.of("/etcdserverpb.KV/Put");
    put?.started.add();
    put?.handled[5]?.add();
    put?.handling?.observe(0.02);
    const { samples } = readExposition(await metrics.expose());
    const labels = 'grpc_method="Put",grpc_service="etcdserverpb.KV",grpc_type="unary"';
    expect(samples.get(`grpc_server_started_total{${labels}}`)).toBe(1);
    expect(samples.get(`grpc_server_handled_total{grpc_code="NotFound",${labels}}`)).toBe(1);
    expect(samples.get(`grpc_server_handling_seconds_bucket{${labels},le="0.025"}`)).toBe(1);
    expect(samples.get(`grpc_server_handling_seconds_bucket{${labels},le="0.01"}`)).toBe(0);
    expect(metrics.grpc.of("/no.Service/Method")).toBeUndefined();
  });
});
