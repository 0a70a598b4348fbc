import type { LogIndex, Term } from "@quorate/common";
import type { Entry } from "@quorate/raft";
import { describe, expect, it } from "vitest";
import { ApplyQueue } from "../../src/core/apply-queue.js";

function buildEntries(from: number, count: number): Entry[] {
  return Array.from({ length: count }, (_, i) => ({
    index: (from + i) as LogIndex,
    term: 1 as Term,
    kind: "normal" as const,
    data: new Uint8Array(0),
  }));
}

function buildQueue(options: { costMs?: number } = {}) {
  let nowMs = 0;
  const turns: (() => void)[] = [];
  const waiting: (() => void)[] = [];
  const applied: number[] = [];
  const runs: number[] = [];
  const world = { room: Number.POSITIVE_INFINITY };
  const queue = new ApplyQueue(
    {
      apply: (entry) => {
        applied.push(entry.index);
        world.room--;
        nowMs += options.costMs ?? 0;
      },
      hasRoom: () => world.room > 0,
      onRoom: (run) => waiting.push(run),
      applied: (entry) => runs.push(entry.index),
    },
    {
      clock: { monotonicMs: () => nowMs, wallMs: () => nowMs, after: () => ({ cancel: () => {} }) },
      turn: (run) => turns.push(run),
    },
  );
  return { queue, turns, waiting, applied, runs, world };
}

describe("ApplyQueue", () => {
  it("applies a run at once and tells its end once", () => {
    const { queue, applied, runs } = buildQueue();
    queue.push(buildEntries(1, 100));
    expect(applied).toHaveLength(100);
    expect(runs).toEqual([100]);
    expect(queue.backlog).toBe(0);
  });

  it("lets others have the thread behind a slow run, and keeps the order", () => {
    const { queue, turns, applied, runs } = buildQueue({ costMs: 1 });
    queue.push(buildEntries(1, 200));
    expect(applied).toHaveLength(64);
    queue.push(buildEntries(201, 10));
    expect(applied).toHaveLength(64);
    while (turns.length > 0) turns.shift()?.();
    expect(applied).toEqual(buildEntries(1, 210).map((entry) => entry.index));
    expect(runs.at(-1)).toBe(210);
    expect(queue.backlog).toBe(0);
  });

  it("waits while the store's head is full", () => {
    const { queue, waiting, applied, world } = buildQueue();
    world.room = 3;
    queue.push(buildEntries(1, 5));
    expect(applied).toEqual([1, 2, 3]);
    expect(queue.backlog).toBe(2);
    world.room = 10;
    waiting.shift()?.();
    expect(applied).toEqual([1, 2, 3, 4, 5]);
  });

  it("applies nothing after it was stopped", () => {
    const { queue, waiting, applied, world } = buildQueue();
    world.room = 1;
    queue.push(buildEntries(1, 2));
    queue.stop();
    world.room = 10;
    waiting.shift()?.();
    expect(applied).toEqual([1]);
  });
});
