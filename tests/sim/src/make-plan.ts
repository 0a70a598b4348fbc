import { SimulatedRandom } from "@quorate/testkit";
import type { ClientAction, Plan, Setting, Step, WorldAction } from "./plan.js";

/** What a search may switch off. */
export type PlanOptions = Readonly<{ faultsMs?: number | undefined; hasMembershipChanges?: boolean | undefined }>;

const keyCount = 8;
const leaseCount = 6;

/** Chances of what happens in one run, drawn for each run anew: a run with few kinds of trouble finds other bugs than one with all. */
type Mood = Readonly<{
  operationsPerSecond: number;
  faultsPerSecond: number;
  faults: readonly WorldAction["kind"][];
  actions: readonly ClientAction["kind"][];
}>;

const faultKinds: readonly WorldAction["kind"][] = [
  "crash",
  "crash-at-write",
  "disk-error",
  "stop",
  "pause",
  "partition",
  "cut",
  "network",
  "slow-disk",
  "clock-jump",
  "hunt-leaders",
];
const commonActions: readonly ClientAction["kind"][] = [
  "put",
  "put",
  "put",
  "swap",
  "swap",
  "range",
  "range",
  "range",
  "delete",
];
const rareActions: readonly ClientAction["kind"][] = [
  "grant",
  "keep-alive",
  "keep-alive",
  "revoke",
  "compact",
  "hash",
  "defragment",
  "move-leader",
];
const memberActions: readonly ClientAction["kind"][] = ["add-member", "promote", "promote", "remove-member"];

/** Makes up a run. The same seed and options make up the same one. */
export function makePlan(seed: number, options: PlanOptions = {}): Plan {
  const random = new SimulatedRandom(seed);
  const isHunt = random.chance(0.25);
  const setting = isHunt ? { ...makeSetting(random), ...huntSetting(random) } : makeSetting(random);
  const faultsMs = options.faultsMs ?? 15_000;
  const mood = isHunt ? huntMood : makeMood(random, options.hasMembershipChanges ?? false);
  const steps: Step[] = [];
  let nextGrant = 0;
  for (let atMs = 0; atMs < faultsMs; atMs += wait(random, mood.operationsPerSecond)) {
    const kind = random.pick(random.chance(0.8) ? commonActions : mood.actions);
    const action = makeAction(kind, random, nextGrant);
    if (kind === "grant") nextGrant += 1;
    steps.push({ atMs, who: "client", at: random.integer(0, 59), action });
  }
  if (isHunt) steps.push({ atMs: 0, who: "world", action: longHunt(random) });
  for (let atMs = 0; atMs < faultsMs; atMs += wait(random, mood.faultsPerSecond)) {
    steps.push({ atMs, who: "world", action: makeFault(random.pick(mood.faults), random) });
  }
  for (let atMs = 500; atMs < faultsMs; atMs += 1500) {
    const action: WorldAction = { kind: "note-database", member: random.integer(0, 59) };
    steps.push({ atMs, who: "world", action });
  }
  steps.sort((a, b) => a.atMs - b.atMs);
  return { seed, setting, faultsMs, steps };
}

function wait(random: SimulatedRandom, perSecond: number): number {
  return 1 + Math.round((-Math.log(1 - random.fraction()) * 1000) / perSecond);
}

function makeSetting(random: SimulatedRandom): Setting {
  return {
    members: random.pick([3, 3, 3, 5]),
    snapshotCount: random.pick([10, 40, 200, 10_000]),
    catchUpEntries: random.pick([3, 30, 5000]),
    messageBytesMax: random.pick([0, 300, 1_048_576]),
    driftMax: random.pick([0, 0.001, 0.02]),
    watchers: random.integer(1, 3),
    delayMsMax: random.pick([1, 1, 5, 40]),
    syncMs: random.pick([0, 1, 5, 20]),
  };
}

/**
 * A world made for figure 8 of the Raft paper: leaders fall just after their election, again and again, while entries travel one by one. What is left of
 * their entries is spread unevenly, and who leads next has entries of older terms to deal with.
 */
const huntMood: Mood = { operationsPerSecond: 20, faultsPerSecond: 0.1, faults: ["network"], actions: ["put"] };

