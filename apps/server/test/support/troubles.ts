import type { MemberId } from "@quorate/common";
import type { SimulatedRandom } from "@quorate/testkit";
import type { ClusterHarness } from "./cluster-harness.js";

const chance = 0.05;

/** What goes wrong around a cluster: crashes, loss of power, pauses, cuts and a bad network, one at a time or several. */
export class Troubles {
  readonly #harness: ClusterHarness;
  readonly #random: SimulatedRandom;
  readonly #comingUp = new Set<MemberId>();

  constructor(harness: ClusterHarness, random: SimulatedRandom) {
    this.#harness = harness;
    this.#random = random;
  }

  /** Perhaps something goes wrong, or right again; perhaps who is down is started. */
  next(): void {
    if (this.#random.chance(chance)) this.#begin();
    if (this.#random.chance(chance)) this.#restart();
  }

  /** Everything is well again, and all members run and know a leader. */
  async end(): Promise<void> {
    const { cluster, founders } = this.#harness;
    cluster.network.heal();
    cluster.network.setFaults({ dropChance: 0, repeatChance: 0, delayMsMin: 1, delayMsMax: 1 });
    for (const id of founders) cluster.wake(id);
    await cluster.until(() => {
      this.#restart();
      return this.#comingUp.size === 0 && founders.every((id) => cluster.find(id) !== undefined);
    });
    await cluster.until(() => founders.every((id) => this.#harness.member(id).front.state.leader !== undefined));
  }

  #begin(): void {
    const { cluster, founders } = this.#harness;
    const random = this.#random;
    const member = random.pick(founders);
    switch (random.integer(0, 8)) {
      case 0:
        if (cluster.find(member) !== undefined) cluster.crash(member, random.pick(["process", "power"]));
        return;
      case 1:
        return cluster.network.partition([[member]]);
      case 2:
        return cluster.network.cut(member, random.pick(founders));
      case 3:
        return cluster.pause(member);
      case 4:
        return cluster.network.setFaults({ dropChance: 0.1, repeatChance: 0.2, delayMsMin: 1, delayMsMax: 80 });
      case 5:
        return cluster.network.setFaults({ dropChance: 0, repeatChance: 0, delayMsMin: 1, delayMsMax: 3 });
      case 6:
        for (const id of founders) cluster.wake(id);
        return;
      default:
        return cluster.network.heal();
    }
  }

  #restart(): void {
    const { cluster, founders } = this.#harness;
    for (const id of founders) {
      const { life, disk } = cluster.machine(id);
      if (life !== undefined || disk.isDark || this.#comingUp.has(id)) continue;
      this.#comingUp.add(id);
      void cluster.start(id).finally(() => this.#comingUp.delete(id));
    }
  }
}
