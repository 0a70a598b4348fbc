/**
 * The store alone, 256-byte values, random keys: core and store thread time a put, reads, lists, restart, memory.
 * node bench/store.bench.ts [keys] [puts]. Needs a build. Behind its store thread; core time is the time of the synchronous calls.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Clock,
  type LogIndex,
  type Meter,
  type MetricDefinition,
  type Revision,
  silentLogger,
  type Term,
} from "@quorate/common";
import { type KeyRange, type Mvcc, type MvccOptions, openMvcc } from "@quorate/mvcc";

const clock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** A directory that is removed at the end. */
function scratch(): { path: string; remove: () => void } {
  const directory = mkdtempSync(join(tmpdir(), "quorate-bench-"));
  return { path: join(directory, "db"), remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** Keeps what the store reports of its thread. */
const meter: Meter = {
  counter: (definition: MetricDefinition) => ({
    add: (amount: number) => {
      if (definition.name === "mvcc.flush.changes") flushedChanges += amount;
    },
  }),
  gauge: () => ({ set: () => {} }),
  histogram: (definition: MetricDefinition) => ({
    record: (value: number) => {
      if (definition.name === "mvcc.flush.duration") storeThreadMs += value * 1000;
      if (definition.name === "mvcc.checkpoint.duration") checkpointMs += value * 1000;
    },
  }),
};

function open(path: string, options: Partial<MvccOptions> = {}): Mvcc {
  const fatal = (error: Error): void => {
    throw error;
  };
  return openMvcc({ path, ...options }, { clock, logger: silentLogger, meter, fatal });
}

let state = 12345;
/** Same numbers in each run. */
function random(below: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 4294967296) * below);
}

const value = Buffer.alloc(256, 0x76);
const keyOf = (n: number): Buffer => Buffer.from(`/blast/${String(n).padStart(10, "0")}`);

function putOne(mvcc: Mvcc, key: Uint8Array): void {
  const transaction = mvcc.begin({ index: (mvcc.applied.index + 1) as LogIndex, term: 1 as Term });
  transaction.put({ key, value, lease: undefined });
  transaction.commit();
}

/** Waits until the store has room again. */
const drained = (mvcc: Mvcc): Promise<void> => new Promise((resolve) => mvcc.onHeadDrained(resolve));

/** One turn of the event loop. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** All keys, in random order. */
async function load(mvcc: Mvcc, keys: number): Promise<void> {
  const order = Uint32Array.from({ length: keys }, (_, i) => i);
  for (let i = keys - 1; i > 0; i--) {
    const j = random(i + 1);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  for (let i = 0; i < keys; i++) {
    putOne(mvcc, keyOf(order[i] as number));
    if (i % 400 === 399) await turn();
    if (mvcc.isHeadFull()) await drained(mvcc);
  }
  await mvcc.flush();
}

const keys = Number(process.argv[2] ?? 100_000);
const puts = Number(process.argv[3] ?? 200_000);
const only = process.argv[4];
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
const residentNow = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().rss;
};

/** Store thread time comes from the metric the store itself reports. */
let storeThreadMs = 0;
let flushedChanges = 0;
let checkpointMs = 0;

function report(title: string, us: number, unit = "us"): void {
  console.log(`${title.padEnd(58)} ${us.toFixed(2).padStart(9)} ${unit}`);
}

/** Processor time of this thread, and of all others of the process: the store thread, and V8's collectors. */
function cpuMs(): { core: number; others: number } {
  const ofThread = process.threadCpuUsage();
  const ofProcess = process.cpuUsage();
  const core = (ofThread.user + ofThread.system) / 1000;
  return { core, others: (ofProcess.user + ofProcess.system) / 1000 - core };
}

