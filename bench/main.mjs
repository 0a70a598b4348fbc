// pnpm bench [--peer PATH] [--no-peer] [--rounds 2] [--keys 1000000] [--seconds 2] [--rows put,get-hot] [--quick] [--json FILE] [--list]
//
// Measures Quorate and, in turns with it, a peer on the same machine: A B A B. Prints a table of both with their ratio and its spread. The peer is the
// binary given, else `etcd` if that is found. `--rows` takes ids or their beginnings, `--list` prints them. Needs a built checkout.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { machineFacts, measureSync, ownVersion, versionOf } from "./machine.mjs";
import { rows } from "./rows.mjs";
import { quorateBinary } from "./server.mjs";
import { runStages } from "./stages.mjs";
import { cellsOf, headings, markdownTable, shown } from "./table.mjs";

const text = { type: "string" };
const flag = { type: "boolean", default: false };
const { values } = parseArgs({
  options: {
    peer: text,
    "no-peer": flag,
    rounds: text,
    keys: text,
    seconds: text,
    json: text,
    rows: text,
    quick: flag,
    list: flag,
  },
});
const isQuick = values.quick;
const keys = Number(values.keys ?? (isQuick ? 100_000 : 1_000_000));
const rounds = Number(values.rounds ?? (isQuick ? 1 : 2));
const seconds = Number(values.seconds ?? (isQuick ? 0.6 : 2));

const wantedIds = values.rows?.split(",");
const unknown = (wantedIds ?? []).filter((id) => !rows.some((row) => row.id.startsWith(id)));
if (unknown.length > 0) {
  console.error(`no row begins with ${unknown.join(", ")}; --list prints them`);
  process.exit(2);
}
if (values.list) {
  for (const { id, name } of rows) console.log(`${id.padEnd(18)} ${name}`);
  process.exit(0);
}
const isWanted = ({ id }) => wantedIds === undefined || wantedIds.some((start) => id.startsWith(start));

/** Ids of rows to what they are and their samples. */
const results = new Map(
  rows
    .filter(isWanted)
    .map(({ id, name, unit, better, stage }) => [id, { id, name, unit, better, stage, quorate: [], peer: [] }]),
);
const skipped = new Map();

async function takeTurn(side, binary) {
  await runStages({
    side,
    binary,
    keys,
    seconds,
    isQuick,
    wanted: (stage) => rows.filter((row) => row.stage === stage && results.has(row.id)),
    note: (id, sample) => {
      const result = results.get(id);
      if (result === undefined) return; // came by on the way to another
      result[side].push(sample);
      const times = sample.p50us === undefined ? "" : `  p50 ${sample.p50us} us, p99 ${sample.p99us} us`;
      const load = sample.loadCores === undefined ? "" : `  load takes ${sample.loadCores.toFixed(2)} processors`;
      console.error(
        `${side.padEnd(8)} ${result.name.padEnd(66)} ${shown(sample.value).padStart(9)} ${result.unit}${times}${load}`,
      );
    },
    skip: (stage, reason) => {
      if (!skipped.has(`${side} ${stage}`)) console.error(`${side.padEnd(8)} skipped: ${stage}: ${reason}`);
      skipped.set(`${side} ${stage}`, reason);
    },
  });
}

const beganMs = performance.now();
const date = new Date().toISOString();
const machine = machineFacts();
const given = values.peer ?? spawnSync("sh", ["-c", "command -v etcd"], { encoding: "utf8" }).stdout.trim();
const peer = values["no-peer"] || given === "" ? undefined : { binary: given, version: versionOf(given) };
if (peer?.version === "") {
  console.error(`${peer.binary} does not say its version: not a peer`);
  process.exit(2);
}
const syncs = [];
for (let round = 0; round < rounds; round++) {
  syncs.push(measureSync(isQuick ? 100 : 500));
  console.error(`disk     fdatasync of one block: p50 ${syncs[round].p50us} us, p99 ${syncs[round].p99us} us`);
  await takeTurn("quorate", quorateBinary);
  if (peer !== undefined) await takeTurn("peer", peer.binary);
}
const tookSeconds = Math.round((performance.now() - beganMs) / 1000);

const about = `${machine.processors} x ${machine.processor}, ${machine.memoryGb} GB, Node ${machine.node}, commit ${machine.commit}`;
console.log(`\n${about}; ${keys.toLocaleString("en")} keys of 256 bytes; ${rounds} rounds in turns, ${tookSeconds} s`);
console.log(`peer: ${peer?.version ?? "none"}; fdatasync p50 ${syncs.map(({ p50us }) => p50us).join(", ")} us\n`);
const measured = [...results.values()].filter(({ quorate, peer: others }) => quorate.length + others.length > 0);
console.log(
  markdownTable(
    headings,
    measured.map((row) => cellsOf(row, machine.processors)),
  ),
);
for (const [what, reason] of skipped) console.log(`\nskipped: ${what}: ${reason}`);
if (values.json !== undefined) {
  const settings = { keys, rounds, seconds, isQuick, tookSeconds, valueBytes: 256 };
  const file = { format: 1, date, machine, version: ownVersion, peer: peer?.version, settings, syncs, rows: measured };
  const rounded = (_, value) => (typeof value === "number" ? Number(value.toPrecision(6)) : value);
  writeFileSync(values.json, `${JSON.stringify({ ...file, skipped: Object.fromEntries(skipped) }, rounded, 1)}\n`);
}
