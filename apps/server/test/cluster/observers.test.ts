import { type Logger, type MemberId, silentLogger } from "@quorate/common";
import { describe, expect, it } from "vitest";
import type { CoreObserver } from "../../src/core/core-options.js";
import type { ClusterHarness } from "../support/cluster-harness.js";
import { clusters } from "../support/clusters.js";

const mustStart = clusters();

/** A cluster that notes what its members count and write to their logs. */
async function observed() {
  const counts = new Map<
    MemberId,
    { changes: string[]; lateHeartbeats: number; slowReads: number; failedReads: number }
  >();
  const lines = new Map<MemberId, string[]>();
  const countsOf = (id: MemberId) => {
    const known = counts.get(id) ?? { changes: [], lateHeartbeats: 0, slowReads: 0, failedReads: 0 };
    counts.set(id, known);
    return known;
  };
  const linesOf = (id: MemberId): string[] => {
    const known = lines.get(id) ?? [];
    lines.set(id, known);
    return known;
  };
  const observe = (id: MemberId): Partial<CoreObserver> => ({
    leaderChanged: ({ isLeader, hasLeader, isNew }) => {
      countsOf(id).changes.push(`${isLeader ? "leads" : hasLeader ? "follows" : "none"}${isNew ? " new" : ""}`);
    },
    heartbeatLate: () => countsOf(id).lateHeartbeats++,
    readIndexSlow: () => countsOf(id).slowReads++,
    readIndexFailed: () => countsOf(id).failedReads++,
  });
  const note = (id: MemberId) => (message: string) => linesOf(id).push(message);
  const logger = (id: MemberId): Logger => ({ ...silentLogger, info: note(id), warn: note(id) });
  const harness = await mustStart({ observe, logger });
  return { harness, countsOf, linesOf };
}

const others = (harness: ClusterHarness, member: MemberId): MemberId[] =>
  harness.cluster.running.filter((id) => id !== member);

const elections = /^(elected|lost|changed) leader$/;

describe("a change of the leader", () => {
  it("is counted and written to the log at every member: found, lost, found again", async () => {
    const { harness, countsOf, linesOf } = await observed();
    const old = await harness.led();
    harness.cluster.crash(old, "process");
    const [one, two] = others(harness, old) as [MemberId, MemberId];
    await harness.cluster.until(() =>
      [one, two].every((id) => linesOf(id).filter((line) => elections.test(line)).length === 3),
    );
    for (const id of [one, two]) {
      expect(linesOf(id).filter((line) => elections.test(line))).toEqual([
        ...["elected leader", "lost leader", "elected leader"],
      ]);
      expect(countsOf(id).changes.filter((change) => change.endsWith("new"))).toHaveLength(2);
      expect(countsOf(id).changes.at(-1)).toBe(id === harness.leader ? "leads new" : "follows new");
    }
  });

  it("that a stopping leader orders is written to its log; and that a follower has none to order", async () => {
    const { harness, linesOf } = await observed();
    const old = await harness.led();
    await harness.cluster.finished(harness.cluster.stop(old));
    expect(linesOf(old)).toContain("leadership transfer starting");
    expect(linesOf(old)).toContain("leadership transfer finished");
    const [one] = others(harness, old) as [MemberId];
    await harness.cluster.finished(
      harness.cluster.stop(harness.leader === one ? (others(harness, one)[0] as MemberId) : one),
    );
    const stopped = harness.founders.filter((id) => id !== old && !harness.cluster.running.includes(id)) as [MemberId];
    expect(linesOf(stopped[0])).toContain("skipped leadership transfer; local server is not leader");
  });
});

describe("a leader", () => {
  it("that stood still is noticed by its late heartbeats", async () => {
    const { harness, countsOf, linesOf } = await observed();
    const leader = await harness.led();
    await harness.cluster.advance(2000);
    expect(countsOf(leader).lateHeartbeats).toBe(0);
    harness.cluster.pause(leader);
    await harness.cluster.advance(500);
    harness.cluster.wake(leader);
    await harness.cluster.advance(200);
    expect(countsOf(leader).lateHeartbeats).toBe(2);
    expect(linesOf(leader).some((line) => line.startsWith("leader failed to send out heartbeat on time"))).toBe(true);
  });
});

describe("a read index", () => {
  it("is counted as slow when it comes too late, and as failed when the leader changes", async () => {
    const { harness, countsOf } = await observed();
    const leader = await harness.led();
    const [follower] = others(harness, leader) as [MemberId];
    harness.cluster.network.cut(follower, leader);
    const late = harness.begin(follower, "KV/Range", { key: "a" });
    await harness.cluster.until(() => late.isOver);
    expect(countsOf(follower)).toMatchObject({ slowReads: 1, failedReads: 0 });
    harness.cluster.network.heal();
    harness.cluster.crash(leader, "process");
    const failed = harness.begin(follower, "KV/Range", { key: "a" });
    await harness.cluster.until(() => failed.isOver);
    expect(countsOf(follower)).toMatchObject({ slowReads: 1, failedReads: 1 });
  });
});
