// The log alone, behind its thread: one append of 256 bytes beside a plain write and fdatasync, in turns, because a disk's mood changes.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { silentLogger, silentMeter } from "../../packages/common/dist/index.js";
import { openWal, RealDisk } from "../../packages/wal/dist/index.js";
import { measureSync } from "../machine.mjs";
import { median } from "../table.mjs";
import { say } from "./measure.mjs";

const rounds = 6;
const perRound = 100;
const directory = mkdtempSync(join(tmpdir(), "quorate-bench-"));
const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now(), after: () => ({ cancel: () => {} }) };
const fatal = (error) => {
  throw error;
};
const ports = { disk: new RealDisk(), clock, logger: silentLogger, meter: silentMeter, fatal };
const { wal } = await openWal({ directory: join(directory, "wal"), thread: true, metadata: new Uint8Array(16) }, ports);
await sleep(500); // the thread writes zeros ahead while nobody waits
const data = new Uint8Array(256).fill(7);
let index = 1;

const plain = [];
const own = [];
for (let round = 0; round < rounds; round++) {
  plain.push(measureSync(perRound).p50us);
  for (let i = 0; i < perRound; i++) {
    const began = performance.now();
    await new Promise((resolve) => wal.append({ entries: [{ index: index++, data }], mustSync: true }, resolve));
    own.push((performance.now() - began) * 1000);
    await sleep(0);
  }
}
await wal.close();
rmSync(directory, { recursive: true });
say([
  { id: "disk-sync", name: "disk: a plain write of one block and fdatasync", value: median(plain), unit: "us" },
  {
    id: "log-over-sync",
    name: "log: one append of 256 bytes over that",
    value: median(own) - median(plain),
    unit: "us",
  },
]);
