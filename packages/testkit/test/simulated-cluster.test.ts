import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MemberId } from "@quorate/common";
import { describe, expect, it } from "vitest";
import { type MemberWorld, SimulatedCluster, type SimulatedProcess } from "../src/index.js";

const [a, b] = [1n, 2n] as [MemberId, MemberId];

/** A process that counts on its disk, ticks, and tells its peer each count. */
class Counter implements SimulatedProcess {
  readonly world: MemberWorld;
  readonly heard: number[] = [];
  count = 0;
  /** Counts that the disk has promised to keep. */
  safe = 0;
  isAbandoned = false;

  constructor(world: MemberWorld) {
    this.world = world;
    const { disk, network, member } = world;
    if (!disk.exists("/count")) {
      disk.open("/count", "create");
      disk.syncDirectory("/");
    }
    this.count = disk.open("/count", "read").size();
    network.setPeers([{ member: member === a ? b : a, urls: [] }]);
    network.receive({
      message: (_, frame) => this.heard.push(frame[0] as number),
      linkLost: () => {},
      snapshot: () => undefined,
      answer: (_, question) => Promise.resolve(question),
    });
    this.#tick();
  }

  async stop(): Promise<void> {}

  async abandon(): Promise<void> {
    this.isAbandoned = true;
  }

  databaseMark(): { flushed: number; durable: number } {
    return { flushed: this.count, durable: 0 };
  }

  #tick(): void {
    const { clock, disk, network, member, directory } = this.world;
    clock.after(100, () => {
      const count = this.count + 1;
      const file = disk.open("/count", "write");
      file.write(this.count, [new Uint8Array([1])]);
      file.sync(() => {
        this.safe = count;
      });
      writeFileSync(join(directory, "db"), String(count));
      this.count = count;
      network.send(member === a ? b : a, [new Uint8Array([count])]);
      this.#tick();
    });
  }
}

async function started(seed = 1): Promise<SimulatedCluster<Counter>> {
  const cluster = new SimulatedCluster({ seed, createMember: async (world) => new Counter(world) });
  for (const member of [a, b]) {
    cluster.add(member);
    await cluster.start(member);
  }
  return cluster;
}

describe("SimulatedCluster", () => {
  it("runs members on one clock and one network", async () => {
    const cluster = await started();
    await cluster.advance(350);
    expect([cluster.get(a).count, cluster.get(b).heard]).toEqual([3, [1, 2, 3]]);
    await cluster.dispose();
  });

  it("pauses a member while the world goes on, and gives it everything at its waking", async () => {
    const cluster = await started();
    await cluster.advance(150);
    cluster.pause(b);
    await cluster.advance(500);
    expect([cluster.get(a).count, cluster.get(b).count, cluster.get(b).heard]).toEqual([6, 1, [1]]);
    cluster.wake(b);
    await cluster.advance(0);
    // One tick was due, not five: the timer is set again only when it has rung.
    expect([cluster.get(b).count, cluster.get(b).heard]).toEqual([2, [1, 2, 3, 4, 5, 6]]);
    await cluster.dispose();
  });

  it("forgets and tears what was not synced when the power goes, keeps what was, and starts again from there", async () => {
    const kept = new Set<string>();
    for (let seed = 1; seed <= 30; seed++) {
      const cluster = await started(seed);
      cluster.machine(a).syncMs = { min: 150, max: 150 };
      await cluster.advance(150);
      cluster.noteDatabase(a);
      await cluster.advance(200);
      const before = cluster.get(a);
      expect([before.count, before.safe]).toEqual([3, 2]);
      cluster.crash(a, "power");
      expect(cluster.running).toEqual([b]);
      await cluster.advance(1000);
      expect([before.count, before.isAbandoned]).toEqual([3, true]);
      await cluster.start(a);
      expect(cluster.get(a).count).toBeGreaterThanOrEqual(2);
      kept.add(`${cluster.get(a).count} ${readFileSync(join(cluster.machine(a).directory, "db")).toString()}`);
      await cluster.dispose();
    }
    expect([...kept].sort()).toEqual(["2 1", "2 3", "3 1", "3 3"]);
  });

  it("keeps everything when only the process is killed", async () => {
    const cluster = await started();
    cluster.machine(a).syncMs = { min: 500, max: 500 };
    await cluster.advance(250);
    cluster.crash(a, "process");
    await cluster.start(a);
    expect(cluster.get(a).count).toBe(2);
    await cluster.dispose();
  });

  it("takes the power away at an operation of the disk, and nothing the process does after that has an effect", async () => {
    const dark: MemberId[] = [];
    const cluster = new SimulatedCluster({
      seed: 1,
      createMember: async (world) => new Counter(world),
      onDark: (member) => dark.push(member),
    });
    for (const member of [a, b]) {
      cluster.add(member);
      await cluster.start(member);
    }
    cluster.crashAtOperation(a, 3);
    // The test's process does not catch what its disk throws; a member does, and calls `fatal`.
    await expect(cluster.advance(1000)).rejects.toThrow("power lost at operation");
    await cluster.advance(0);
    expect([dark, cluster.running]).toEqual([[a], [b]]);
    await cluster.start(a);
    expect(cluster.get(a).count).toBeLessThanOrEqual(2);
    await cluster.dispose();
  });

  it("replaces a machine by an empty one", async () => {
    const cluster = await started();
    await cluster.advance(250);
    cluster.crash(a, "process");
    cluster.wipe(a);
    await cluster.start(a);
    expect(cluster.get(a).count).toBe(0);
    await cluster.dispose();
  });

  it("lets clocks run fast, and jump where people look", async () => {
    const cluster = await started();
    cluster.crash(a, "process");
    await cluster.start(a, { clockFaults: { rate: 2, wallSkewMs: 5000 } });
    const { clock } = cluster.get(a).world;
    const startMs = clock.monotonicMs();
    const wallMs = clock.wallMs();
    await cluster.advance(100);
    expect([cluster.get(a).count, clock.monotonicMs() - startMs]).toEqual([2, 200]);
    cluster.machine(a).life?.jumpWall(-10_000);
    expect([clock.wallMs() - wallMs, clock.monotonicMs() - startMs]).toEqual([-9900, 200]);
    await cluster.dispose();
  });

  it("ends only the process of a member that was expected to fail", async () => {
    const cluster = new SimulatedCluster({
      seed: 1,
      createMember: async (world) => new Counter(world),
      onFatal: (member, error) => member === a && error.message === "expected",
    });
    for (const member of [a, b]) {
      cluster.add(member);
      await cluster.start(member);
    }
    const before = cluster.get(a);
    before.world.fatal(new Error("expected"));
    await cluster.advance(500);
    expect([cluster.running, before.count, before.isAbandoned]).toEqual([[b], 0, true]);
    expect(await cluster.start(a)).toBe(true);
    cluster.get(b).world.fatal(new Error("expected"));
    await expect(cluster.advance(1)).rejects.toThrow("expected");
    await cluster.dispose();
  });

  it("ends the run when a member cannot go on", async () => {
    const cluster = await started();
    cluster.get(a).world.fatal(new Error("broken"));
    await expect(cluster.advance(1)).rejects.toThrow("broken");
    await cluster.dispose();
  });
});
