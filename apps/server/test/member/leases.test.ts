import { SimulatedRandom } from "@quorate/testkit";
import { describe, expect, it } from "vitest";
import { EntryField } from "../../src/core/entry-codec.js";
import type { FakeStream } from "../support/fake-call.js";
import type { Harness } from "../support/harness.js";
import { harnesses } from "../support/harnesses.js";
import { decodeResponse, encodeRequest, pathOf } from "../support/method-codec.js";
import type { PlainMessage } from "../support/plain.js";

const mustStart = harnesses();
const everything = { key: "\0", rangeEnd: "\0" };

function openWatch(harness: Harness): FakeStream {
  const watch = harness.stream(pathOf("Watch/Watch"));
  const createRequest = { kind: "createRequest", value: everything };
  watch.receive(encodeRequest("Watch/Watch", { requestUnion: createRequest }));
  return watch;
}

const keyOf = (i: number): string => `k${String(i).padStart(4, "0")}`;

/** What a watch was sent since the last time, as "key@revision" of each event. */
function eventsOf(watch: FakeStream): string[] {
  return watch.take().flatMap((message) => {
    const events = decodeResponse("Watch/Watch", message).events as readonly { type: number; kv: PlainMessage }[];
    return events.filter(({ type }) => type === 1).map(({ kv }) => `${kv.key}@${kv.modRevision}`);
  });
}

async function timeToLive(harness: Harness, ID: bigint): Promise<number> {
  return Number((await harness.must("Lease/LeaseTimeToLive", { ID })).TTL);
}

function keepAlive(harness: Harness, ID: bigint): FakeStream {
  const call = harness.stream(pathOf("Lease/LeaseKeepAlive"));
  call.receive(encodeRequest("Lease/LeaseKeepAlive", { ID }));
  return call;
}

const ttlsOf = (call: FakeStream): unknown[] =>
  call.take().map((message) => decodeResponse("Lease/LeaseKeepAlive", message).TTL);

describe("expiry", () => {
  it("never comes early and soon after the deadline, however slow the disk and whatever the wall clock does", async () => {
    const random = new SimulatedRandom(1);
    const harness = await mustStart({ syncMs: () => random.integer(1, 40) });
    const watch = openWatch(harness);
    const deadlines = new Map<string, number>();
    for (let i = 0; i < 30; i++) {
      const seconds = random.integer(5, 12);
      await harness.must("Lease/LeaseGrant", { ID: BigInt(i + 1), TTL: BigInt(seconds) });
      deadlines.set(`k${i}`, harness.clock.monotonicMs() + seconds * 1000);
      await harness.must("KV/Put", { key: `k${i}`, lease: BigInt(i + 1) });
      await harness.advance(random.integer(0, 60));
    }
    harness.clock.jumpWall(1_000_000_000);
    for (let step = 0; deadlines.size > 0 && step < 400; step++) {
      await harness.advance(50);
      const nowMs = harness.clock.monotonicMs();
      for (const event of eventsOf(watch)) {
        const key = event.slice(0, event.indexOf("@"));
        const lateMs = nowMs - (deadlines.get(key) ?? Number.NaN);
        expect(lateMs).toBeGreaterThanOrEqual(0);
        expect(lateMs).toBeLessThanOrEqual(650); // a look each half second, the disk, and this loop's own step
        deadlines.delete(key);
      }
    }
    expect([...deadlines.keys()]).toEqual([]);
  });

  it("of ten thousand leases at once takes few entries, and a revision for each lease with keys", {
    timeout: 30_000,
  }, async () => {
    const entries = { work: 0, revoked: 0 };
    let expired = 0;
    const harness = await mustStart({
      observe: {
        applied: (field) => {
          if (field === EntryField.leaseWork) entries.work += 1;
          if (field === EntryField.leaseRevoke) entries.revoked += 1;
        },
        leasesExpired: (count) => {
          expired += count;
        },
      },
    });
    const calls = Array.from({ length: 10_000 }, (_, i) =>
      harness.begin("Lease/LeaseGrant", { ID: BigInt(i + 1), TTL: 5n }),
    );
    await harness.settle();
    const puts = Array.from({ length: 3000 }, (_, i) =>
      harness.begin("KV/Put", { key: keyOf(i), lease: BigInt((i % 1500) + 1) }),
    );
    await harness.settle();
    expect([...calls, ...puts].filter(({ status }) => status?.code !== 0)).toEqual([]);
    const watch = openWatch(harness);
    const before = Number((await harness.status()).header?.revision);
    await harness.advance(4900);
    expect(entries.work).toBe(0);
    expect(eventsOf(watch)).toEqual([]);
    await harness.advance(12_000);
    expect(await harness.must("Lease/LeaseLeases", {})).toMatchObject({ leases: [] });
    expect({ ...entries, expired }).toEqual({ work: 20, revoked: 0, expired: 10_000 }); // 500 in each
    expect(Number((await harness.status()).header?.revision)).toBe(before + 1500);
    // Which leases go first is open where they are due together; the two keys of each go together, the revisions without a gap.
    const events = eventsOf(watch);
    expect(new Set(events.map((event) => event.split("@")[0])).size).toBe(3000);
    for (let i = 0; i < 1500; i++) {
      const revision = before + 1 + i;
      const lease = Number(events[2 * i]?.slice(1).split("@")[0]);
      expect(events.slice(2 * i, 2 * i + 2)).toEqual([
        `${keyOf(lease)}@${revision}`,
        `${keyOf(lease + 1500)}@${revision}`,
      ]);
    }
  });
});

