import type { MemberId, Meter, MetricDefinition, MetricLabels } from "@quorate/common";
import { describe, expect, it } from "vitest";
import { peerListenerLimits } from "../../src/index.js";
import { backoffMs } from "../../src/peers/backoff.js";
import { realClock } from "../support/ports.js";
import { introduce, startPeer, startRelay, type TestPeer, until, untilLinked } from "./support.js";

const two = 2n as MemberId;
const three = 3n as MemberId;
const quickPings = { keepAliveIntervalMs: 20, keepAliveTimeoutMs: 100 };
const pingable = { limits: { ...peerListenerLimits, keepAliveMinPingMs: 1 } };

/** One that is reached through a relay, and one directly. */
async function startThree(limits: Parameters<typeof startPeer>[1] = {}) {
  const a = await startPeer(1, limits);
  const b = await startPeer(2, { listener: pingable });
  const c = await startPeer(3, { listener: pingable });
  const relay = await startRelay(b.port);
  a.network.setPeers([
    { member: two, urls: [relay.url] },
    { member: three, urls: [c.url] },
  ]);
  await Promise.all([untilLinked(a, b), untilLinked(a, c)]);
  return { a, b, c, relay };
}

async function expectFine(a: TestPeer, c: TestPeer): Promise<void> {
  const before = c.messages.length;
  expect(a.network.send(three, [Buffer.from("x")])).toBe(true);
  await until(() => c.messages.length > before);
  expect(a.lost).not.toContain(three);
}

describe("a peer in trouble", () => {
  it("that falls silent is cut off, costs the others nothing, and is found again", async () => {
    const { a, b, c, relay } = await startThree({ limits: quickPings });
    relay.stall();
    await until(() => a.lost.includes(two));
    expect(a.network.status(two)).toMatchObject({ isConnected: false, activeSinceMs: undefined });
    await expectFine(a, c);
    relay.resume();
    await untilLinked(a, b);
  });

  it("that takes nothing fills its queue up to the bound, and no further", async () => {
    const bounds = { queueBytesMax: 3_000_000, unsentBytesMax: 100_000, batchBytesMax: 50_000 };
    const { a, c, relay } = await startThree({ limits: bounds });
    relay.stall();
    const shared = Buffer.alloc(20_000);
    let refusals = 0;
    // What the system buffers comes on top: turns of the event loop until the queue stays full.
    await until(() => {
      for (let count = 0; count < 50; count++) if (!a.network.send(two, [shared])) refusals++;
      expect(a.network.stats().queuedBytes).toBeLessThanOrEqual(bounds.queueBytesMax);
      return refusals > 1000;
    });
    await until(() => a.lost.includes(two)); // its messages were dropped: whoever sends has to know
    expect(a.network.status(two)?.isConnected).toBe(true);
    await expectFine(a, c);
    expect(
      a.lines.some(({ message }) => message === "dropped internal Raft message since sending buffer is full"),
    ).toBe(true);
  });

  it("has a bound on the number of messages, too", async () => {
    const { a } = await startThree({ limits: { queueMessagesMax: 10 } });
    const sent = Array.from({ length: 12 }, () => a.network.send(two, [Buffer.from("x")]));
    expect(sent).toEqual([...new Array<boolean>(10).fill(true), false, false]);
  });

  it("that is slow to take what is large still gets what is urgent", async () => {
    const { a, b, relay } = await startThree();
    relay.stallAfter(2_000_000);
    for (let count = 0; count < 60; count++) a.network.send(two, [Buffer.alloc(1_000_000)]);
    for (let turn = 0; turn < 20; turn++) {
      expect(a.network.send(two, [Buffer.from(`tick ${turn}`)], "urgent")).toBe(true);
      await until(() => b.messages.includes(`1:tick ${turn}`));
    }
    expect(b.messages.length).toBeLessThan(40);
    relay.resume();
    await until(() => b.messages.length === 80);
    expect(a.lost).toEqual([]);
  });

  it("whose bytes are changed on the way is cut off before a wrong message is handed on", async () => {
    const { a, b, relay } = await startThree();
    relay.corrupt((bytes) => {
      if (bytes.length > 5000) bytes[4000] = (bytes[4000] as number) ^ 1;
      return bytes;
    });
    a.network.send(two, [Buffer.alloc(10_000, "a")]);
    await until(() => a.lost.includes(two));
    expect(b.messages).toEqual([]);
    relay.corrupt(undefined);
    await untilLinked(a, b);
  });

  it("takes a message of many megabytes, and refuses one above the bound", async () => {
    const { a, b } = await startThree({ limits: { messageBytesMax: 20_000_000 } });
    expect(a.network.send(two, [Buffer.alloc(20_000_001)])).toBe(false);
    expect(a.network.send(two, [Buffer.alloc(10_000_000, "a"), Buffer.alloc(10_000_000, "b")])).toBe(true);
    await until(() => b.messages.length === 1);
    expect(b.messages[0]?.length).toBe(20_000_002);
  });
});

