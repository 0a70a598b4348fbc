import type { MemberId } from "@quorate/common";
import { calmNetwork } from "@quorate/testkit";
import type { WorldAction } from "./plan.js";
import type { SimWorld } from "./sim-world.js";

type Hunt = Extract<WorldAction, { kind: "hunt-leaders" }>;

type Hunting = { readonly action: Hunt; strikesLeft: number; struckTerm: number };

/** Does to the members what the plan says, and in the end undoes it. */
export class Nemesis {
  readonly #world: SimWorld;
  readonly #downMs = new Map<MemberId, number>();
  #hunt: Hunting | undefined;
  #isOver = false;
  counts = { crashes: 0, pauses: 0, partitions: 0 };

  constructor(world: SimWorld) {
    this.#world = world;
    world.onDark = (member) => {
      this.counts.crashes += 1;
      this.#world.note(`${member} lost its power in the middle of a write`);
      this.#startLater(member, this.#downMs.get(member) ?? 0);
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
        cluster.clock.after(action.forMs, () => cluster.network.heal());
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
        cluster.clock.after(action.forMs, () => cluster.network.setFaults(calmNetwork));
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
        this.#hunt = { action, strikesLeft: action.strikes, struckTerm: 0 };
        return this.#lookForPrey(this.#hunt);
    }
  }

  /** The troubles are over: everybody runs, awake, on a good network and a fast disk. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#hunt = undefined;
    const { cluster } = this.#world;
    cluster.network.heal();
    cluster.network.setFaults(calmNetwork);
    for (const member of cluster.members) {
      const machine = cluster.machine(member);
      machine.syncMs = { min: 0, max: 0 };
      machine.disk.losePowerAt(Number.POSITIVE_INFINITY);
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
    const isStill = (): boolean => cluster.machine(member).life === life && life !== undefined;
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

  #startLater(member: MemberId, downMs: number): void {
    const { cluster } = this.#world;
    cluster.clock.after(Math.max(1, downMs), () => {
      const machine = cluster.machine(member);
      if (machine.life !== undefined || machine.disk.isDark) return;
      this.#world.note(`${member} starts`);
      void this.#world.start(member);
    });
  }

  #pause(member: MemberId, forMs: number): void {
    this.counts.pauses += 1;
    this.#world.cluster.pause(member);
    this.#world.cluster.clock.after(forMs, () => this.#world.cluster.wake(member));
  }

  #partition(side: readonly MemberId[], forMs: number): void {
    this.counts.partitions += 1;
    const { network, clock } = this.#world.cluster;
    network.partition([side]);
    clock.after(forMs, () => network.heal());
  }

  /** Looks again and again for a leader of a new term. */
  #lookForPrey(hunt: Hunting): void {
    if (this.#hunt !== hunt || hunt.strikesLeft <= 0) return;
    const { cluster } = this.#world;
    cluster.clock.after(5, () => {
      const leader = this.#world.leader();
      const term = leader === undefined ? 0 : cluster.get(leader).member.core.facts().term;
      if (leader !== undefined && term > hunt.struckTerm && this.#hunt === hunt) {
        hunt.struckTerm = term;
        hunt.strikesLeft -= 1;
        const afterMs = this.#world.random.fraction() * hunt.action.withinMs;
        cluster.clock.after(afterMs, () => this.#strike(leader, hunt.action));
      }
      this.#lookForPrey(hunt);
    });
  }

  #strike(leader: MemberId, { by, downMs }: Hunt): void {
    if (this.#isOver) return;
    this.#world.note(`world: strikes the leader ${leader}`);
    if (by === "power") this.#crash(leader, "power", downMs);
    else if (by === "pause") this.#pause(leader, downMs);
    else this.#partition([leader], downMs);
  }
}
