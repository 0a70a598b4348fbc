import type { LogIndex } from "@quorate/common";
import { PowerLoss, SimulatedClock, SimulatedDisk, SimulatedRandom } from "@quorate/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Recovered, type Wal, type WalEntry, WalError } from "../src/index.js";
import { buildEntry, bytes, mustOpen, shown, text } from "./fixtures.js";

const directory = "/member/wal";

/** What a log holds, as text, so that two are easily compared. */
type Contents = { entries: readonly string[]; state: string | undefined; snapshot: string | undefined };

type Step =
  | { kind: "append"; back: number; sizes: readonly number[]; hasState: boolean; mustSync: boolean }
  | { kind: "snapshot" }
  /** `ahead` of the last entry, or at one that is held already when it is not positive. */
  | { kind: "reset"; ahead: number; sizes: readonly number[] }
  | { kind: "release" }
  | { kind: "pause" };

/** The log as it must be: contents after each step that was accepted, and how many of them were acknowledged as durable. */
class Model {
  history: Contents[] = [{ entries: [], state: undefined, snapshot: undefined }];
  #entries: WalEntry[] = [];
  #firstIndex = 1;
  #snapshotIndex = 0;
  #released = 0;
  #writes = 0;
  acknowledged = 0;

  get accepted(): number {
    return this.history.length - 1;
  }

  get lastIndex(): number {
    return this.#firstIndex + this.#entries.length - 1;
  }

  get snapshotIndex(): number {
    return this.#snapshotIndex;
  }

  nextEntries(step: Extract<Step, { kind: "append" }>): WalEntry[] {
    // Entries that a snapshot covers are committed: Raft never replaces them.
    const from = Math.max(this.#snapshotIndex, this.#released, this.lastIndex - step.back) + 1;
    this.#writes += 1;
    return step.sizes.map((size, at) => buildEntry(from + at, `${this.#writes}:${"x".repeat(size)}`));
  }

  append(entries: readonly WalEntry[], state: string | undefined): void {
    const [first] = entries;
    if (first !== undefined) this.#entries = [...this.#entries.slice(0, first.index - this.#firstIndex), ...entries];
    const last = this.history.at(-1) as Contents;
    this.history.push({ ...last, entries: shown(this.#entries), state: state ?? last.state });
  }

  snapshot(): { index: LogIndex; data: Uint8Array } {
    const index = this.lastIndex;
    this.#entries = [];
    this.#firstIndex = index + 1;
    this.#snapshotIndex = index;
    this.history.push({ ...(this.history.at(-1) as Contents), entries: [], snapshot: `${index}=snapshot ${index}` });
    return { index: index as LogIndex, data: bytes(`snapshot ${index}`) };
  }

  /** A snapshot from elsewhere takes the place of the log, and entries follow it. */
  reset(
    ahead: number,
    sizes: readonly number[],
  ): { snapshot: { index: LogIndex; data: Uint8Array }; entries: WalEntry[] } {
    const index = Math.max(this.#snapshotIndex, this.#released, this.lastIndex + ahead, 1) as LogIndex;
    this.#writes += 1;
    this.#entries = sizes.map((size, at) => buildEntry(index + 1 + at, `${this.#writes}:${"x".repeat(size)}`));
    this.#firstIndex = index + 1;
    this.#snapshotIndex = index;
    const data = `received ${this.#writes}`;
    const last = this.history.at(-1) as Contents;
    this.history.push({ ...last, entries: shown(this.#entries), snapshot: `${index}=${data}` });
    return { snapshot: { index, data: bytes(data) }, entries: this.#entries };
  }

  /** The log came back as it was after one of the steps: none acknowledged is missing, and nothing was added. */
  settleOn(recovered: Recovered): void {
    const found = contentsOf(recovered);
    const candidates = this.history.slice(this.acknowledged).map((contents) => JSON.stringify(contents));
    const at = candidates.lastIndexOf(JSON.stringify(found));
    expect(at, `${JSON.stringify(found)} is none of ${candidates.join("\n")}`).toBeGreaterThanOrEqual(0);
    this.history = [found];
    this.acknowledged = 0;
    this.#entries = [...recovered.entries];
    this.#snapshotIndex = recovered.snapshot?.index ?? 0;
    this.#firstIndex = this.#snapshotIndex + 1;
  }
}

function contentsOf(recovered: Recovered): Contents {
  const { entries, state, snapshot } = recovered;
  return {
    entries: shown(entries),
    state: text(state),
    snapshot: snapshot === undefined ? undefined : `${snapshot.index}=${text(snapshot.data)}`,
  };
}

function carryOut(wal: Wal, model: Model, step: Step): void {
  if (step.kind === "release") wal.release(model.snapshotIndex as LogIndex);
  if (step.kind === "snapshot") {
    if (model.lastIndex === model.snapshotIndex) return;
    const number = model.accepted + 1;
    wal.saveSnapshot(model.snapshot(), () => {
      model.acknowledged = number;
    });
  }
  if (step.kind === "reset") {
    const number = model.accepted + 1;
    const { snapshot, entries } = model.reset(step.ahead, step.sizes);
    wal.append({ reset: snapshot, entries, mustSync: true }, () => {
      model.acknowledged = number;
    });
  }
  if (step.kind === "append") {
    const entries = model.nextEntries(step);
    const number = model.accepted + 1;
    const state = step.hasState ? `state ${number}` : undefined;
    wal.append({ entries, mustSync: step.mustSync, ...(state === undefined ? {} : { state: bytes(state) }) }, () => {
      if (step.mustSync) model.acknowledged = number;
    });
    model.append(entries, state);
  }
}

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      back: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3 })),
      sizes: fc.array(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 900 })), { maxLength: 4 }),
      hasState: fc.boolean(),
      mustSync: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "snapshot" }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("reset" as const),
      ahead: fc.integer({ min: -6, max: 6 }),
      sizes: fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "release" }) },
  { weight: 4, arbitrary: fc.constant<Step>({ kind: "pause" }) },
);

