// The budgets of the design, each with the figure that it is held against.
import { median, shown } from "../table.mjs";

/** @returns lines of "what, budget, measured, verdict"; those that were not measured are left out. */
export function budgetLines(bench, micro) {
  const row = (id) => bench.rows.find((one) => one.id === id)?.quorate ?? [];
  const middle = (samples, of) => (samples.length === 0 ? undefined : median(samples.map(of)));
  const value = (id) => middle(row(id), (sample) => sample.value);
  const cpu = (id, thread) => middle(row(id), (sample) => sample.cpuUs[thread]);
  const part = (id) => micro.rows.find((one) => one.id === id)?.value;
  const sync = median(bench.syncs.map(({ p50us }) => p50us));
  const p50 = middle(row("put-1"), (sample) => sample.p50us);
  const empty = value("memory-empty");
  const restarted = value("memory-restarted");
  const lines = [
    ["engine: parse, dispatch and answer one unary request", 5, part("engine-unary"), "µs"],
    ["main thread, each put, random over 100 thousand keys (engine included)", 15, cpu("put-random", "core"), "µs"],
    ["store's thread, each put, random over all keys", 20, cpu("put-filled", "store"), "µs"],
    ["main thread, each event for one more watcher", 1, cpu("watch-one", "core"), "µs"],
    ["a lone client's put over the disk's sync", 0.15, p50 === undefined ? undefined : (p50 - sync) / 1000, "ms"],
    ["start with all keys, to the first answer", 0.5, value("restart"), "s"],
    [
      "memory with all keys, restarted, above an empty member",
      150,
      restarted === undefined || empty === undefined ? undefined : restarted - empty,
      "MB",
    ],
    [
      "list with limit 100 over all keys, main thread",
      0.2,
      cpu("list-100", "core") === undefined ? undefined : cpu("list-100", "core") / 1000,
      "ms",
    ],
    ["command line, cold", 0.1, value("command-put") === undefined ? undefined : value("command-put") / 1000, "s"],
  ];
  return lines
    .filter(([, , measured]) => measured !== undefined)
    .map(([what, budget, measured, unit]) => [
      what,
      `≤ ${budget} ${unit}`,
      `${shown(Math.max(0, measured))} ${unit}`,
      measured <= budget ? "kept" : "**missed**",
    ]);
}
