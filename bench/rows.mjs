// The rows of the benchmark: what each measures, and where. Rows of one stage share a server; the stages are in stages.mjs.
import { runLease } from "./load/lease.mjs";
import { runLoad } from "./load/unary.mjs";
import { runWatch } from "./load/watch.mjs";

/** Keys of the stage "small". */
export const smallKeys = 100_000;
const watchers = 1000;
const streams = 10;

/** Processor time that a server took for each request, in microseconds, by thread. */
function cpuPerRequest(before, after, done) {
  const each = (name) => ((after[name] ?? 0) - (before[name] ?? 0)) / done;
  const total = Object.keys(after).reduce((sum, name) => sum + each(name), 0);
  return { total, core: each("main"), log: each("wal"), store: each("mvcc-store") };
}

/** Runs a load and adds the server's processor time to its answer. */
async function withCpu({ server }, run) {
  let before;
  let after;
  const result = await run({
    onCounting: () => {
      before = server.cpuByThread();
    },
    onCounted: () => {
      after = server.cpuByThread();
    },
  });
  if (result.errors > 0) throw new Error(`${result.errors} requests were refused`);
  const { perSecond: value, p50us, p99us, loadCores, done } = result;
  return { value, p50us, p99us, loadCores, done, cpuUs: cpuPerRequest(before, after, done) };
}

const small = { inflight: 400, connections: 4, keys: smallKeys };
const one = { inflight: 1, connections: 1 };

/** A row of single requests. @param load options of runLoad, or a function of the context that gives them. */
function row(stage, id, name, load, more = {}) {
  const run = (context) =>
    withCpu(context, (hooks) => {
      const { server, seconds } = context;
      const options = typeof load === "function" ? load(context) : load;
      const warmSeconds = seconds / 5;
      return runLoad({
        port: server.port,
        ports: server.ports,
        seconds,
        warmSeconds,
        tls: server.tls,
        ...options,
        ...hooks,
      });
    });
  return { stage, id, name, unit: "1/s", better: "more", run, ...more };
}

const fewAtOnce = (op, span) => (context) => ({ op, span, keys: context.keys, inflight: 4, connections: 4 });
const overAll = (op) => (context) => ({ op, keys: context.keys, inflight: 400, connections: 4 });

const smallRows = [
  row("small", "put-1", "put, 1 client", { op: "put", ...small, ...one }),
  row("small", "put-hot", "put to one key, 400 in flight", { op: "put", ...small, keys: 1 }),
  row("small", "put-random", "put, random over 100,000 keys, 400 in flight", { op: "put", ...small }),
  row("small", "put-1000", "the same, 1,000 in flight over 100 connections", {
    op: "put",
    ...small,
    inflight: 1000,
    connections: 100,
  }),
  row("small", "get-1", "linearizable get, 1 client", { op: "get", ...small, ...one }),
  row("small", "get-hot", "linearizable get of one key, 400 in flight", { op: "get", ...small, keys: 1 }),
  row("small", "getser-hot", "serializable get of one key, 400 in flight", { op: "getser", ...small, keys: 1 }),
  row("small", "txn-mixed", "transactions, half compare and write, half read, 400 in flight", {
    op: "txn",
    ...small,
    span: 1,
  }),
];

function watchRow(id, name, keys, pace) {
  const run = (context) =>
    withCpu(context, (hooks) => {
      const { server, seconds } = context;
      const window = keys === 1 ? 8 : 400;
      return runWatch({ port: server.port, watchers, streams, keys, window, seconds, ...pace, ...hooks });
    });
  return { stage: "small", id, name, unit: "events/s", better: "more", run };
}

const streamRows = [
  watchRow("watch-one", "events of one key to 1,000 watchers (10 streams)", 1, { paceMs: 20, paceSeconds: 1 }),
  watchRow("watch-many", "events of 1,000 keys to one watcher each", 1000, { paceMs: 2, paceSeconds: 1 }),
  {
    stage: "small",
    id: "lease-keepalive",
    name: "lease keep-alive, 1,000 leases over 10 streams, 400 in flight",
    unit: "1/s",
    better: "more",
    run: (context) =>
      withCpu(context, (hooks) => {
        const { server, seconds } = context;
        return runLease({ port: server.port, leases: 1000, streams, inflight: 400, seconds, ...hooks });
      }),
  },
];

const filledRows = [
  row("filled", "put-filled", "put, random over all keys, 400 in flight", overAll("put")),
  row("filled", "get-filled", "linearizable get, random over all keys, 400 in flight", overAll("get")),
  row("filled", "getser-filled", "serializable get, random over all keys, 400 in flight", overAll("getser")),
  row("filled", "range-100", "linearizable range of 100 keys, 4 at once", fewAtOnce("range", 100)),
  row("filled", "range-1000", "linearizable range of 1,000 keys, 4 at once", fewAtOnce("range", 1000)),
  row("filled", "rangeser-1000", "serializable range of 1,000 keys, 4 at once", fewAtOnce("rangeser", 1000)),
  row("filled", "range-10000", "linearizable range of 10,000 keys, 4 at once", fewAtOnce("range", 10_000)),
  row("filled", "list-100", "list of all keys with limit 100, 4 at once", fewAtOnce("list", 0)),
];

const secureRows = [
  row("secure", "tls-put-1", "TLS: put, 1 client", { op: "put", ...small, ...one }),
  row("secure", "tls-put", "TLS: put, random over 100,000 keys, 400 in flight", { op: "put", ...small }),
  row("secure", "tls-get", "TLS: linearizable get, random over 100,000 keys, 400 in flight", { op: "get", ...small }),
];

const clusterRows = [
  row("cluster", "cluster-put", "three members on this machine: put, random over 100,000 keys, 400 in flight", {
    op: "put",
    ...small,
    connections: 6,
    inflight: 402,
  }),
];

/** Rows that a stage takes by itself, on the way. */
const noted = (stage, id, name, unit) => ({ stage, id, name, unit, better: "less" });

/** All rows, in the order of the table. */
export const rows = [
  ...smallRows,
  ...streamRows,
  { ...noted("filled", "fill", "put of each key, all new, 400 in flight", "1/s"), better: "more" },
  ...filledRows,
  ...secureRows,
  ...clusterRows,
  noted("filled", "restart", "restart with all keys, to the first answer", "s"),
  noted("small", "start-empty", "start without keys, to the first answer", "s"),
  noted("small", "memory-empty", "resident memory, empty", "MB"),
  noted("filled", "memory-loaded", "resident memory after the loads over all keys", "MB"),
  noted("filled", "memory-restarted", "resident memory with all keys, just restarted", "MB"),
  noted("command", "command-put", "command line: one put, cold start to exit", "ms"),
  noted("allocations", "allocated-put", "allocated in the main thread for each put, 400 in flight", "B"),
  noted("allocations", "allocated-get", "allocated in the main thread for each get, 400 in flight", "B"),
];
