import { services } from "@quorate/proto";
import { createMetrics, type GrpcMethod, type Metrics } from "@quorate/telemetry";
import type { Config } from "../config/config.js";
import { serverVersion } from "../config/usage.js";

/** Services that etcd does not count from the start. */
const uncounted: ReadonlySet<string> = new Set(["v3lockpb.Lock", "v3electionpb.Election"]);

/** The metrics of a process, with what is known before the member is. @param runtime the version of Node. */
export function createDaemonMetrics(config: Config, runtime: string): Metrics {
  const metrics = createMetrics({
    grpcMethods: countedMethods(),
    isExtensive: config.metrics.isExtensive,
    hasProcessMetrics: true,
  });
  const { etcd } = metrics;
  etcd.etcd_server_version.with(serverVersion).set(1);
  etcd.etcd_server_go_version.with(`node-${runtime}`).set(1);
  for (const { name, stage, isOn } of config.gates)
    etcd.etcd_server_feature_enabled.with(name, stage).set(isOn ? 1 : 0);
  etcd.etcd_server_quota_backend_bytes.set(config.store.quotaBytes ?? config.store.quotaGiven);
  etcd.etcd_debugging_mvcc_compact_revision.set(-1);
  etcd.etcd_debugging_auth_revision.set(1);
  return metrics;
}

/** The methods whose series exist from the start. */
export function countedMethods(): readonly GrpcMethod[] {
  const isServed = (name: string): boolean => /^(etcdserverpb|grpc\.health\.v1)\./.test(name) && !uncounted.has(name);
  return [...services.values()]
    .filter(({ name }) => isServed(name))
    .flatMap(({ name, methods }) =>
      methods.map((method) => ({ service: name, method: method.name, type: typeOf(method) })),
    );
}

function typeOf(method: { clientStreaming: boolean; serverStreaming: boolean }): GrpcMethod["type"] {
  if (method.clientStreaming) return method.serverStreaming ? "bidi_stream" : "client_stream";
  return method.serverStreaming ? "server_stream" : "unary";
}
