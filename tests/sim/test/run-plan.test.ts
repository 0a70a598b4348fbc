import { describe, expect, it } from "vitest";
import { makePlan, type Plan, runPlan, search } from "../src/index.js";

/** Seeds of a search in `npm test`; more with SEEDS. */
const seeds = Number(process.env.SEEDS ?? 12);

describe("runPlan", () => {
  it("finds nothing wrong, in a world in which everything goes wrong", async () => {
    const isOver = (counts: { seeds: number }): boolean => counts.seeds >= seeds;
    const { counts, failed } = await search({ from: 1, isOver, hasMembershipChanges: true }, runPlan);
    expect(failed === undefined ? undefined : `seed ${failed.plan.seed}: ${failed.failure?.text}`).toBeUndefined();
    // A world in which nothing happens proves nothing.
    expect(counts.done).toBeGreaterThan(40 * seeds);
    expect(counts.revisions).toBeGreaterThan(20 * seeds);
    expect(counts.events).toBeGreaterThan(20 * seeds);
    expect(counts.elections).toBeGreaterThan(2 * seeds);
    expect(counts.crashes).toBeGreaterThan(seeds / 2);
    expect(counts.partitions).toBeGreaterThan(seeds / 2);
  });

  for (const seed of [3, 12, 2007]) {
    it(`lives the same life again, to the byte: seed ${seed}`, async () => {
      const lines: string[][] = [[], []];
      const plan = makePlan(seed, { hasMembershipChanges: true });
      const first = await runPlan(plan, (line) => lines[0]?.push(line));
      const second = await runPlan(plan, (line) => lines[1]?.push(line));
      expect(lines[1]).toEqual(lines[0]);
      expect(second).toEqual(first);
      const other = await runPlan({ ...plan, seed: seed + 1 });
      expect(other.traceHash).not.toBe(first.traceHash);
    });
  }

  it("loses nothing that was acknowledged when all machines lose their power at once, again and again", async () => {
    const crash = (member: number, atMs: number): Plan["steps"][number] => {
      return { atMs, who: "world", action: { kind: "crash", member, by: "power", downMs: 100 } };
    };
    const put = (key: number, atMs: number): Plan["steps"][number] => {
      return { atMs, who: "client", at: key, action: { kind: "put", key, bytes: 8, lease: undefined } };
    };
    const steps = [0, 3000, 6000].flatMap((fromMs) => [
      ...[0, 1, 2, 3, 4, 5].map((key) => put(key, fromMs + key * 40)),
      ...[0, 1, 2].map((member) => crash(member, fromMs + 300)),
    ]);
    const { setting } = makePlan(1);
    const plan: Plan = { seed: 9, setting: { ...setting, members: 3, syncMs: 20 }, faultsMs: 9000, steps };
    const { failure, counts } = await runPlan(plan);
    expect(failure).toBeUndefined();
    expect(counts.crashes).toBe(9);
    expect(counts.done).toBeGreaterThanOrEqual(6);
  });
});

describe("makePlan", () => {
  it("makes up the same run from the same seed, and another from another", () => {
    expect(makePlan(5)).toEqual(makePlan(5));
    expect(makePlan(5)).not.toEqual(makePlan(6));
  });

  it("makes up every kind of trouble and of request", () => {
    const kinds = new Set<string>();
    for (let seed = 1; seed <= 60; seed++) {
      for (const { action } of makePlan(seed, { hasMembershipChanges: true }).steps) kinds.add(action.kind);
    }
    expect([...kinds].sort()).toMatchInlineSnapshot(`
      [
        "add-member",
        "clock-jump",
        "compact",
        "crash",
        "crash-at-write",
        "cut",
        "defragment",
        "delete",
        "disk-error",
        "grant",
        "hash",
        "hunt-leaders",
        "keep-alive",
        "move-leader",
        "network",
        "note-database",
        "partition",
        "pause",
        "promote",
        "put",
        "range",
        "remove-member",
        "revoke",
        "slow-disk",
        "stop",
        "swap",
      ]
    `);
  });
});
