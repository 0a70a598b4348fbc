import { createLogger, createMeter, createMetrics } from "../src/index.js";

// Usually `outputs: ["default"]`, which is stderr, or paths of files.
const logger = createLogger({
  level: "info",
  format: "json",
  outputs: { write: (line) => console.log(line), close: () => {} },
});
const metrics = createMetrics({ grpcMethods: [{ service: "etcdserverpb.KV", method: "Put", type: "unary" }] });

// Packages get the narrow ports of @quorate/common ...
const synced = createMeter(metrics).histogram({ name: "wal.sync.duration", unit: "s", description: "Time of a sync." });
synced.record(0.0004);

// ... the server sets etcd's families itself. Cells are kept where counting has to be cheap.
const put = metrics.grpc.of("/etcdserverpb.KV/Put");
put?.started.add();
metrics.etcd.etcd_server_has_leader.set(1);
metrics.etcd.etcd_server_version.with("3.7.1").set(1);

logger.info("ready to serve client requests", { address: "127.0.0.1:2379" });
console.log((await metrics.expose()).includes("etcd_disk_wal_fsync_duration_seconds_count 1"));
