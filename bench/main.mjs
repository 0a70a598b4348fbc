// pnpm bench [--peer PATH] [--rounds 2] [--keys 1000000] [--quick] [--json FILE] [--only NAME,NAME]
//
// Measures Quorate and, in turns with it, a peer on the same machine: A B A B. Prints a table of both with their ratio and its spread. The peer is the
// binary given, else `etcd` if that is found. Needs a built checkout.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { runLoad } from "./load.mjs";
import { quorateBinary, Server } from "./server.mjs";

const text = { type: "string" };
const flag = { type: "boolean", default: false };
const { values } = parseArgs({
  options: { peer: text, rounds: text, keys: text, json: text, only: text, quick: flag },
});
const keys = Number(values.keys ?? (values.quick ? 100_000 : 1_000_000));
const rounds = Number(values.rounds ?? 2);
const scale = values.quick ? 0.2 : 1;
const count = (n) => Math.max(20, Math.round(n * scale));

/** Loads in the order they run: first on an empty store, then over many keys. `after` marks what needs the store filled. */
const loads = [
  { name: "put, 1 client", load: { op: "put", n: count(4000), inflight: 1, connections: 1 } },
  { name: "put to one key, 400 in flight", load: { op: "hot", n: count(60_000) } },
  { name: "put, random over 100 thousand, 400 in flight", load: { op: "put", n: count(100_000), keys: 100_000 } },
  {
    name: "put, 1,000 in flight over 100 connections",
    load: { op: "put", n: count(60_000), keys: 100_000, inflight: 1000, connections: 100 },
  },
  { name: "get of one key, linearizable, 400 in flight", load: { op: "get", n: count(80_000), keys: 1 } },
  { name: "get, linearizable, 1 client", load: { op: "get", n: count(6000), keys: 1000, inflight: 1, connections: 1 } },
  { name: "fill", fill: true },
  { name: "put, random over all keys, 400 in flight", load: { op: "put", n: count(100_000), keys } },
  { name: "get, linearizable, random over all keys, 400 in flight", load: { op: "get", n: count(60_000), keys } },
  { name: "get, serializable, random over all keys, 400 in flight", load: { op: "getser", n: count(100_000), keys } },
  {
    name: "list with limit 100 over all keys",
    load: { op: "list", n: 40, inflight: 4, connections: 4, limit: 100 },
    quick: 2000,
  },
];

const rows = new Map();
function note(name, unit, server, value) {
  if (!rows.has(name)) rows.set(name, { unit, quorate: [], peer: [] });
  rows.get(name)[server].push(value);
}

async function measure(side, binary) {
  const server = new Server(side, binary);
  try {
    await server.start();
    note("resident memory, empty", "MB", side, server.memory());
    for (const { name, load, fill, quick } of loads) {
      if (values.only !== undefined && !fill && !values.only.split(",").some((part) => name.includes(part))) continue;
      if (fill) {
        const result = await runLoad({ op: "put", port: server.port, n: keys, keys, sequential: true });
        if (result.errors > 0) throw new Error(`${side}: ${result.errors} errors while filling`);
        continue;
      }
      const isFast = quick !== undefined && side === "quorate";
      const result = await runLoad({ ...load, n: isFast ? quick : load.n, port: server.port, seed: 7 });
      if (result.errors > 0) throw new Error(`${side}: ${result.errors} errors in "${name}"`);
      note(name, "1/s", side, result.perSecond);
      note(`${name}: median`, "us", side, result.p50us);
      console.error(
        `${side.padEnd(8)} ${name.padEnd(58)} ${String(result.perSecond).padStart(7)}/s  p50 ${result.p50us} us  p99 ${result.p99us} us  load ${result.loadCores} cores`,
      );
    }
    note("resident memory after the loads", "MB", side, server.memory());
    await server.stop();
    note("restart until the first answer", "s", side, await server.start());
    note("resident memory, just restarted", "MB", side, server.memory());
    await server.stop();
  } finally {
    await server.destroy();
  }
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor((list.length - 1) / 2)];
const shown = (value) => (value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(value >= 10 ? 1 : 3));

const found = values.peer ?? spawnSync("sh", ["-c", "command -v etcd"], { encoding: "utf8" }).stdout.trim();
const version = found === "" ? "" : spawnSync(found, ["--version"], { encoding: "utf8" }).stdout.split("\n")[0];
for (let round = 0; round < rounds; round++) {
  await measure("quorate", quorateBinary);
  if (found !== "") await measure("peer", found);
}
const machine = `${cpus().length} x ${cpus()[0].model}, ${Math.round(totalmem() / 1e9)} GB`;
console.log(
  `\n${machine}; ${keys.toLocaleString("en")} keys of 256 bytes; ${rounds} rounds in turns${version === "" ? "" : `; peer: ${version}`}\n`,
);
console.log("| what | unit | Quorate | peer | ratio | ratios of the rounds |\n| --- | --- | --- | --- | --- | --- |");
for (const [name, { unit, quorate, peer }] of rows) {
  if (unit === "us") continue;
  const ratios = quorate.slice(0, peer.length).map((value, i) => value / peer[i]);
  const spread = ratios.map((ratio) => ratio.toFixed(2)).join(", ");
  const cells = [
    name,
    unit,
    shown(median(quorate)),
    peer.length === 0 ? "" : shown(median(peer)),
    ratios.length === 0 ? "" : median(ratios).toFixed(2),
    spread,
  ];
  console.log(`| ${cells.join(" | ")} |`);
}
if (values.json !== undefined)
  writeFileSync(values.json, JSON.stringify({ machine, keys, version, rows: Object.fromEntries(rows) }, null, 2));