/** Ends as soon as the promise has, or the power. */
async function orPowerLoss<Value>(
  promise: Promise<Value>,
  disk: SimulatedDisk,
  clock: SimulatedClock,
): Promise<Value | undefined> {
  let outcome: { value: Value } | { error: unknown } | undefined;
  promise.then(
    (value) => {
      outcome = { value };
    },
    (error: unknown) => {
      outcome = { error };
    },
  );
  while (outcome === undefined && !disk.isDark) if (!(await clock.step())) await clock.advance(1);
  await clock.advance(0);
  if (outcome === undefined) return undefined;
  if ("value" in outcome) return outcome.value;
  const { error } = outcome;
  if (error instanceof WalError && error.cause instanceof PowerLoss) return undefined;
  throw error;
}

type Life = { steps: readonly Step[]; operations: number; loses: "power" | "process" };

async function live(lives: readonly Life[], seed: number): Promise<number> {
  const clock = new SimulatedClock();
  const random = new SimulatedRandom(seed);
  const disk = new SimulatedDisk({ syncMs: () => random.integer(0, 3) }, { clock, random });
  const model = new Model();
  let crashes = 0;
  for (const life of [...lives, { steps: [], operations: Number.POSITIVE_INFINITY, loses: "power" as const }]) {
    let isAlive = true;
    const fatal = (error: Error): void => {
      if (isAlive && !(error.cause instanceof PowerLoss)) throw error;
    };
    disk.losePowerAt(disk.operations + life.operations);
    const options = { directory, segmentBytesMax: 1500, segmentsKept: 2, pendingBytesMax: 1 << 24 };
    const opened = await orPowerLoss(mustOpen(options, { disk, clock, random, fatal }), disk, clock);
    if (opened !== undefined) {
      model.settleOn(opened.recovered);
      for (const step of life.steps) {
        if (disk.isDark) break;
        carryOut(opened.wal, model, step);
        if (step.kind === "pause") await clock.advance(random.integer(0, 4));
      }
      if (random.chance(0.5)) await clock.advance(20);
    }
    crashes += 1;
    isAlive = false;
    if (life.loses === "power") {
      disk.crash();
    } else {
      disk.killProcess();
    }
    await clock.advance(10);
  }
  return crashes;
}

function write(sizes: readonly number[], hasState: boolean, mustSync = true): Step {
  return { kind: "append", back: 0, sizes, hasState, mustSync };
}

const pause: Step = { kind: "pause" };

/** Runs that found a mistake. */
const regressions: [Life[], number][] = [
  // A process that was killed had made directories above the log without syncing their names.
  [
    [
      { steps: [pause], operations: 2, loses: "process" },
      { steps: [write([], true), pause], operations: 11, loses: "power" },
      { steps: [write([], false)], operations: 1, loses: "power" },
    ],
    0,
  ],
  // Two writes in one sector, neither synced: the later one was kept without the earlier one.
  [
    [
      {
        steps: [
          write([], true),
          pause,
          write([2], false),
          write([2, 18, 18], true),
          write([0], false),
          pause,
          write([794, 26], false),
          pause,
        ],
        operations: 17,
        loses: "power",
      },
      { steps: [pause, pause, write([10], false)], operations: 15, loses: "power" },
      { steps: [write([0], false, false), pause, write([], true, false)], operations: 8, loses: "power" },
      { steps: [write([], false)], operations: 1, loses: "power" },
    ],
    468128661,
  ],
];

describe("a log on a disk that loses power", () => {
  const anyLife: fc.Arbitrary<Life> = fc.record({
    steps: fc.array(anyStep, { minLength: 1, maxLength: 25 }),
    operations: fc.integer({ min: 1, max: 60 }),
    loses: fc.constantFrom("power" as const, "power" as const, "process" as const),
  });

  it("keeps every acknowledged entry, invents none, and brings none back, through crashes at any operation", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyLife, { minLength: 1, maxLength: 5 }), fc.integer(), async (lives, seed) => {
        await live(lives, seed);
      }),
      { numRuns: Number(process.env.CRASH_RUNS ?? 400), examples: regressions },
    );
  }, 300_000);

  it("survives a crash at each single operation of one history", async () => {
    const steps: Step[] = [];
    for (let round = 0; round < 6; round++) {
      steps.push({ kind: "append", back: round % 3, sizes: [300, 10, 200], hasState: true, mustSync: round % 4 !== 3 });
      steps.push({ kind: "pause" });
      if (round === 4) steps.push({ kind: "reset", ahead: -2, sizes: [300] }, { kind: "pause" }, { kind: "release" });
      if (round === 3) steps.push({ kind: "snapshot" }, { kind: "pause" }, { kind: "release" }, { kind: "pause" });
    }
    let crashes = 0;
    for (let operations = 1; operations <= 60; operations++) {
      for (let seed = 1; seed <= 8; seed++) {
        // The next start is cut off as well, a little further each time.
        const again: Life = { steps, operations: seed * 2, loses: "power" };
        crashes += await live([{ steps, operations, loses: "power" }, again], operations * 100 + seed);
      }
    }
    expect(crashes).toBe(60 * 8 * 3);
  }, 300_000);
});