async function benchPuts(mvcc: Mvcc): Promise<void> {
  storeThreadMs = 0;
  flushedChanges = 0;
  checkpointMs = 0;
  let core = 0;
  const started = performance.now();
  const before = cpuMs();
  for (let i = 0; i < puts; i += 400) {
    const batch = Array.from({ length: 400 }, () => keyOf(random(keys)));
    const start = cpuMs().core;
    for (const key of batch) putOne(mvcc, key);
    core += cpuMs().core - start;
    await turn();
    if (mvcc.isHeadFull()) await drained(mvcc);
  }
  await mvcc.flush();
  const wall = performance.now() - started;
  const after = cpuMs();
  const each = (ms: number): number => (ms * 1000) / puts;
  report(`put random of ${keys}: core, begin put commit (cpu)`, each(core));
  report("  core with flushes and making the keys (cpu)", each(after.core - before.core));
  report("  all other threads (cpu)", each(after.others - before.others));
  report("  store thread: flush (wall)", (storeThreadMs * 1000) / flushedChanges);
  report("  store thread: checkpoints (wall)", each(checkpointMs));
  report("  until all is in the file (wall)", each(wall));
}

function time(title: string, times: number, run: (i: number) => void): void {
  for (let i = 0; i < times / 5; i++) run(i);
  const before = cpuMs().core;
  for (let i = 0; i < times; i++) run(i);
  report(`${title} (cpu)`, ((cpuMs().core - before) * 1000) / times);
}

function benchReads(mvcc: Mvcc): void {
  const everything: KeyRange = { kind: "span", start: Buffer.from("/blast/"), end: Buffer.from("/blast0") };
  const from = (n: number): KeyRange => ({ kind: "span", start: keyOf(n), end: Buffer.from("/blast0") });
  const stretch = (n: number, length: number): KeyRange => ({ kind: "span", start: keyOf(n), end: keyOf(n + length) });
  time("get one key, always the same", 20000, () => void mvcc.range({ range: { kind: "key", key: keyOf(7) } }));
  time("get one key, at random", 20000, () => void mvcc.range({ range: { kind: "key", key: keyOf(random(keys)) } }));
  time("list with limit 100, always the same", 2000, () => void mvcc.range({ range: everything, limit: 100 }));
  time(
    "list with limit 100, from a random key",
    2000,
    () => void mvcc.range({ range: from(random(keys - 200)), limit: 100 }),
  );
  time("list with limit 100, keys only, random", 2000, () => {
    mvcc.range({ range: from(random(keys - 200)), limit: 100, keysOnly: true });
  });
  for (const length of [100, 1000, 10000]) {
    const times = 200000 / length;
    time(`range of ${length} keys, always the same`, times, () => void mvcc.range({ range: stretch(17, length) }));
    time(
      `range of ${length} keys, at random`,
      times,
      () => void mvcc.range({ range: stretch(random(keys - length), length) }),
    );
  }
  time("count of a random span", 2000, () => void mvcc.count(from(random(keys))));
  const past = (mvcc.revision - 20_000) as Revision;
  time(
    "list with limit 100, 20,000 revisions ago",
    100,
    () => void mvcc.range({ range: from(random(keys - 200)), limit: 100, revision: past }),
  );
}

const { path, remove } = scratch();
const empty = residentNow();
let mvcc = open(path);
const started = performance.now();
await load(mvcc, keys);
report(`load ${keys} keys in random order, wall`, ((performance.now() - started) * 1000) / keys);
await benchPuts(mvcc);
console.log(`file ${megabytes(mvcc.size().totalBytes)}, resident ${megabytes(residentNow())}`);
if (only !== "puts") {
  await mvcc.checkpoint();
  await turn();
  benchReads(mvcc);
  await mvcc.close();
  const reopened = performance.now();
  mvcc = open(path);
  mvcc.range({ range: { kind: "key", key: keyOf(1) } });
  report("open again and read a key", performance.now() - reopened, "ms");
  console.log(`resident before the first store ${megabytes(empty)}, at the end ${megabytes(residentNow())}`);
}
await mvcc.close();
remove();