describe("the time a lease has left", () => {
  it("survives an orderly restart to the second", async () => {
    const harness = await mustStart();
    await harness.must("Lease/LeaseGrant", { ID: 1n, TTL: 100n });
    await harness.must("Lease/LeaseGrant", { ID: 2n, TTL: 3600n });
    await harness.advance(60_000);
    await harness.stop();
    await harness.advance(500_000); // while it is down no time passes for its leases
    await harness.start();
    // A second more: an election timeout, in which an earlier leader might have renewed them.
    expect([await timeToLive(harness, 1n), await timeToLive(harness, 2n)]).toEqual([41, 3541]);
  });

  it.each(["process", "power"] as const)("survives an end by %s but for five minutes", async (end) => {
    const harness = await mustStart();
    await harness.must("Lease/LeaseGrant", { ID: 1n, TTL: 3600n });
    await harness.must("Lease/LeaseGrant", { ID: 2n, TTL: 200n }); // too short to be written down
    await harness.advance(100_000);
    expect(ttlsOf(await renewed(harness, 2n))).toEqual([200n]);
    await harness.advance(150_000);
    expect(ttlsOf(await renewed(harness, 2n))).toEqual([200n]);
    await harness.advance(600_000 - 250_000 + 150_000);
    await harness.must("Lease/LeaseGrant", { ID: 3n, TTL: 200n });
    await harness.advance(100_000);
    await harness.crash(end);
    await harness.start();
    const left = 3600 - 850;
    const restored = await timeToLive(harness, 1n);
    expect(restored).toBeGreaterThanOrEqual(left);
    expect(restored).toBeLessThanOrEqual(left + 301);
    expect([await timeToLive(harness, 2n), await timeToLive(harness, 3n)]).toEqual([-1, 201]);
  });

  it("is whole again after a renewal that was answered, also when the member dies at once", async () => {
    const harness = await mustStart({ syncMs: () => 20 });
    await harness.must("Lease/LeaseGrant", { ID: 1n, TTL: 3600n });
    await harness.advance(1_000_000);
    await harness.crash("process");
    await harness.start();
    expect(await timeToLive(harness, 1n)).toBeLessThan(3600 - 600);
    const call = keepAlive(harness, 1n);
    await harness.advance(15);
    expect(ttlsOf(call)).toEqual([]); // what was written down of its time is not cleared yet
    await harness.advance(30);
    expect(ttlsOf(call)).toEqual([3600n]);
    await harness.crash("power");
    await harness.start();
    expect(await timeToLive(harness, 1n)).toBeGreaterThanOrEqual(3600);
  });
});

describe("LeaseKeepAlive", () => {
  it("answers for an overdue lease only once it has ended, with TTL 0", async () => {
    const harness = await mustStart({ syncMs: () => 30 });
    await harness.must("Lease/LeaseGrant", { ID: 1n, TTL: 2n });
    await harness.must("KV/Put", { key: "a", lease: 1n });
    const watch = openWatch(harness);
    const overdueAtMs = harness.clock.monotonicMs() + 2000;
    while ((await timeToLive(harness, 1n)) !== 0 || harness.clock.monotonicMs() < overdueAtMs) await harness.advance(5);
    const call = keepAlive(harness, 1n);
    await harness.settle();
    expect([ttlsOf(call), eventsOf(watch)]).toEqual([[], []]);
    for (let step = 0; call.sentMessages === 0 && step < 120; step++) await harness.advance(5);
    expect([ttlsOf(call), eventsOf(watch)]).toEqual([[0n], ["a@3"]]);
  });

  it("answers in order, also what comes in one piece, and ends after its client has", async () => {
    const harness = await mustStart();
    await harness.must("Lease/LeaseGrant", { ID: 1n, TTL: 10n });
    const call = harness.stream(pathOf("Lease/LeaseKeepAlive"));
    for (let i = 0; i < 2000; i++) call.receive(encodeRequest("Lease/LeaseKeepAlive", { ID: i % 3 === 0 ? 1n : 99n }));
    call.halfClose();
    await harness.settle();
    expect(ttlsOf(call)).toEqual(Array.from({ length: 2000 }, (_, i) => (i % 3 === 0 ? 10n : 0n)));
    expect([call.status, call.isPaused]).toEqual([{ code: 0, message: "" }, false]);
  });
});

describe("a stream of keep-alives", () => {
  it("answers a thousand that have waited for one, without a step of the stack for each", async () => {
    const harness = await mustStart({ syncMs: () => 20 });
    await harness.must("Lease/LeaseGrant", { ID: 1n, TTL: 3600n });
    await harness.advance(400_000); // its time is written down, so that the first renewal has to wait
    const call = harness.stream(pathOf("Lease/LeaseKeepAlive"));
    let sent = 0;
    for (; !call.isPaused && sent < 5000; sent++) call.receive(encodeRequest("Lease/LeaseKeepAlive", { ID: 1n }));
    expect([sent, ttlsOf(call)]).toEqual([1001, []]);
    call.halfClose();
    await harness.advance(50);
    expect(ttlsOf(call)).toEqual(Array.from({ length: sent }, () => 3600n));
    expect(call.status).toEqual({ code: 0, message: "" });
  });

  it("is forgotten however it ends", async () => {
    const harness = await mustStart();
    const open = () => harness.stream(pathOf("Lease/LeaseKeepAlive"));
    const [halfClosed, canceled, malformed] = [open(), open(), open()];
    expect(harness.member.front.openStreams).toBe(3);
    halfClosed.halfClose();
    canceled.cancel();
    malformed.receive(new Uint8Array([0xff]));
    await harness.settle();
    expect(harness.member.front.openStreams).toBe(0);
  });
});

async function renewed(harness: Harness, ID: bigint): Promise<FakeStream> {
  const call = keepAlive(harness, ID);
  await harness.settle();
  return call;
}
