import { SimulatedRandom } from "@quorate/testkit";
import { describe, expect, it } from "vitest";
import type { FakeUnary } from "../support/fake-call.js";
import type { Harness } from "../support/harness.js";
import { harnesses } from "../support/harnesses.js";
import { decodeResponse } from "../support/method-codec.js";

const mustStart = harnesses();
const rounds = 12;

/** A put, what it wrote, and its call. */
type Written = { key: string; value: string; call: FakeUnary };

/** What clients have seen and what they have tried, over all lives of a member. */
class Ledger {
  readonly #tried = new Map<string, Set<string>>();
  /** By key, the last value acknowledged, with its revision. */
  readonly #acknowledged = new Map<string, { value: string; revision: bigint }>();

  tried({ key, value }: Written): void {
    const values = this.#tried.get(key) ?? new Set();
    values.add(value);
    this.#tried.set(key, values);
  }

  note({ key, value, call }: Written): void {
    if (call.status?.code !== 0) return;
    const { revision } = decodeResponse("KV/Put", call.message as Uint8Array).header as { revision: bigint };
    const known = this.#acknowledged.get(key);
    if (known === undefined || known.revision < revision) this.#acknowledged.set(key, { value, revision });
  }

  get highest(): bigint {
    return [...this.#acknowledged.values()].reduce((max, { revision }) => (revision > max ? revision : max), 1n);
  }

  async check(harness: Harness): Promise<void> {
    const { kvs, header } = await harness.must("KV/Range", { key: "\0", rangeEnd: "\0" });
    const found = new Map((kvs as readonly { key: string }[]).map((kv) => [kv.key, kv])) as Map<
      string,
      { key: string; value: string; modRevision: bigint }
    >;
    expect((header as { revision: bigint }).revision).toBeGreaterThanOrEqual(this.highest);
    for (const { key, value } of found.values()) expect(this.#tried.get(key)?.has(value)).toBe(true);
    for (const [key, { value, revision }] of this.#acknowledged) {
      const kv = found.get(key);
      expect(kv?.modRevision).toBeGreaterThanOrEqual(revision);
      if (kv?.modRevision === revision) expect(kv.value).toBe(value);
    }
  }
}

/** One life: writes, some of them many at once, until something ends it. */
async function live(harness: Harness, random: SimulatedRandom, ledger: Ledger, life: number): Promise<Written[]> {
  const written: Written[] = [];
  const losesPower = random.chance(0.5);
  if (losesPower) harness.disk.losePowerAt(harness.disk.operations + random.integer(1, 120));
  const steps = random.integer(5, 40);
  for (let step = 0; step < steps && !harness.disk.isDark; step++) {
    for (let burst = random.integer(0, 12); burst > 0; burst--) {
      const one = {
        key: `k${random.integer(0, 15)}`,
        value: `${life}.${written.length}.${"x".repeat(random.integer(0, 400))}`,
      };
      const call = harness.begin("KV/Put", one);
      written.push({ ...one, call });
      ledger.tried(written.at(-1) as Written);
    }
    await harness.advance(random.integer(0, 30));
    if (!harness.disk.isDark && random.chance(0.2)) harness.noteDatabase();
  }
  return written;
}

describe("a member that dies at any moment", () => {
  const seeds = [1, 2, 3, 4, 5, 6].map((i) => i * 1000 + Number(process.env.SEED ?? 0));
  it.each(seeds)("has every acknowledged write, and nothing that was never written (seed %i)", async (seed) => {
    const random = new SimulatedRandom(seed);
    const harness = await mustStart({
      seed,
      syncMs: () => random.integer(0, 25),
      options: { snapshotCount: 40, catchUpEntries: 10, segmentBytesMax: 8192, segmentsKept: 1 },
    });
    const ledger = new Ledger();
    for (let life = 0; life < rounds; life++) {
      const written = await live(harness, random, ledger, life);
      for (const one of written) ledger.note(one);
      await harness.crash(harness.disk.isDark || random.chance(0.5) ? "power" : "process");
      await harness.start();
      await ledger.check(harness);
    }
    expect(ledger.highest).toBeGreaterThan(100n);
  });
});
