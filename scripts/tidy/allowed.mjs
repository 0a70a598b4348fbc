// The table of design.md section 2, and the exceptions to it, each with its reason.

const everyPackage = [
  "common",
  "proto",
  "wal",
  "raft",
  "mvcc",
  "lease",
  "auth",
  "transport",
  "client",
  "telemetry",
  "testkit",
];

/** Directory to the packages (without "@quorate/") that it may import. */
export const edges = {
  "packages/common": [],
  "packages/proto": [],
  "packages/wal": ["common"],
  "packages/raft": ["common"],
  "packages/mvcc": ["common", "proto"],
  "packages/lease": ["common"],
  "packages/auth": ["common"],
  "packages/transport": ["common"],
  "packages/client": ["proto"],
  "packages/telemetry": ["common"],
  "packages/testkit": ["common", "wal", "raft", "mvcc"],
  "apps/server": everyPackage.filter((name) => name !== "client" && name !== "testkit"),
  "apps/ctl": ["client", "proto", "common", "wal", "mvcc"],
  "apps/console": ["client"],
};

/**
 * What tests and benchmarks of a package may import beyond the table: `testkit` (simulated ports, script runner, port suites)
 * exists for tests. A ring of packages is reported all the same, so it cannot use what it is used by.
 */
export const testEdges = {
  "packages/wal": ["testkit"],
  "packages/raft": ["testkit"],
  "packages/mvcc": ["testkit"],
  "packages/lease": ["testkit"],
  "packages/auth": ["testkit"],
  "packages/transport": ["testkit"],
  "packages/telemetry": ["testkit"],
  "apps/server": ["testkit", "client"],
};

/** Packages whose dependencies from outside are closed: a core depends on nothing, and `common` on types alone. */
export const outsideDependencies = {
  "packages/common": ["@opentelemetry/api"],
  "packages/proto": [],
  "packages/raft": ["@opentelemetry/api"],
  "packages/lease": ["@opentelemetry/api"],
};

/** Packages that get the world passed in. */
export const pureDirectories = ["packages/raft", "packages/lease", "packages/auth", "packages/mvcc"];

/** Names that reach for the world behind the ports' back. `Math` and `crypto` are fine apart from these members. */
export const forbiddenNames = new Map([
  ["Date", undefined],
  ["performance", undefined],
  ["process", undefined],
  ["globalThis", undefined],
  ["setTimeout", undefined],
  ["setInterval", undefined],
  ["setImmediate", undefined],
  ["fetch", undefined],
  ["Math", new Set(["random"])],
  ["crypto", new Set(["randomUUID", "getRandomValues"])],
]);

export const forbiddenModules = new Set(
  [
    "fs",
    "fs/promises",
    "net",
    "tls",
    "http",
    "https",
    "http2",
    "dgram",
    "dns",
    "dns/promises",
    "process",
    "os",
    "child_process",
  ]
    .concat(["cluster", "timers", "timers/promises", "perf_hooks", "worker_threads"])
    .map((name) => `node:${name}`),
);

/** Exceptions to the two lists above: file (or directory with a closing slash), what it may use, and why. */
export const exceptions = [
  {
    where: "packages/mvcc/src/",
    allowed: "node:worker_threads",
    reason: "the store thread: SQLite is written beside core (design.md section 4)",
  },
  {
    where: "packages/mvcc/src/body/files.ts",
    allowed: "node:fs",
    reason: "SQLite opens its files itself: what belongs to a database file (copy, size, removal) has no port",
  },
  {
    where: "packages/mvcc/src/body/thread-priority.ts",
    allowed: "node:fs",
    reason: "a thread that copies the database finds out which one it is",
  },
  {
    where: "packages/mvcc/src/body/thread-priority.ts",
    allowed: "node:os",
    reason: "and gives way to the others",
  },
  {
    where: "packages/mvcc/src/body/executor.ts",
    allowed: "performance",
    reason: "the store thread times its own jobs for spans; a clock of core cannot be read from another thread",
  },
];