describe("backoffMs", () => {
  it("doubles up to a bound, and leaves half to chance", () => {
    const bounds = { reconnectMinMs: 100, reconnectMaxMs: 2000 };
    const longest = { integer: (_: number, max: number) => max, bytes: () => new Uint8Array(0) };
    const shortest = { ...longest, integer: (min: number) => min };
    const rounds = [0, 1, 2, 3, 4, 5, 1000];
    expect(rounds.map((round) => backoffMs(round, bounds, longest))).toEqual([100, 200, 400, 800, 1600, 2000, 2000]);
    expect(rounds.map((round) => backoffMs(round, bounds, shortest))).toEqual([50, 100, 200, 400, 800, 1000, 1000]);
  });
});

describe("what is known of a peer", () => {
  it("has a round trip and the difference of the clocks, and a line when that is large", async () => {
    const ahead = { ...realClock, wallMs: () => realClock.wallMs() + 60_000 };
    const [a, b] = [await startPeer(1), await startPeer(2, { clock: ahead })];
    introduce(a, b);
    await until(() => a.network.status(two)?.clockDifferenceMs !== undefined);
    const status = a.network.status(two);
    expect(status?.roundTripMs).toBeGreaterThan(0);
    expect(status?.activeSinceMs).toBeGreaterThan(0);
    expect(Math.round((status?.clockDifferenceMs ?? 0) / 10_000)).toBe(6);
    const line = a.lines.find(({ message }) => message === "prober found high clock drift");
    expect(line?.fields).toMatchObject({ "round-tripper-name": "ROUND_TRIPPER_RAFT_MESSAGE", "remote-peer-id": "2" });
  });

  it("is counted", async () => {
    const counts = new Map<string, number>();
    const add =
      ({ name }: MetricDefinition) =>
      (value: number, labels?: MetricLabels) => {
        const key = `${name} ${JSON.stringify(labels)}`;
        counts.set(key, (counts.get(key) ?? 0) + value);
      };
    const meter: Meter = {
      counter: (definition) => ({ add: add(definition) }),
      gauge: (definition) => ({ set: add(definition) }),
      histogram: (definition) => ({ record: (_, labels) => add(definition)(1, labels) }),
    };
    const [a, b] = [await startPeer(1, { meter }), await startPeer(2)];
    introduce(a, b);
    await Promise.all([untilLinked(a, b), untilLinked(b, a)]);
    a.network.send(two, [Buffer.alloc(100)]);
    b.network.send(a.id, [Buffer.alloc(30)]);
    await until(() => b.messages.length + a.messages.length === 2 && a.network.status(two)?.roundTripMs !== undefined);
    expect(counts.get('transport.peer.sent {"To":"2"}')).toBe(108);
    expect(counts.get('transport.peer.received {"From":"2"}')).toBe(38);
    expect(counts.get('transport.peer.round_trip {"To":"2"}')).toBe(1);
    expect(counts.get('transport.peer.active {"Local":"1","Remote":"2"}')).toBe(1);
    await b.stop();
    await until(() => a.lost.length > 0);
    expect(counts.get('transport.peer.disconnected {"Local":"1","Remote":"2"}')).toBe(1);
    expect(counts.get('transport.peer.send_failures {"To":"2"}')).toBe(1);
  });
});
