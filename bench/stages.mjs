// The stages of one side's turn: each starts what it needs, runs the rows that are wanted of it, and takes everything away again.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { runLoad } from "./load/unary.mjs";
import { askProbe, serverWithProbe } from "./ask-probe.mjs";
import { smallKeys } from "./rows.mjs";
import { Server, Skipped } from "./server.mjs";

/** Puts each key once. */
async function fill({ server, keys }) {
  const options = {
    op: "put",
    port: server.port,
    ports: server.ports,
    n: keys,
    keys,
    sequential: true,
    tls: server.tls,
  };
  const result = await runLoad(options);
  if (result.errors > 0) throw new Error(`${result.errors} errors while filling`);
  return result;
}

async function runRows(context, stage) {
  for (const row of context.wanted(stage)) {
    if (row.run !== undefined) context.note(row.id, await row.run(context));
  }
}

async function small(context) {
  const { server, note } = context;
  note("start-empty", { value: await server.start() });
  note("memory-empty", { value: server.memory() });
  await fill({ server, keys: Math.min(smallKeys, context.keys) });
  await runRows(context, "small");
}

async function filled(context) {
  const { server, note, keys } = context;
  await server.start();
  const { perSecond, p50us, p99us, loadCores } = await fill({ server, keys });
  note("fill", { value: perSecond, p50us, p99us, loadCores });
  await runRows(context, "filled");
  note("memory-loaded", { value: server.memory() });
  await server.stop();
  note("restart", { value: await server.start() });
  note("memory-restarted", { value: server.memory() });
}

async function withSmallKeys(context, stage) {
  await context.server.start();
  await fill({ server: context.server, keys: Math.min(smallKeys, context.keys) });
  await runRows(context, stage);
}

/** A peer's command line lies beside it, or on the path. */
function commandOf(side, binary) {
  const own = side === "quorate" ? "quoratectl" : "etcdctl";
  const beside = join(dirname(binary), own);
  if (existsSync(beside)) return beside;
  if (side === "peer" && spawnSync("etcdctl", ["version"]).status === 0) return "etcdctl";
  throw new Skipped(`no ${own} beside ${binary}`);
}

async function command({ side, binary, server, note, isQuick }) {
  const program = commandOf(side, binary);
  await server.start();
  const runs = isQuick ? 5 : 21;
  const times = [];
  for (let i = -1; i < runs; i++) {
    const began = performance.now();
    const words = [`--endpoints=127.0.0.1:${server.port}`, "put", "key", "value"];
    const { status, stderr } = spawnSync(program, words, {
      env: { ...process.env, ETCDCTL_API: "3" },
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
    if (i >= 0) times.push(performance.now() - began); // the first one may still compile, and read its file from the disk
  }
  times.sort((a, b) => a - b);
  note("command-put", { value: times[Math.floor(runs / 2)], least: times[0], most: times[runs - 1] });
}

async function allocations({ server, note, seconds, keys }) {
  await server.start();
  const options = { port: server.port, keys: Math.min(smallKeys, keys) };
  await fill({ server, keys: options.keys });
  for (const op of ["put", "get"]) {
    await runLoad({ ...options, op, seconds: seconds / 2 });
    await askProbe(server, "gc-start");
    const { done } = await runLoad({ ...options, op, n: Math.round(40_000 * seconds) });
    const { heapBytes, externalBytes, collections, pauseUs } = await askProbe(server, "gc-stop");
    const each = { heapBytes: heapBytes / done, externalBytes: externalBytes / done, pauseUs: pauseUs / done };
    note(`allocated-${op}`, { value: each.heapBytes + each.externalBytes, ...each, done, collections });
  }
}

const plain = ({ side, binary }) => new Server(side, binary);
const stages = [
  { name: "small", run: small, server: plain },
  { name: "filled", run: filled, server: plain },
  {
    name: "secure",
    run: (context) => withSmallKeys(context, "secure"),
    server: ({ side, binary }) => new Server(side, binary, { tls: true }),
  },
  { name: "cluster", run: cluster, server: ({ side, binary }) => new Server(side, binary, { members: 3 }) },
  { name: "command", run: command, server: plain },
  { name: "allocations", run: allocations, server: ({ side }) => (side === "peer" ? undefined : serverWithProbe()) },
];

/** A version that cannot be one of three says so when it starts; then the row is left out, with its words. */
async function cluster(context) {
  try {
    await context.server.start();
  } catch (error) {
    throw new Skipped(`three members do not start: ${error.message.slice(0, 300)}`);
  }
  await fill({ server: context.server, keys: Math.min(smallKeys, context.keys) });
  await runRows(context, "cluster");
}

let running;
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    await running?.destroy(); // nothing that was started may outlive us
    process.exit(1);
  });
}

/**
 * One turn of one side.
 * @param given `side`, `binary`, `keys`, `seconds` of each load, `wanted(stage)` gives the rows to run, `note(id, sample)` takes figures,
 *   `skip(stage, reason)` takes what could not be measured.
 */
export async function runStages(given) {
  for (const stage of stages) {
    if (given.wanted(stage.name).length === 0) continue;
    const server = stage.server(given);
    if (server === undefined) continue;
    running = server;
    try {
      await stage.run({ ...given, server });
    } catch (error) {
      if (!(error instanceof Skipped))
        throw new Error(`${given.side}, ${stage.name}: ${error.message}`, { cause: error });
      given.skip(stage.name, error.message);
    } finally {
      await server.destroy();
    }
  }
}
