import { openWal, RealDisk, type WalPorts } from "@quorate/wal";

// Started by kill.test.ts: appends until it is killed, and prints each index when it is acknowledged.
const [directory = ""] = process.argv.slice(2);
const ignore = (): void => {};
const ports: WalPorts = {
  disk: new RealDisk(),
  clock: {
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    after: (delayMs, run) => {
      const timer = setTimeout(run, delayMs);
      return { cancel: () => clearTimeout(timer) };
    },
  },
  logger: { debug: ignore, info: ignore, warn: ignore, error: ignore, fatal: ignore },
  meter: {
    counter: () => ({ add: ignore }),
    gauge: () => ({ set: ignore }),
    histogram: () => ({ record: ignore }),
  },
  fatal: (error) => {
    console.error(error);
    process.exit(1);
  },
};
const metadata = new TextEncoder().encode("metadata");
const { wal, recovered } = await openWal({ directory, thread: true, metadata, segmentBytesMax: 100_000 }, ports);
let index = (recovered.entries.at(-1)?.index ?? 0) as NonNullable<(typeof recovered.entries)[number]>["index"];
process.stdout.write(`open ${recovered.entries.length}\n`);

function turn(): void {
  for (let count = 0; count < 20; count++) {
    index = (index + 1) as typeof index;
    const mine = index;
    const data = new TextEncoder().encode(`${mine}:${"x".repeat(mine % 500)}`);
    wal.append({ entries: [{ index: mine, data }], mustSync: true }, () => process.stdout.write(`${mine}\n`));
  }
  if (wal.stats().pendingAppends < 200) setImmediate(turn);
  else setTimeout(turn, 1);
}
turn();
