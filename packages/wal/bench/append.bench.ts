import { closeSync, fdatasyncSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { availableParallelism } from "node:os";
import { silentLogger, silentMeter } from "@quorate/common";
import { openWal, RealDisk, type Wal, type WalEntry } from "@quorate/wal";

// `pnpm --filter @quorate/wal bench [directory]`: on a disk, not in memory. Each round does a loop of plain fdatasync beside it, because a
// disk's mood changes from minute to minute.

const directory = mkdtempSync(`${process.argv[2] ?? "/var/tmp"}/quorate-bench-`);
const value = new Uint8Array(256).fill(7);
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: () => ({ cancel: () => {} }),
};

type Index = WalEntry["index"];
let nextIndex = 1;

function entries(count: number): WalEntry[] {
  return Array.from({ length: count }, () => ({ index: nextIndex++ as Index, data: value }));
}

async function open(thread: boolean): Promise<Wal> {
  nextIndex = 1;
  const fatal = (error: Error): void => {
    console.error(error);
    process.exit(1);
  };
  const ports = { disk: new RealDisk(), clock, logger: silentLogger, meter: silentMeter, fatal };
  const metadata = new Uint8Array(16);
  const { wal } = await openWal({ directory: `${directory}/${thread ? "thread" : "inline"}`, thread, metadata }, ports);
  // The thread writes zeros ahead while nobody waits.
  await wait(500);
  return wal;
}

function at(sorted: readonly number[], fraction: number): number {
  return sorted[Math.floor(sorted.length * fraction)] as number;
}

function report(title: string, samplesMs: number[], beside?: number): number {
  samplesMs.sort((a, b) => a - b);
  const median = at(samplesMs, 0.5);
  const over = beside === undefined ? "" : `, ${((median - beside) * 1000).toFixed(0)} us over fdatasync`;
  console.log(`${title}: p50 ${median.toFixed(3)} ms, p99 ${at(samplesMs, 0.99).toFixed(3)} ms${over}`);
  return median;
}

/** A plain loop over space that is already there. */
async function plainSyncs(bytes: number, count: number): Promise<number[]> {
  const descriptor = openSync(`${directory}/plain`, "w");
  const zeros = new Uint8Array(1 << 20);
  for (let from = 0; from < bytes * count; from += zeros.length) writeSync(descriptor, zeros, 0, zeros.length, from);
  fsyncSync(descriptor);
  const chunk = new Uint8Array(bytes).fill(1);
  const samples: number[] = [];
  for (let turn = 0; turn < count; turn++) {
    const began = performance.now();
    writeSync(descriptor, chunk, 0, bytes, turn * bytes);
    fdatasyncSync(descriptor);
    samples.push(performance.now() - began);
    await wait(0);
  }
  closeSync(descriptor);
  return samples;
}

async function oneAtATime(wal: Wal, count: number, turns: number): Promise<number[]> {
  const samples: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const batch = { entries: entries(count), mustSync: true };
    const began = performance.now();
    await new Promise<void>((resolve) => wal.append(batch, resolve));
    samples.push(performance.now() - began);
    await wait(0);
  }
  return samples;
}

/** Keeps that many appends of one entry waiting, as that many clients would. */
function inFlight(wal: Wal, clients: number, total: number): Promise<number> {
  const began = performance.now();
  let started = 0;
  let ended = 0;
  return new Promise((resolve) => {
    const start = (): void => {
      if (started === total) return;
      started += 1;
      wal.append({ entries: entries(1), mustSync: true }, () => {
        ended += 1;
        if (ended === total) resolve((total / (performance.now() - began)) * 1000);
        else start();
      });
    };
    for (let client = 0; client < clients; client++) start();
  });
}

async function main(): Promise<void> {
  console.log(`node ${process.version}, ${availableParallelism()} cores, ${directory}`);
  for (const thread of [true, false]) {
    const wal = await open(thread);
    const where = thread ? "log thread" : "in the caller's thread";
    for (let round = 1; round <= 2; round++) {
      for (const count of [1, 100]) {
        const plain = report(`plain fdatasync of ${count * 280} B`, await plainSyncs(count * 280, 400));
        report(`append ${count} entries of 256 B, ${where}`, await oneAtATime(wal, count, 400), plain);
      }
    }
    for (const clients of [1, 10, 400]) {
      const perSecond = await inFlight(wal, clients, Math.min(1000 * clients, 100_000));
      console.log(`${clients} in flight, ${where}: ${Math.round(perSecond)} entries/s`);
    }
    console.log(wal.stats());
    await wal.close();
  }
  rmSync(directory, { recursive: true });
}

await main();
