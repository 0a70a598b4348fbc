import { describe, expect, it } from "vitest";
import {
  clockConformance,
  diskConformance,
  randomConformance,
  SimulatedClock,
  SimulatedDisk,
  SimulatedRandom,
} from "../src/index.js";

function buildDisk(options: { seed?: number; capacityBytes?: number } = {}): {
  disk: SimulatedDisk;
  clock: SimulatedClock;
} {
  const clock = new SimulatedClock();
  const { seed = 1, capacityBytes } = options;
  return { disk: new SimulatedDisk({ capacityBytes }, { clock, random: new SimulatedRandom(seed) }), clock };
}

clockConformance("simulated", () => {
  const clock = new SimulatedClock();
  return { clock, advance: (ms) => clock.advance(ms) };
});
clockConformance("simulated, as a member with a slow quartz sees it", () => {
  const clock = new SimulatedClock();
  return { clock: clock.seenBy({ rate: 0.9 }), advance: (ms) => clock.advance(ms) };
});
randomConformance("simulated", () => new SimulatedRandom(1));
diskConformance("simulated", () => {
  const { disk, clock } = buildDisk();
  disk.makeDirectory("/data");
  return { disk, directory: "/data", settle: () => clock.advance(1) };
});

describe("SimulatedClock", () => {
  it("rings timers of one time in the order they were set, and runs promises in between", async () => {
    const clock = new SimulatedClock();
    const order: string[] = [];
    clock.after(1, () => {
      order.push("a");
      void Promise.resolve().then(() => order.push("a's promise"));
    });
    clock.after(1, () => order.push("b"));
    await clock.advance(1);
    expect(order).toEqual(["a", "a's promise", "b"]);
    expect(clock.monotonicMs()).toBe(1);
  });

  it("jumps its wall clock without touching durations", () => {
    const clock = new SimulatedClock({ wallMs: 1000 });
    clock.jumpWall(-400);
    expect([clock.wallMs(), clock.monotonicMs()]).toEqual([600, 0]);
  });

  it("ends a run that never ends", async () => {
    const clock = new SimulatedClock();
    const again = (): void => void clock.after(1, again);
    again();
    await expect(clock.runUntil(() => false, { stepsMax: 10 })).rejects.toThrow("within 10 timers");
    await expect(new SimulatedClock().runUntil(() => false)).rejects.toThrow("a timer left");
  });
});

