// node bench/interference.mjs [--megabytes 100] [--rounds 5]
//
// Does one client that reads a lot delay the others? Reads a range of the given size over and over while another client reads single keys, and prints the
// times of the single reads, alone and beside it.
import { parseArgs } from "node:util";
import { runLoad } from "./load.mjs";
import { quorateBinary, Server } from "./server.mjs";

const { values } = parseArgs({ options: { megabytes: { type: "string" }, rounds: { type: "string" }, binary: { type: "string" } } });
const megabytes = Number(values.megabytes ?? 100);
const valueBytes = 10_000;
const keys = Math.round((megabytes * 1e6) / valueBytes);

const server = new Server("quorate", values.binary ?? quorateBinary);
try {
  await server.start();
  await runLoad({ op: "put", port: server.port, n: keys, keys, sequential: true, value: valueBytes, inflight: 100 });
  const single = { op: "get", port: server.port, keys: 100, inflight: 1, connections: 1 };
  const alone = await runLoad({ ...single, n: 3000 });
  let isReading = true;
  let bytes = 0;
  const reader = (async () => {
    for (let round = 0; round < Number(values.rounds ?? 5); round++) {
      const result = await runLoad({ op: "list", port: server.port, n: 1, inflight: 1, connections: 1, limit: keys });
      if (result.errors > 0) throw new Error("the large read was refused");
      bytes += megabytes * 1e6;
    }
    isReading = false;
  })();
  const beside = [];
  while (isReading) beside.push(await runLoad({ ...single, n: 200 }));
  await reader;
  const worst = Math.max(...beside.map((result) => result.p99us));
  console.log(JSON.stringify({ megabytes, keys, readMegabytes: bytes / 1e6, aloneP99us: alone.p99us, besideP99us: worst, samples: beside.length * 200 }));
} finally {
  await server.destroy();
}
