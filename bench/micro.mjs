// pnpm bench:micro [--only engine,store] [--keys 1000000] [--json FILE]
//
// The budgets of the parts, each alone in a process of its own: engine, codecs, consensus core, store, watch hub, log. Needs a built checkout. What a
// put costs a whole member's threads is in `pnpm bench`.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { machineFacts } from "./machine.mjs";
import { markdownTable } from "./table.mjs";

const text = { type: "string" };
const { values } = parseArgs({ options: { only: text, keys: text, json: text } });
const all = ["engine", "codecs", "consensus", "store", "watch-events", "log"];
const wanted = values.only?.split(",") ?? all;
const unknown = wanted.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`there is no ${unknown.join(", ")}; there are ${all.join(", ")}`);
  process.exit(2);
}

const date = new Date().toISOString();
const rows = [];
for (const name of wanted) {
  const words = [
    join(import.meta.dirname, "micro", `${name}.mjs`),
    ...(values.keys === undefined ? [] : [values.keys]),
  ];
  const { status, stdout } = spawnSync(process.execPath, words, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`${name} ended with ${status}`);
  for (const row of JSON.parse(stdout)) rows.push({ part: name, ...row, value: Number(row.value.toPrecision(4)) });
  console.error(`${name} done`);
}
const line = ({ name, value, budget }) => [
  name,
  value >= 10 ? value.toFixed(1) : value.toFixed(2),
  budget === undefined ? "" : `≤ ${budget}`,
];
console.log(`\n${markdownTable(["what", "us", "budget"], rows.map(line))}`);
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify({ format: 1, date, machine: machineFacts(), rows }, undefined, 1)}\n`);
}
