// node bench/profile.mjs [--seconds 4] [--json FILE] [--keep DIRECTORY] [--ops put,get]
//
// Where the main thread's time goes in put and get at 400 in flight: runs a member with the probe in it, takes a processor profile under load, and prints
// the self time by package and by function. `--keep` writes the profiles, for a browser's developer tools. Needs a built checkout.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { placeBefore, readPlaces } from "../apps/server/dist/process/bundle-places.js";
import { askProbe, serverWithProbe } from "./ask-probe.mjs";
import { runLoad } from "./load/unary.mjs";
import { machineFacts } from "./machine.mjs";
import { markdownTable } from "./table.mjs";

const text = { type: "string" };
const { values } = parseArgs({ options: { seconds: text, json: text, keep: text, ops: text } });
const seconds = Number(values.seconds ?? 4);
const keys = 100_000;
const functionsShown = 12;
const root = new URL("..", import.meta.url).href;
const bundle = new URL("apps/server/dist/bundle/", root).href;

const tables = new Map();
function tableOf(file) {
  if (!tables.has(file)) tables.set(file, readPlaces(bundle, file));
  return tables.get(file);
}

/** The file and line that a frame had before it was bundled. */
function placeOf({ url, lineNumber }) {
  if (!url.startsWith(bundle)) return { url, line: lineNumber + 1 };
  const places = tableOf(url.slice(bundle.length));
  const found = places === undefined ? undefined : placeBefore(places, lineNumber + 1);
  return found === undefined
    ? { url, line: lineNumber + 1 }
    : { url: new URL(found.source, bundle).href, line: found.line };
}

const natives = {
  "(garbage collector)": "garbage collection",
  "(program)": "outside JavaScript: sockets, event loop, SQLite's reads",
  "(idle)": "idle",
};

/** What a frame belongs to, in a reader's words. */
function groupOf({ functionName }, place) {
  if (natives[functionName] !== undefined) return natives[functionName];
  const package_ = /\/packages\/([^/]+)\/(?:dist|src)\//.exec(place.url)?.[1];
  if (package_ !== undefined) return `packages/${package_}`;
  const part = /\/apps\/server\/dist\/([^/]+)\//.exec(place.url)?.[1];
  if (part !== undefined) return `apps/server/${part}`;
  const dependency = /\/node_modules\/\.pnpm\/[^/]+\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(place.url)?.[1];
  if (dependency !== undefined) return dependency;
  if (place.url === "" || place.url.startsWith("node:")) return "Node's own JavaScript: streams, sockets, timers";
  return "other";
}

