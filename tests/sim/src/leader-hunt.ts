import type { MemberId } from "@quorate/common";
import type { WorldAction } from "./plan.js";
import type { SimWorld } from "./sim-world.js";

type HuntAction = Extract<WorldAction, { kind: "hunt-leaders" }>;

const lookMs = 2;

/**
 * Follows the leaders of a cluster. Each is struck once: a little after its election, or the moment it has committed something, before anybody else can
 * know of it.
 */
export class LeaderHunt {
  readonly #world: SimWorld;
  readonly #action: HuntAction;
  readonly #strike: (leader: MemberId, by: "power" | "pause" | "partition") => void;
  #strikesLeft: number;
  #prey: { leader: MemberId; term: number; commit: number; strikesAtMs: number } | undefined;
  #isOver = false;

  constructor(
    world: SimWorld,
    action: HuntAction,
    strike: (leader: MemberId, by: "power" | "pause" | "partition") => void,
  ) {
    this.#world = world;
    this.#action = action;
    this.#strike = strike;
    this.#strikesLeft = action.strikes;
    this.#look();
  }

  end(): void {
    this.#isOver = true;
  }

  #look(): void {
    if (this.#isOver || this.#strikesLeft <= 0) return;
    const leader = this.#world.leader();
    if (leader !== undefined) this.#follow(leader);
    this.#world.cluster.clock.after(lookMs, () => this.#look());
  }

  #follow(leader: MemberId): void {
    const { term, commit } = this.#world.cluster.get(leader).member.core.facts();
    if (term > (this.#prey?.term ?? 0)) {
      const { random } = this.#world;
      const afterMs = random.fraction() * random.pick([0.01, 0.1, 1]) * this.#action.withinMs;
      const waitsForCommit = random.chance(0.5);
      const strikesAtMs = waitsForCommit ? Number.POSITIVE_INFINITY : this.#world.nowMs() + afterMs;
      this.#prey = { leader, term, commit, strikesAtMs };
    }
    const prey = this.#prey;
    if (prey === undefined || prey.leader !== leader || prey.strikesAtMs === Number.NEGATIVE_INFINITY) return;
    const hasCommitted = prey.strikesAtMs === Number.POSITIVE_INFINITY && commit > prey.commit;
    if (!hasCommitted && this.#world.nowMs() < prey.strikesAtMs) return;
    prey.strikesAtMs = Number.NEGATIVE_INFINITY; // once
    this.#strikesLeft -= 1;
    const { by } = this.#action;
    this.#strike(leader, by === "any" ? this.#world.random.pick(["power", "pause", "partition"] as const) : by);
  }
}