describe("SimulatedRandom", () => {
  it("draws the same from the same seed, and other values from another", () => {
    const draw = (seed: number): number[] => {
      const random = new SimulatedRandom(seed);
      return Array.from({ length: 20 }, () => random.integer(0, 1_000_000));
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it("keeps a fork apart from its parent", () => {
    const parent = new SimulatedRandom(7);
    const fork = parent.fork();
    const next = parent.integer(0, 1_000_000);
    const other = new SimulatedRandom(7);
    const otherFork = other.fork();
    for (let turn = 0; turn < 5; turn++) otherFork.fraction();
    expect(other.integer(0, 1_000_000)).toBe(next);
    expect(fork.fraction()).not.toBe(otherFork.fraction());
  });
});

describe("SimulatedDisk", () => {
  /** Writes a safe byte and an unsafe sector and a half, crashes, and says what is left. */
  async function crashed(seed: number): Promise<number[]> {
    const { disk, clock } = buildDisk({ seed });
    disk.makeDirectory("/data");
    disk.syncDirectory("/");
    const file = disk.open("/data/file", "create");
    disk.syncDirectory("/data");
    file.write(0, [new Uint8Array(100).fill(1)]);
    file.sync(() => {});
    await clock.advance(1);
    file.write(100, [new Uint8Array(1000).fill(2)]);
    disk.crash();
    expect(() => file.size()).toThrow("EBADF");
    return [...disk.contents("/data/file")];
  }

  it("keeps what was synced, and loses, keeps or tears the rest", async () => {
    const shapes = new Set<string>();
    for (let seed = 1; seed <= 60; seed++) {
      const left = await crashed(seed);
      expect(left.slice(0, 100).every((byte) => byte === 1)).toBe(true);
      const rest = left.slice(100);
      expect(rest.every((byte) => byte === 0 || byte === 2)).toBe(true);
      const kept = rest.filter((byte) => byte === 2).length;
      if (kept === 0) shapes.add("lost");
      else if (kept === 1000) shapes.add("kept");
      else if (rest.includes(0)) shapes.add("later sector kept without the earlier one");
      else shapes.add("torn");
      expect(await crashed(seed)).toEqual(left);
    }
    expect([...shapes].sort()).toEqual(["kept", "later sector kept without the earlier one", "lost", "torn"]);
  });

  it("loses names that were not synced, but not those that were", () => {
    const found = new Set<string>();
    for (let seed = 1; seed <= 30; seed++) {
      const { disk } = buildDisk({ seed });
      disk.open("/safe", "create").close();
      disk.syncDirectory("/");
      disk.open("/new", "create").close();
      disk.rename("/safe", "/renamed");
      disk.crash();
      found.add(disk.list("/").join(" "));
    }
    expect([...found].sort()).toEqual(["new renamed", "new safe", "renamed", "safe"]);
  });

  it("covers by a sync what was written before it began, and nothing later", async () => {
    const { disk, clock } = buildDisk();
    const file = disk.open("/file", "create");
    disk.syncDirectory("/");
    let isDone = false;
    file.write(0, [new Uint8Array([1])]);
    file.sync(() => {
      isDone = true;
    });
    expect(isDone).toBe(false);
    file.write(1, [new Uint8Array([2])]);
    file.sync(() => {});
    await clock.step();
    expect(isDone).toBe(true);
    await clock.step();
    for (let crash = 0; crash < 5; crash++) disk.crash();
    expect([...disk.contents("/file")]).toEqual([1, 2]);
  });

  it("fails on demand, and when it is full", () => {
    const { disk } = buildDisk({ capacityBytes: 10 });
    const file = disk.open("/file", "create");
    file.write(0, [new Uint8Array(10)]);
    expect(() => file.write(5, [new Uint8Array(6)])).toThrow("ENOSPC");
    expect(() => file.allocate(11)).toThrow("ENOSPC");
    disk.failWhen((operation) => (operation.kind === "rename" ? "EIO" : undefined));
    expect(() => disk.rename("/file", "/other")).toThrow("EIO");
    expect(disk.list("/")).toEqual(["file"]);
  });

  it("tells through the callback when a sync fails, and makes nothing safe", async () => {
    const { disk, clock } = buildDisk();
    disk.failWhen((operation) => (operation.kind === "sync" ? "EIO" : undefined));
    const file = disk.open("/file", "create");
    let failure: Error | undefined;
    file.sync((failed) => {
      failure = failed;
    });
    await clock.advance(1);
    expect(failure).toMatchObject({ code: "EIO" });
  });

  it("goes dark at the operation it is told to, and calls nobody back", async () => {
    const { disk, clock } = buildDisk();
    const file = disk.open("/file", "create");
    let isDone = false;
    file.sync(() => {
      isDone = true;
    });
    disk.losePowerAt(disk.operations + 1);
    expect(() => file.write(0, [new Uint8Array(1)])).toThrow("power lost");
    expect(() => disk.exists("/file")).toThrow("no power");
    await clock.advance(10);
    expect(isDone).toBe(false);
    disk.crash();
    expect(disk.isDark).toBe(false);
    expect(disk.list("/").length).toBeLessThanOrEqual(1);
  });

  it("counts the bytes it was given to write, those that it refused not", () => {
    const { disk } = buildDisk({ capacityBytes: 10 });
    const file = disk.open("/file", "create");
    file.write(0, [new Uint8Array(3), new Uint8Array(4)]);
    file.write(0, [new Uint8Array(2)]);
    disk.failWhen(() => "EIO");
    expect(() => file.write(0, [new Uint8Array(5)])).toThrow("EIO");
    expect(disk.writtenBytes).toBe(9);
  });
});