/** A function and its place, as somebody would look for it. */
function nameOf(callFrame) {
  const place = placeOf(callFrame);
  const file = place.url
    .replace(root, "")
    .replace("/dist/", "/")
    .replace(/^.*\/node_modules\//, "");
  return `${callFrame.functionName || "(anonymous)"} ${file}:${place.line}`;
}

const builtIns = [Uint8Array, Array, Map, Set, String, Function, RegExp];

/** Functions of addons share one piece of code, and V8 gives all of them the name that one of them has: those names would be wrong. */
function nativeOf({ functionName }, { url }) {
  const isKnown = url.startsWith("node:") || builtIns.some((one) => functionName in one.prototype);
  return `${isKnown ? functionName : "native code"}, called by `;
}

/** Self time in microseconds, by group and by function. */
function summarise(profile) {
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const self = new Map();
  const parents = new Map(profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  for (const [i, id] of profile.samples.entries()) self.set(id, (self.get(id) ?? 0) + (profile.timeDeltas[i] ?? 0));
  const groups = new Map();
  const functions = new Map();
  for (const [id, us] of self) {
    const { callFrame } = byId.get(id);
    if (callFrame.url === "node:inspector") continue; // the profiler itself
    const caller = callerOf(id, byId, parents);
    const place = placeOf(caller);
    const group = groupOf(callFrame, place);
    groups.set(group, (groups.get(group) ?? 0) + us);
    if (natives[callFrame.functionName] !== undefined) continue;
    const name = `${caller === callFrame ? "" : nativeOf(callFrame, caller)}${nameOf(caller)}`;
    functions.set(name, (functions.get(name) ?? 0) + us);
  }
  return { groups, functions };
}

/** Bytes allocated, by function: the tree of a heap profile has them at its nodes. */
function summariseHeap({ head }) {
  const byFunction = new Map();
  const visit = ({ callFrame, selfSize, children }, above) => {
    const caller = callFrame.url === "" ? above : callFrame;
    const native = callFrame === caller || caller === undefined ? "" : nativeOf(callFrame, caller);
    const name = caller === undefined ? callFrame.functionName : `${native}${nameOf(caller)}`;
    byFunction.set(name, (byFunction.get(name) ?? 0) + selfSize);
    for (const child of children) visit(child, caller);
  };
  visit(head, undefined);
  return byFunction;
}

/** Native functions and V8's built-ins have no file: their time is their caller's. */
function callerOf(id, byId, parents) {
  let at = id;
  while (byId.get(at).callFrame.url === "" && parents.has(at)) at = parents.get(at);
  const found = byId.get(at).callFrame;
  return found.url === "" ? byId.get(id).callFrame : found;
}

async function profileOf(server, op) {
  await runLoad({ op, port: server.port, keys, seconds: 1 });
  await askProbe(server, "cpu-start");
  const { perSecond, done } = await runLoad({ op, port: server.port, keys, seconds });
  const profile = await askProbe(server, "cpu-stop");
  if (values.keep !== undefined) writeFileSync(join(values.keep, `${op}.cpuprofile`), JSON.stringify(profile));
  await askProbe(server, "heap-start");
  const sampled = await runLoad({ op, port: server.port, keys, seconds });
  const heap = summariseHeap(await askProbe(server, "heap-stop"));
  const { groups, functions } = summarise(profile);
  const allocated = [...heap]
    .sort(([, a], [, b]) => b - a)
    .map(([name, bytes]) => ({ name, bytesEach: round(bytes / sampled.done) }));
  const idleUs = groups.get("idle") ?? 0;
  groups.delete("idle");
  const busyUs = [...groups.values()].reduce((sum, us) => sum + us, 0);
  const sorted = (map) =>
    [...map]
      .sort(([, a], [, b]) => b - a)
      .map(([name, us]) => ({ name, percent: round((us / busyUs) * 100), usEach: round(us / done) }));
  const allocatedEach = round([...heap.values()].reduce((sum, bytes) => sum + bytes, 0) / sampled.done);
  const ended = { op, perSecond: Math.round(perSecond), idlePercent: round((idleUs / (idleUs + busyUs)) * 100) };
  return {
    ...ended,
    groups: sorted(groups).filter(({ percent }) => percent >= 0.1),
    functions: sorted(functions).slice(0, functionsShown),
    allocatedEach,
    allocated: allocated.slice(0, functionsShown),
  };
}

const round = (value) => Number(value.toFixed(2));

const date = new Date().toISOString();
const profiles = [];
for (const op of (values.ops ?? "put,get").split(",")) {
  const server = serverWithProbe();
  try {
    await server.start();
    await runLoad({ op: "put", port: server.port, n: keys, keys, sequential: true });
    profiles.push(await profileOf(server, op));
  } finally {
    await server.destroy();
  }
}
for (const { op, perSecond, idlePercent, groups, functions, allocatedEach, allocated } of profiles) {
  const line = ({ name, percent, usEach }) => [name, `${percent.toFixed(1)}%`, usEach.toFixed(2)];
  console.log(
    `\n${op}: ${perSecond} a second with the profiler on, the main thread idle for ${idlePercent}% of the time\n`,
  );
  console.log(markdownTable(["self time by package", "of busy time", "us each"], groups.map(line)));
  console.log(`\n${markdownTable(["by function", "of busy time", "us each"], functions.map(line))}`);
  const bytes = allocated.map(({ name, bytesEach }) => [name, bytesEach.toFixed(0)]);
  console.log(
    `\n${markdownTable([`on the heap by function, ${Math.round(allocatedEach)} bytes each in all`, "bytes each"], bytes)}`,
  );
}
if (values.json !== undefined) {
  writeFileSync(
    values.json,
    `${JSON.stringify({ format: 1, date, machine: machineFacts(), seconds, keys, profiles }, undefined, 1)}\n`,
  );
}
