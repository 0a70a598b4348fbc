// node bench/interference.mjs [--megabytes 100] [--rounds 5]
//
// Does one client that reads a lot delay the others? Reads a range of the given size over and over while another client reads single keys, and prints the
// times of the single reads, alone and beside it.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { runLoad } from "./load/unary.mjs";
import { quorateBinary, Server } from "./server.mjs";

const { values } = parseArgs({
  options: { megabytes: { type: "string" }, rounds: { type: "string" }, binary: { type: "string" } },
});
const megabytes = Number(values.megabytes ?? 100);
const valueBytes = 10_000;
const rounds = Number(values.rounds ?? 5);
const keys = Math.round((megabytes * 1e6) / valueBytes);

const server = new Server("quorate", values.binary ?? quorateBinary);
try {
  await server.start();
  await runLoad({ op: "put", port: server.port, n: keys, keys, sequential: true, value: valueBytes, inflight: 100 });
  const single = { op: "get", port: server.port, keys: 100, inflight: 1, connections: 1 };
  const alone = await runLoad({ ...single, n: 3000 });
  // The large reads run in a process of their own: this one is to feel only what the server does.
  let isReading = true;
  let failure;
  const load = join(import.meta.dirname, "load.mjs");
  const words = [
    load,
    "--op=list",
    `--port=${server.port}`,
    "--n=1",
    "--inflight=1",
    "--connections=1",
    `--limit=${keys}`,
  ];
  const readAll = async () => {
    for (let round = 0; round < rounds; round++) {
      const { stdout } = await promisify(execFile)(process.execPath, words);
      if (JSON.parse(stdout).errors > 0) throw new Error("the large read was refused");
    }
  };
  readAll()
    .catch((error) => {
      failure = error;
    })
    .finally(() => {
      isReading = false;
    });
  const times = [];
  while (isReading) {
    const { p99us } = await runLoad({ ...single, n: 100, onTime: (ms) => times.push(ms) });
    if (p99us === undefined) break;
  }
  if (failure !== undefined) throw failure;
  times.sort((a, b) => a - b);
  const at = (share) => Math.round((times[Math.floor(times.length * share)] ?? 0) * 1000);
  console.log(
    JSON.stringify({
      megabytes,
      rounds,
      aloneP99us: alone.p99us,
      besideP50us: at(0.5),
      besideP99us: at(0.99),
      samples: times.length,
    }),
  );
} finally {
  await server.destroy();
}
