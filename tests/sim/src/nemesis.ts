import type { MemberId } from "@quorate/common";
import { LeaderHunt } from "./leader-hunt.js";
import type { WorldAction } from "./plan.js";
import type { SimWorld } from "./sim-world.js";

/** Does to the members what the plan says, and in the end undoes it. */
export class Nemesis {
  readonly #world: SimWorld;
  readonly #downMs = new Map<MemberId, number>();
  #hunt: LeaderHunt | undefined;
  /** Members with a broken disk, and for how long they are down after that. */
  readonly #failing = new Map<MemberId, number>();
  #isOver = false;
  #cuts = 0;
  counts = { crashes: 0, pauses: 0, partitions: 0 };

  constructor(world: SimWorld) {
    this.#world = world;
    world.onDark = (member) => {
      this.counts.crashes += 1;
      this.#world.note(`${member} lost its power in the middle of a write`);
      this.#startLater(member, this.#downMs.get(member) ?? 0);
    };
    world.onFatal = (member, error) => {
      if (!this.#failing.has(member)) return false;
      this.counts.crashes += 1;
      this.#world.note(`${member} ends because of its disk: ${error.message}`);
      this.#repair(member);
      return true;
    };
  }

  run(action: WorldAction): void {
    if (this.#isOver) return;
    if (action.kind !== "note-database") this.#world.note(`world: ${JSON.stringify(action)}`);
    const { cluster } = this.#world;
    switch (action.kind) {
      case "crash":
        return this.#crash(this.#world.pick(action.member), action.by, action.downMs);
      case "crash-at-write": {
        const member = this.#world.pick(action.member);
        this.#downMs.set(member, action.downMs);
        if (cluster.machine(member).life !== undefined) cluster.crashAtOperation(member, action.operations);
        return;
      }
      case "disk-error": {
        const member = this.#world.pick(action.member);
        this.#failing.set(member, action.downMs);
        cluster.machine(member).disk.failWhen(({ kind }) => (kind === "sync" || kind === "write" ? "EIO" : undefined));
        return;
      }
      case "stop":
        return this.#stop(this.#world.pick(action.member), action.downMs);
      case "pause":
        return this.#pause(this.#world.pick(action.member), action.forMs);
      case "partition": {
        const members = cluster.members;
        this.#partition(
          members.filter((_, at) => ((action.sides >> at) & 1) === 1),
          action.forMs,
        );
        return;
      }
      case "cut":
        this.counts.partitions += 1;
        cluster.network.cut(this.#world.pick(action.from), this.#world.pick(action.to));
        this.#healLater(action.forMs);
        return;
      case "network":
        cluster.network.setFaults({
          dropChance: action.drop,
          repeatChance: action.repeat,
          delayMsMin: 1,
          delayMsMax: action.delayMsMax,
          lateChance: action.late,
          lateMs: 3000,
          breakChance: action.drop,
        });
        cluster.clock.after(action.forMs, () => cluster.network.setFaults(this.#world.goodNetwork));
        return;
      case "slow-disk": {
        const machine = cluster.machine(this.#world.pick(action.member));
        machine.syncMs = { min: 0, max: action.syncMs };
        cluster.clock.after(action.forMs, () => {
          machine.syncMs = { min: 0, max: this.#world.setting.syncMs };
        });
        return;
      }
      case "clock-jump":
        return cluster.machine(this.#world.pick(action.member)).life?.jumpWall(action.byMs);
      case "note-database":
        return cluster.noteDatabase(this.#world.pick(action.member));
      case "hunt-leaders":
        this.#hunt?.end();
        this.#hunt = new LeaderHunt(this.#world, action, (leader, by) => this.#strike(leader, by, action.downMs));
        return;
    }
  }

  /** The troubles are over: everybody runs, awake, on a good network and a fast disk. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#hunt?.end();
    const { cluster } = this.#world;
    cluster.network.heal();
    cluster.network.setFaults(this.#world.goodNetwork);
    for (const member of cluster.members) {
      const machine = cluster.machine(member);
      machine.syncMs = { min: 0, max: 0 };
      machine.disk.losePowerAt(Number.POSITIVE_INFINITY);
      machine.disk.failWhen(() => undefined);
      cluster.wake(member);
    }
    // Whoever is on its way down or up gets there first.
    await cluster.until(() => cluster.members.every((member) => this.#world.cluster.running.includes(member)));
  }

  #crash(member: MemberId, by: "process" | "power", downMs: number): void {
    const { cluster } = this.#world;
    if (cluster.machine(member).life === undefined) return;
    this.counts.crashes += 1;
    this.#world.crash(member, by);
    this.#startLater(member, downMs);
  }

  #stop(member: MemberId, downMs: number): void {
    const { cluster } = this.#world;
    const life = cluster.machine(member).life;
    if (cluster.find(member) === undefined || life?.isPaused === true) return;
    const isStill = (): boolean =>
      life !== undefined && this.#world.isThere(member) && cluster.machine(member).life === life;
    cluster.stop(member).then(
      (isStopped) => {
        if (!isStopped) return;
        this.#world.connectionsLost(member);
        this.#startLater(member, downMs);
      },
      (error: unknown) => {
        if (isStill()) throw error;
      },
    );
    // A member that cannot stop, alone in its part of the cluster, is killed in the end, as an init system does.
    cluster.clock.after(10_000, () => {
      if (isStill()) this.#crash(member, "process", downMs);
    });
  }

  #repair(member: MemberId): void {
    const downMs = this.#failing.get(member) ?? 0;
    this.#failing.delete(member);
    this.#world.cluster.machine(member).disk.failWhen(() => undefined);
    this.#startLater(member, downMs);
  }

  #startLater(member: MemberId, downMs: number): void {
    const { cluster } = this.#world;
    cluster.clock.after(Math.max(1, downMs), () => {
      if (!this.#world.isThere(member)) return;
      const machine = cluster.machine(member);
      if (machine.life !== undefined || machine.disk.isDark) return;
      this.#world.note(`${member} starts`);
      this.#world.start(member).catch((error: unknown) => {
        if (!this.#failing.has(member)) throw error;
        this.#world.note(`${member} does not come up because of its disk`);
        this.#repair(member);
      });
    });
  }

  #pause(member: MemberId, forMs: number): void {
    this.counts.pauses += 1;
    this.#world.cluster.pause(member);
    this.#world.cluster.clock.after(forMs, () => {
      if (this.#world.isThere(member)) this.#world.cluster.wake(member);
    });
  }

  #partition(side: readonly MemberId[], forMs: number): void {
    this.counts.partitions += 1;
    this.#world.cluster.network.partition([side]);
    this.#healLater(forMs);
  }

  /** Another cut meanwhile takes this one's place, and lasts as long as it is meant to. */
  #healLater(afterMs: number): void {
    const number = ++this.#cuts;
    const { network, clock } = this.#world.cluster;
    clock.after(afterMs, () => {
      if (number === this.#cuts) network.heal();
    });
  }

  #strike(leader: MemberId, by: "power" | "pause" | "partition", downMs: number): void {
    this.#world.note(`world: strikes the leader ${leader}`);
    if (by === "power") this.#crash(leader, "power", downMs);
    else if (by === "pause") this.#pause(leader, downMs);
    else this.#partition([leader], downMs);
  }
}
