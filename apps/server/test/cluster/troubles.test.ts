import type { MemberId } from "@quorate/common";
import { SimulatedRandom } from "@quorate/testkit";
import { describe, expect, it } from "vitest";
import type { ClusterHarness } from "../support/cluster-harness.js";
import { clusters } from "../support/clusters.js";
import type { FakeUnary } from "../support/fake-call.js";
import { answerOf, decodeResponse, encodeRequest, pathOf } from "../support/method-codec.js";
import type { PlainMessage } from "../support/plain.js";

const mustStart = clusters();
const keys = ["a", "b", "c"];

/** What is known of a call that has ended: when it was under way, and which revision of the key it made or saw. */
type Done = Readonly<{
  key: string;
  kind: "put" | "get";
  startMs: number;
  endMs: number;
  revision: number;
  value: string;
}>;
type Open = { readonly call: FakeUnary; readonly key: string; readonly value: string | undefined; startMs: number };

/** Clients that put and get, and a note of all that they were told. */
class Load {
  readonly done: Done[] = [];
  readonly #harness: ClusterHarness;
  readonly #random: SimulatedRandom;
  #open: Open[] = [];
  #values = 0;

  constructor(harness: ClusterHarness, random: SimulatedRandom) {
    this.#harness = harness;
    this.#random = random;
  }

  /** Calls of which nothing is known yet. */
  get waiting(): number {
    return this.#open.length;
  }

  begin(): void {
    const { running } = this.#harness.cluster;
    if (running.length === 0) return;
    const at = this.#random.pick(running);
    const key = this.#random.pick(keys);
    const value = this.#random.chance(0.5) ? `v${this.#values++}` : undefined;
    const call =
      value === undefined
        ? this.#harness.begin(at, "KV/Range", { key })
        : this.#harness.begin(at, "KV/Put", { key, value });
    this.#open.push({ call, key, value, startMs: this.#harness.cluster.clock.monotonicMs() });
  }

  /** Takes in what has been answered. A refusal says nothing of what happened. */
  collect(): void {
    const endMs = this.#harness.cluster.clock.monotonicMs();
    for (const { call, key, value, startMs } of this.#open.filter(({ call }) => call.isOver)) {
      const answer = answerOf(value === undefined ? "KV/Range" : "KV/Put", call);
      if ("error" in answer) continue;
      const [kv] = (answer.ok.kvs ?? []) as readonly PlainMessage[];
      const header = answer.ok.header as PlainMessage;
      const seen =
        value === undefined
          ? { kind: "get" as const, revision: Number(kv?.modRevision ?? 0), value: String(kv?.value ?? "") }
          : { kind: "put" as const, revision: Number(header.revision), value };
      this.done.push({ key, startMs, endMs, ...seen });
    }
    this.#open = this.#open.filter(({ call }) => !call.isOver);
  }
}

/** Real-time order: what begins after another has ended sees no less. A put sees only what is strictly older than itself. */
function checkOrder(done: readonly Done[]): void {
  for (const key of keys) {
    const calls = done.filter((one) => one.key === key).sort((a, b) => a.startMs - b.startMs);
    const ends = [...calls].sort((a, b) => a.endMs - b.endMs);
    let at = 0;
    let newest = 0;
    for (const call of calls) {
      for (; at < ends.length && (ends[at] as Done).endMs < call.startMs; at++) {
        newest = Math.max(newest, (ends[at] as Done).revision);
      }
      expect(call.revision, `${call.kind} of ${key} at ${call.startMs}`).toBeGreaterThanOrEqual(newest);
      if (call.kind === "put") expect(call.revision).toBeGreaterThan(newest);
    }
  }
}

/** Every put in the history of the store, once, with the revision and value that its client was told; and so for what was read. */
async function checkHistory(harness: ClusterHarness, done: readonly Done[]): Promise<void> {
  const [at] = harness.founders as [MemberId];
  const watch = harness.stream(at, pathOf("Watch/Watch"));
  const value = { key: "\0", rangeEnd: "\0", startRevision: 2n };
  watch.receive(encodeRequest("Watch/Watch", { requestUnion: { kind: "createRequest", value } }));
  await harness.cluster.advance(2000);
  const events = watch.take().flatMap((message) => decodeResponse("Watch/Watch", message).events as PlainMessage[]);
  const kvs = events.map(({ kv }) => kv as PlainMessage);
  expect(new Set(kvs.map((kv) => kv.value)).size, "each put is carried out at most once").toBe(kvs.length);
  const byRevision = new Map(kvs.map((kv) => [Number(kv.modRevision), kv]));
  for (const { key, revision, value: told } of done) {
    if (revision > 0) expect(byRevision.get(revision)).toMatchObject({ key, value: told });
  }
}

/** One random trouble, or its end. */
function trouble(harness: ClusterHarness, random: SimulatedRandom): void {
  const { cluster, founders } = harness;
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

const isOver = (harness: ClusterHarness): boolean =>
  harness.founders.every((id) => harness.cluster.machine(id).life !== undefined);

async function runTroubles(seed: number, steps: number): Promise<void> {
  const random = new SimulatedRandom(seed);
  const harness = await mustStart({ seed, options: { snapshotCount: 60, catchUpEntries: 20 } });
  const load = new Load(harness, random);
  const { cluster, founders } = harness;
  const comingUp = new Map<MemberId, Promise<unknown>>();
  const restart = (): void => {
    for (const id of founders) {
      const machine = cluster.machine(id);
      if (machine.life !== undefined || machine.disk.isDark || comingUp.has(id)) continue;
      comingUp.set(
        id,
        cluster.start(id).finally(() => comingUp.delete(id)),
      );
    }
  };
  for (let step = 0; step < steps; step++) {
    for (let i = random.integer(0, 4); i > 0; i--) load.begin();
    if (random.chance(0.05)) trouble(harness, random);
    if (random.chance(0.05)) restart();
    await cluster.advance(random.integer(1, 60));
    load.collect();
  }
  cluster.network.heal();
  cluster.network.setFaults({ dropChance: 0, repeatChance: 0, delayMsMin: 1, delayMsMax: 1 });
  for (const id of founders) cluster.wake(id);
  await cluster.until(() => {
    restart();
    return isOver(harness) && comingUp.size === 0;
  });
  await cluster.until(() => founders.every((id) => harness.member(id).front.state.leader !== undefined));
  await cluster.advance(10_000);
  load.collect();
  expect(load.done.length).toBeGreaterThan(steps / 4);
  checkOrder(load.done);
  await harness.level();
  await checkHistory(harness, load.done);
  const hashes = founders.map((id) => harness.begin(id, "Maintenance/HashKV", {}));
  await cluster.until(() => hashes.every((call) => call.isOver));
  const values = hashes.map((call) => (answerOf("Maintenance/HashKV", call) as { ok: PlainMessage }).ok.hash);
  expect(new Set(values).size).toBe(1);
}

const runs = Number(process.env.CLUSTER_RUNS ?? 2);
const first = Number(process.env.CLUSTER_SEED ?? 1);

describe("a cluster in trouble", () => {
  for (let seed = first; seed < first + runs; seed++) {
    it(`tells clients nothing that is not so (seed ${seed})`, () => runTroubles(seed, 600), 60_000);
  }
});