function longHunt(random: SimulatedRandom): WorldAction {
  const by = random.pick(["partition", "partition", "any"] as const);
  return { kind: "hunt-leaders", withinMs: 400, strikes: 100, by, downMs: 4000 };
}

function huntSetting(random: SimulatedRandom): Partial<Setting> {
  return {
    members: 3,
    messageBytesMax: 0,
    delayMsMax: random.pick([10, 40]),
    snapshotCount: 10_000,
    syncMs: random.pick([0, 5]),
  };
}

function makeMood(random: SimulatedRandom, hasMembershipChanges: boolean): Mood {
  const faults = faultKinds.filter(() => random.chance(0.5));
  const extra = hasMembershipChanges && random.chance(0.5) ? memberActions : [];
  return {
    operationsPerSecond: random.pick([3, 8, 20]),
    faultsPerSecond: random.pick([0.3, 0.8, 2]),
    faults: faults.length > 0 ? faults : ["crash"],
    actions: [...rareActions.filter(() => random.chance(0.7)), ...extra, "range"],
  };
}

function makeAction(kind: ClientAction["kind"], random: SimulatedRandom, grants: number): ClientAction {
  const key = random.integer(0, keyCount - 1);
  const lease = Math.max(0, grants - 1 - random.integer(0, leaseCount - 1));
  const bytes = random.pick([8, 8, 8, 200]);
  switch (kind) {
    case "put":
      return { kind, key, bytes, lease: random.chance(0.3) && grants > 0 ? lease : undefined };
    case "delete":
      return { kind, key, keys: random.pick([1, 1, 1, 3]) };
    case "range":
      return {
        kind,
        key,
        keys: random.pick([1, 1, keyCount]),
        isSerializable: random.chance(0.25),
        revisionsBack: random.chance(0.15) ? random.integer(1, 10) : 0,
      };
    case "swap":
      return {
        kind,
        key,
        other: random.integer(0, keyCount - 1),
        bytes,
        guard: random.pick(["mod", "version", "value"]),
      };
    case "grant":
      return { kind, lease: grants, ttlSeconds: random.integer(2, 6) };
    case "keep-alive":
    case "revoke":
      return { kind, lease };
    case "compact":
      return { kind, revisionsBack: random.integer(0, 30) };
    case "move-leader":
      return { kind, to: random.integer(0, 59) };
    case "remove-member":
      return { kind, member: random.integer(0, 59) };
    case "add-member":
      return { kind, isLearner: random.chance(0.8) };
    case "hash":
    case "defragment":
    case "promote":
      return { kind };
  }
}

function makeFault(kind: WorldAction["kind"], random: SimulatedRandom): WorldAction {
  const member = random.integer(0, 59);
  const forMs = random.pick([100, 500, 1500, 4000]);
  const downMs = random.pick([0, 200, 1000, 3000]);
  switch (kind) {
    case "crash":
      return { kind, member, by: random.pick(["process", "power"]), downMs };
    case "crash-at-write":
      return { kind, member, operations: random.integer(1, 40), downMs };
    case "stop":
    case "disk-error":
      return { kind, member, downMs };
    case "pause":
      return { kind, member, forMs };
    case "partition":
      return { kind, sides: random.integer(1, 30), forMs };
    case "cut":
      return { kind, from: member, to: random.integer(0, 59), forMs };
    case "network":
      return {
        kind,
        drop: random.pick([0, 0.05, 0.3]),
        repeat: random.pick([0, 0.1]),
        delayMsMax: random.pick([2, 20, 200]),
        late: random.pick([0, 0.02]),
        forMs,
      };
    case "slow-disk":
      return { kind, member, syncMs: random.pick([5, 50, 400]), forMs };
    case "clock-jump":
      return { kind, member, byMs: random.pick([-3_600_000, -1000, 1000, 3_600_000]) };
    case "note-database":
      return { kind, member };
    case "hunt-leaders":
      return {
        kind,
        withinMs: random.pick([20, 200, 600]),
        strikes: random.integer(1, 10),
        by: random.pick(["power", "pause", "partition", "partition", "any"]),
        downMs: random.pick([1500, 4000]),
      };
  }
}
