import { type History, type HistoryRevision, type KeyRequest, KeySpace, type Operation } from "../../src/index.js";
import type { SimulatedRandom } from "../../src/index.js";

type Begun = { id: number; beganAt: number; request: KeyRequest; isSerializable: boolean; doneAt: number | undefined };

const keys = ["a", "b", "c", "d"];

/**
 * A history that a correct store could have: clients overlap, answers get lost, leases end. Each request takes effect at one moment between its
 * beginning and its end, or, when its answer is lost, at any time after its beginning or never.
 */
export function randomHistory(random: SimulatedRandom, steps = 120): History {
  const space = new KeySpace();
  const states: KeySpace[] = [space.copy()];
  const revisions: HistoryRevision[] = [];
  const operations: Operation[] = [];
  const open: Begun[] = [];
  const answers = new Map<number, Operation["outcome"]>();
  const lost = new Set<number>();
  let revision = 1;
  let now = 0;
  const make = (events: HistoryRevision["events"]): void => {
    if (events.length === 0) return;
    revision += 1;
    revisions.push({ revision, events });
    for (const event of events) space.apply(event, revision);
    states.push(space.copy());
  };
  const takeEffect = (begun: Begun): void => {
    const back = begun.isSerializable ? random.integer(0, Math.min(3, revision - 1)) : 0;
    const seen = begun.isSerializable ? (states[revision - 1 - back] as KeySpace) : space;
    const { events, result } = seen.evaluate(begun.request, revision + 1);
    make(events);
    begun.doneAt = now;
    answers.set(begun.id, { kind: "done", endedAt: 0, revision: revision - back, result });
  };
  const end = (begun: Begun): void => {
    open.splice(open.indexOf(begun), 1);
    const answer = answers.get(begun.id);
    const isLost = answer === undefined || lost.has(begun.id);
    const outcome = isLost ? { kind: "unknown" as const } : { ...answer, endedAt: now };
    const { id, beganAt, request, isSerializable } = begun;
    operations.push({ id, beganAt, request, isSerializable, outcome });
  };
  for (let id = 1; id <= steps; id++) {
    now += 1;
    const request = randomRequest(random, id);
    const isSerializable = request.kind === "range" && random.chance(0.3);
    open.push({ id, beganAt: now, request, isSerializable, doneAt: undefined });
    if (random.chance(0.15)) lost.add(id);
    for (let turn = random.integer(0, 3); turn > 0 && open.length > 0; turn--) {
      now += 1;
      const begun = random.pick(open);
      if (begun.doneAt === undefined) takeEffect(begun);
      else end(begun);
    }
    if (random.chance(0.03)) make(space.evaluate({ kind: "revoke", lease: 7n }, revision + 1).events);
  }
  for (const begun of [...open]) end(begun);
  return { operations, revisions };
}

function randomRequest(random: SimulatedRandom, id: number): KeyRequest {
  const key = random.pick(keys);
  const put: KeyRequest = { kind: "put", key, value: `v${id}`, lease: random.chance(0.3) ? 7n : 0n };
  const kind = random.pick(["put", "put", "range", "range", "span", "delete", "wipe", "txn", "revoke"] as const);
  switch (kind) {
    case "put":
      return put;
    case "range":
      return { kind: "range", key };
    case "span":
      return { kind: "range", key: "a", end: "d" };
    case "delete":
      return { kind: "delete", key };
    case "wipe":
      return { kind: "delete", key: "b", end: "d" };
    case "revoke":
      return { kind: "revoke", lease: 7n };
    case "txn": {
      const guard = { key, relation: "less", target: { kind: "version", number: 2 } } as const;
      const last: KeyRequest = random.chance(0.5) ? { kind: "delete", key } : { kind: "range", key };
      return {
        kind: "txn",
        guards: [guard],
        success: [{ kind: "range", key }, put, { kind: "range", key }],
        failure: [last],
      };
    }
  }
}
