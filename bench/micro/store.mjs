// The store alone, behind its thread: what a put costs core, and what it costs the thread.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../../packages/common/dist/index.js";
import { openMvcc } from "../../packages/mvcc/dist/index.js";
import { orderOf, randomFrom } from "../load/random.mjs";
import { keyOf } from "../load/requests.mjs";
import { say } from "./measure.mjs";

const perTurn = 400;
const puts = 100_000;
const keys = Number(process.argv[2] ?? 1_000_000);
const value = Buffer.alloc(256, "x");

/** What the store's thread reports of itself. */
const spent = { flushMs: 0, checkpointMs: 0 };
const meter = {
  counter: () => ({ add: () => {} }),
  gauge: () => ({ set: () => {} }),
  histogram: ({ name }) => ({
    record: (seconds) => {
      if (name === "mvcc.flush.duration") spent.flushMs += seconds * 1000;
      if (name === "mvcc.checkpoint.duration") spent.checkpointMs += seconds * 1000;
    },
  }),
};
const clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
const fatal = (error) => {
  throw error;
};

const directory = mkdtempSync(join(tmpdir(), "quorate-bench-"));
const mvcc = openMvcc({ path: join(directory, "db") }, { clock, logger: silentLogger, meter, fatal });
const coreMs = () => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

/** @param keyNumber of the i-th put. @returns the processor time of the synchronous calls, in milliseconds. */
async function putAll(count, keyNumber) {
  let spentMs = 0;
  for (let i = 0; i < count; i += perTurn) {
    const batch = Array.from({ length: perTurn }, (_, k) => keyOf(keyNumber(i + k)));
    const began = coreMs();
    for (const key of batch) {
      const transaction = mvcc.begin({ index: mvcc.applied.index + 1, term: 1 });
      transaction.put({ key, value, lease: undefined });
      transaction.commit();
    }
    spentMs += coreMs() - began;
    await new Promise((resolve) => setImmediate(resolve));
    if (mvcc.isHeadFull()) await new Promise((resolve) => mvcc.onHeadDrained(resolve));
  }
  await mvcc.flush();
  return spentMs;
}

const random = randomFrom(11);
await putAll(100_000, orderOf(100_000));
const few = await putAll(puts, () => Math.floor(random() * 100_000));
if (keys > 100_000) await putAll(keys - 100_000, (i) => 100_000 + orderOf(keys - 100_000)(i % (keys - 100_000)));
Object.assign(spent, { flushMs: 0, checkpointMs: 0 });
const all = await putAll(puts, () => Math.floor(random() * keys));
await mvcc.checkpoint();
const thread = spent.flushMs + spent.checkpointMs;
await mvcc.close();
rmSync(directory, { recursive: true });
const each = (ms) => (ms * 1000) / puts;
const millions = `${(keys / 1e6).toLocaleString("en")} million`;
say([
  { id: "store-core-few", name: "store: a put, in core, random over 100 thousand keys", value: each(few), unit: "us" },
  { id: "store-core-all", name: `store: a put, in core, random over ${millions} keys`, value: each(all), unit: "us" },
  {
    id: "store-thread",
    name: `store: a put, in its thread (flush, checkpoint and its sync; wall), random over ${millions} keys`,
    value: each(thread),
    unit: "us",
    budget: 20,
  },
]);
