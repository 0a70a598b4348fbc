// node bench/catch-up.mjs [--gigabytes 1] [--value 10000] [--seconds 5] [--binary PATH] [--inflight 1]
//
// Three members, of which the third starts when the others hold so much: how long until it has caught up, what that does to the time a put takes at the leader
// meanwhile, and the memory of both. Prints one line of JSON. `usual` is measured before, with two members and nothing else going on.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { runLoad } from "./load/unary.mjs";
import { quorateBinary, Server } from "./server.mjs";

const text = { type: "string" };
const { values } = parseArgs({
  options: { gigabytes: text, value: text, seconds: text, binary: text, inflight: text },
});
const gigabytes = Number(values.gigabytes ?? 1);
const valueBytes = Number(values.value ?? 10_000);
const seconds = Number(values.seconds ?? 5);
const inflight = Number(values.inflight ?? 1);
const pieceSeconds = 0.5;

/** Bytes of a member's database, with what is only in its log yet. */
function databaseBytes({ directory }) {
  const files = ["db", "db-wal"].map((name) => join(directory, "data", "member", "snap", name));
  return files.reduce((sum, path) => sum + (existsSync(path) ? statSync(path).size : 0), 0);
}

/** Index that each line of a member's metrics names. */
async function metric({ port }, name) {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  const line = (await answer.text()).split("\n").find((one) => one.startsWith(`${name} `));
  return Number(line?.split(" ")[1] ?? Number.NaN);
}

async function findLeader(processes) {
  for (;;) {
    for (const one of processes) if ((await metric(one, "etcd_server_is_leader")) === 1) return one;
    await sleep(100);
  }
}

const put = (port, forSeconds) =>
  runLoad({ op: "put", port, seconds: forSeconds, inflight, connections: 1, keys: 1000, value: 256 });

const rounded = (number, digits = 0) => Number(number.toFixed(digits));

/** Puts at the leader in pieces until `isOver`, and the worst that was seen of each. */
async function watchPuts(leader, isOver) {
  const pieces = [];
  let memory = 0;
  let done = 0;
  const before = leader.cpuByThread();
  while (!isOver()) {
    const piece = await put(leader.port, pieceSeconds);
    const { p50us, p99us, perSecond, errors } = piece;
    done += piece.done;
    pieces.push({ p50us, p99us, perSecond, errors });
    memory = Math.max(memory, leader.memory());
  }
  const cpu = leader.cpuByThread();
  const spentSeconds = Object.entries(cpu).map(([name, time]) => [
    name,
    rounded((time - (before[name] ?? 0)) / 1e6, 2),
  ]);
  const sorted = (name) => pieces.map((piece) => piece[name]).sort((a, b) => a - b);
  const median = (list) => list[Math.floor(list.length / 2)] ?? Number.NaN;
  return {
    pieces: pieces.length,
    errors: pieces.reduce((sum, piece) => sum + piece.errors, 0),
    p50us: rounded(median(sorted("p50us"))),
    p50usWorst: rounded(sorted("p50us").at(-1) ?? Number.NaN),
    p99us: rounded(median(sorted("p99us"))),
    p99usWorst: rounded(sorted("p99us").at(-1) ?? Number.NaN),
    perSecond: rounded(median(sorted("perSecond"))),
    done,
    leaderCpuSeconds: Object.fromEntries(spentSeconds.filter(([, spent]) => spent >= 0.05)),
    leaderMemoryMb: rounded(memory),
  };
}

const server = new Server("catch-up", values.binary ?? quorateBinary, { members: 3 });
try {
  const [one, two, three] = await server.prepare();
  const cluster = server.initialCluster;
  for (const member of [one, two]) member.spawn(cluster, {});
  await Promise.all([one.answered(), two.answered()]);
  const leader = await findLeader([one, two]);
  const keys = Math.ceil((gigabytes * 1e9) / valueBytes);
  const fillStart = performance.now();
  const filled = await runLoad({
    ...{ op: "put", port: leader.port, n: keys, keys, value: valueBytes },
    ...{ sequential: true, inflight: 64, connections: 2 },
  });
  const fillSeconds = (performance.now() - fillStart) / 1000;
  await sleep(3000); // what it has left to do behind its answers
  let isOver = false;
  setTimeout(() => {
    isOver = true;
  }, seconds * 1000);
  const usual = await watchPuts(leader, () => isOver);
  isOver = false;
  let followerMemory = 0;
  const watcher = setInterval(() => {
    if (!three.hasEnded) followerMemory = Math.max(followerMemory, three.memory());
  }, 100);
  three.spawn(cluster, {});
  const caughtUp = three.answered().finally(() => {
    isOver = true;
  });
  const meanwhile = await watchPuts(leader, () => isOver);
  const catchUpSeconds = await caughtUp;
  clearInterval(watcher);
  const snap = join(three.directory, "data", "member", "snap");
  console.log(
    JSON.stringify({
      gigabytes: rounded(databaseBytes(leader) / 1e9, 2),
      fillSeconds: rounded(fillSeconds, 1),
      fillErrors: filled.errors,
      catchUpSeconds: rounded(catchUpSeconds, 1),
      receivedBytes: databaseBytes(three),
      usual,
      meanwhile,
      p50Ratio: rounded(meanwhile.p50us / usual.p50us, 2),
      p99Ratio: rounded(meanwhile.p99us / usual.p99us, 2),
      followerMemoryMb: rounded(followerMemory),
      left: readdirSync(snap).filter((name) => name !== "db" && name !== "db-wal" && name !== "db-shm"),
    }),
  );
} finally {
  await server.destroy();
}
