import type { LeaseId, MemberId } from "@quorate/common";
import { SimulatedRandom } from "@quorate/testkit";
import { describe, expect, it } from "vitest";
import type { ClusterHarness } from "../support/cluster-harness.js";
import { clusters } from "../support/clusters.js";
import type { FakeStream, FakeUnary } from "../support/fake-call.js";
import { answerOf, decodeResponse, encodeRequest, pathOf } from "../support/method-codec.js";
import type { PlainMessage } from "../support/plain.js";
import { Troubles } from "../support/troubles.js";

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

async function runTroubles(seed: number, steps: number): Promise<void> {
  const random = new SimulatedRandom(seed);
  const harness = await mustStart({ seed, options: { snapshotCount: 60, catchUpEntries: 20 } });
  const load = new Load(harness, random);
  const troubles = new Troubles(harness, random);
  const { cluster, founders } = harness;
  for (let step = 0; step < steps; step++) {
    for (let i = random.integer(0, 4); i > 0; i--) load.begin();
    troubles.next();
    await cluster.advance(random.integer(1, 60));
    load.collect();
  }
  await troubles.end();
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

/** A lease as its client knows it. */
type Held = { readonly id: bigint; readonly ttlSeconds: number; grantedIndex: number; untilMs: number };

/** Leases whose clients renew them now and then, and what they were promised. */
class LeaseLoad {
  readonly #harness: ClusterHarness;
  readonly #random: SimulatedRandom;
  readonly #held: Held[] = [];
  #grants: { readonly held: Held; readonly at: MemberId; readonly call: FakeUnary; readonly startMs: number }[] = [];
  #renewals: { readonly held: Held; readonly call: FakeStream; readonly startMs: number }[] = [];
  #ids = 0n;
  renewed = 0;

  constructor(harness: ClusterHarness, random: SimulatedRandom) {
    this.#harness = harness;
    this.#random = random;
  }

  /** Those that are not known to be over. */
  get held(): readonly Held[] {
    return this.#held;
  }

  begin(): void {
    const { running, clock } = this.#harness.cluster;
    if (running.length === 0) return;
    const at = this.#random.pick(running);
    const startMs = clock.monotonicMs();
    if (this.#held.length + this.#grants.length < 5) {
      const held: Held = { id: ++this.#ids, ttlSeconds: this.#random.integer(2, 6), grantedIndex: 0, untilMs: 0 };
      const call = this.#harness.begin(at, "Lease/LeaseGrant", { ID: held.id, TTL: BigInt(held.ttlSeconds) });
      this.#grants.push({ held, at, call, startMs });
    } else if (this.#held.length > 0) {
      const held = this.#random.pick(this.#held);
      this.#harness.cluster.enter(at, () => {
        const call = this.#harness.stream(at, pathOf("Lease/LeaseKeepAlive"));
        call.receive(encodeRequest("Lease/LeaseKeepAlive", { ID: held.id }));
        this.#renewals.push({ held, call, startMs });
      });
    }
  }

  /** Takes in what was promised. A client counts from the moment at which it asked. */
  collect(): void {
    const { cluster } = this.#harness;
    for (const { held, at, call, startMs } of this.#grants.filter(({ call }) => call.isOver)) {
      if (call.status?.code !== 0) continue;
      held.grantedIndex = cluster.find(at)?.member.core.facts().applied ?? Number.POSITIVE_INFINITY;
      held.untilMs = startMs + held.ttlSeconds * 1000;
      if (held.grantedIndex < Number.POSITIVE_INFINITY) this.#held.push(held);
    }
    this.#grants = this.#grants.filter(({ call }) => !call.isOver);
    for (const { held, call, startMs } of this.#renewals) {
      for (const message of call.take()) {
        const { TTL } = decodeResponse("Lease/LeaseKeepAlive", message);
        held.untilMs = Math.max(held.untilMs, startMs + Number(TTL) * 1000);
        if (Number(TTL) > 0) this.renewed++;
      }
    }
    this.#renewals = this.#renewals.filter(({ call }) => !call.isOver && call.sentMessages === 0);
  }

  /** No lease that was granted is gone at any member before the time that its client was promised. */
  check(): void {
    const { cluster } = this.#harness;
    const nowMs = cluster.clock.monotonicMs();
    for (const held of [...this.#held]) {
      const isGone = cluster.running.some((id) => {
        const { core, state } = this.#harness.member(id);
        return core.facts().applied >= held.grantedIndex && !state.lessor.has(held.id as LeaseId);
      });
      if (!isGone) continue;
      expect(nowMs, `lease ${held.id} ended before its time`).toBeGreaterThanOrEqual(held.untilMs);
      this.#held.splice(this.#held.indexOf(held), 1);
    }
  }
}

async function runLeases(seed: number, steps: number): Promise<void> {
  const random = new SimulatedRandom(seed);
  const harness = await mustStart({ seed });
  const load = new LeaseLoad(harness, random);
  const troubles = new Troubles(harness, random);
  for (let step = 0; step < steps; step++) {
    if (random.chance(0.3)) load.begin();
    troubles.next();
    await harness.cluster.advance(random.integer(1, 100));
    load.collect();
    load.check();
  }
  expect(load.renewed).toBeGreaterThan(5);
  await troubles.end();
  for (let seconds = 0; seconds < 20; seconds++) {
    await harness.cluster.advance(1000);
    load.collect();
    load.check();
  }
  expect(load.held).toEqual([]);
}

const runs = Number(process.env.CLUSTER_RUNS ?? 2);
const first = Number(process.env.CLUSTER_SEED ?? 1);

describe("a cluster in trouble", () => {
  for (let seed = first; seed < first + runs; seed++) {
    it(`tells clients nothing that is not so (seed ${seed})`, () => runTroubles(seed, 600), 60_000);
    it(`ends no lease before its time, and every lease in the end (seed ${seed})`, () => runLeases(seed, 800), 60_000);
  }
});
