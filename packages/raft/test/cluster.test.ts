import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SimCluster, type Trouble } from "./cluster/sim-cluster.js";

const calm: Trouble = { drop: 0.02, repeat: 0.02, crash: 0, partition: 0, campaign: 0, confChange: 0 };
const worlds: Readonly<Record<string, Trouble>> = {
  "a network that loses, repeats and reorders": { ...calm, drop: 0.15, repeat: 0.1 },
  "partitions in one or both directions": { ...calm, partition: 0.01 },
  "crashes that lose and tear unsynced writes": { ...calm, crash: 0.01 },
  "elections all the time": { ...calm, crash: 0.01, campaign: 0.008 },
  "changes of the members": { ...calm, campaign: 0.002, confChange: 0.6 },
  "everything at once": { drop: 0.05, repeat: 0.05, crash: 0.006, partition: 0.006, campaign: 0.005, confChange: 0.4 },
};

const runs = Number(process.env.RAFT_RUNS ?? 25);
const steps = Number(process.env.RAFT_STEPS ?? 3000);

/**
 * Runs a cluster of one seed through its troubles and heals it. Every promise of safety is checked on the way.
 * @returns also whether it came to agreement again.
 */
function live(seed: number, trouble: Trouble): { cluster: SimCluster; hasRecovered: boolean } {
  const cluster = new SimCluster(seed, trouble);
  for (let i = 0; i < steps; i++) {
    cluster.step();
    if (i % 100 === 0) cluster.checkLogs();
  }
  cluster.checkLogs();
  const leader = cluster.heal();
  if (leader !== undefined) cluster.proposeAndSettle(leader);
  cluster.checkLogs();
  return { cluster, hasRecovered: leader !== undefined };
}

describe("a cluster keeps Raft's promises (Raft paper, figure 3; thesis, sections 4 and 6.4)", () => {
  for (const [name, trouble] of Object.entries(worlds)) {
    it(`through ${name}`, { timeout: 600_000 }, () => {
      const total = { lives: 0, recovered: 0, elections: 0, reads: 0, committed: 0 };
      fc.assert(
        fc.property(fc.integer(), (seed) => {
          const { cluster, hasRecovered } = live(seed, trouble);
          total.lives++;
          total.recovered += hasRecovered ? 1 : 0;
          total.elections += cluster.checks.elections;
          total.reads += cluster.checks.readsAnswered;
          total.committed += cluster.checks.highestCommit;
          // A leader that was demoted and fell with entries that nobody else has can leave a voter that needs its vote and does not
          // get it: see the limits in README.md. That is rare, and costs availability, not safety.
          if (trouble.confChange === 0 && !hasRecovered) throw new Error(`no agreement:\n${cluster.describe()}`);
        }),
        { numRuns: runs },
      );
      // A world in which nothing happens proves nothing.
      expect(total.recovered / total.lives).toBeGreaterThan(0.9);
      expect(total.elections / total.lives).toBeGreaterThan(1);
      expect(total.reads / total.lives).toBeGreaterThan(3);
      expect(total.committed / total.lives).toBeGreaterThan(8);
    });
  }

  it("lives the same life again from the same seed", () => {
    const trouble = worlds["everything at once"] as Trouble;
    const describeLife = (): string => live(20_261_122, trouble).cluster.describe();
    expect(describeLife()).toBe(describeLife());
  });
});
