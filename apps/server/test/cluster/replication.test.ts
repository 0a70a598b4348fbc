import type { MemberId } from "@quorate/common";
import { describe, expect, it } from "vitest";
import type { ClusterHarness } from "../support/cluster-harness.js";
import { clusters } from "../support/clusters.js";
import type { PlainMessage } from "../support/plain.js";

const mustStart = clusters();

const others = (harness: ClusterHarness, member: MemberId): MemberId[] =>
  harness.cluster.running.filter((id) => id !== member);

async function valueAt(harness: ClusterHarness, at: MemberId, key: string, options = {}): Promise<unknown> {
  const { kvs } = await harness.must(at, "KV/Range", { key, ...options });
  return (kvs as readonly PlainMessage[])[0]?.value;
}

async function failureOf(
  harness: ClusterHarness,
  at: MemberId,
  method: string,
  request: PlainMessage,
): Promise<string> {
  const answer = await harness.ask(at, method, request);
  return "error" in answer ? answer.error.message : "none";
}

/** Waits until these members know a leader that is none of the gone. */
async function knows(harness: ClusterHarness, members: readonly MemberId[]): Promise<void> {
  const { running } = harness.cluster;
  await harness.cluster.until(() =>
    members.every((id) => running.includes(harness.member(id).front.state.leader ?? (0n as MemberId))),
  );
}

describe("a cluster of three", () => {
  it("has one leader that all know", async () => {
    const harness = await mustStart();
    const leader = await harness.led();
    const { term } = harness.member(leader).core.facts();
    for (const id of harness.founders) {
      expect(harness.member(id).core.facts()).toMatchObject({ leader, term, isLeader: id === leader });
    }
  });

  it("takes writes at every member, and every member reads them at once", async () => {
    const harness = await mustStart();
    for (const at of harness.founders) {
      const { header } = await harness.must(at, "KV/Put", { key: `k${at}`, value: `v${at}` });
      expect(header).toMatchObject({ memberId: at });
      for (const reader of harness.founders) expect(await valueAt(harness, reader, `k${at}`)).toBe(`v${at}`);
    }
    await harness.level();
    expect(new Set(harness.founders.map((id) => harness.member(id).state.mvcc.revision)).size).toBe(1);
  });

  it("carries what came together to a follower in few frames", async () => {
    const harness = await mustStart();
    const leader = await harness.led();
    const before = harness.cluster.network.counts.sent;
    const calls = Array.from({ length: 500 }, (_, i) => harness.begin(leader, "KV/Put", { key: `k${i}`, value: "v" }));
    await harness.cluster.until(() => calls.every((call) => call.isOver));
    expect(calls.every((call) => call.status?.code === 0)).toBe(true);
    expect(harness.cluster.network.counts.sent - before).toBeLessThan(40);
  });

  it("answers each proposal of a follower once, with its own answer", async () => {
    const harness = await mustStart();
    const [follower] = others(harness, await harness.led());
    const calls = Array.from({ length: 50 }, (_, i) => harness.begin(follower as MemberId, "KV/Put", { key: `k${i}` }));
    await harness.cluster.until(() => calls.every((call) => call.isOver));
    expect(calls.map((call) => [call.status?.code, call.ends])).toEqual(calls.map(() => [0, 1]));
  });

  it("puts nothing twice over a network that repeats and overtakes", async () => {
    const network = { dropChance: 0, repeatChance: 0.5, delayMsMin: 1, delayMsMax: 20 };
    const harness = await mustStart({ network });
    const [follower] = others(harness, await harness.led());
    for (let i = 0; i < 30; i++) await harness.must(follower as MemberId, "KV/Put", { key: "k", value: `${i}` });
    await harness.level();
    const { kvs } = await harness.must(follower as MemberId, "KV/Range", { key: "k" });
    expect(kvs).toMatchObject([{ version: 30n, value: "29" }]);
  });

  it("goes on without its leader, and loses nothing that was acknowledged", async () => {
    const harness = await mustStart();
    const old = await harness.led();
    await harness.must(old, "KV/Put", { key: "a", value: "1" });
    harness.cluster.crash(old, "process");
    const [survivor] = others(harness, old) as [MemberId];
    await knows(harness, [survivor]);
    expect(await valueAt(harness, survivor, "a")).toBe("1");
    await harness.must(survivor, "KV/Put", { key: "a", value: "2" });
    await harness.start(old);
    expect(await valueAt(harness, old, "a")).toBe("2");
  });

  it("stands the loss of power of all its members", async () => {
    const harness = await mustStart();
    for (let i = 0; i < 20; i++) await harness.must(harness.founders[i % 3] as MemberId, "KV/Put", { key: `k${i}` });
    for (const id of harness.founders) harness.cluster.crash(id, "power");
    await harness.start(...harness.founders);
    const { count } = await harness.must(2n as MemberId, "KV/Range", { key: "k", rangeEnd: "l" });
    expect(count).toBe(20n);
  });

  it("hands leadership over before a leader stops: no election timeout passes", async () => {
    const harness = await mustStart();
    const leader = await harness.led();
    const { term } = harness.member(leader).core.facts();
    const begunMs = harness.cluster.clock.monotonicMs();
    await harness.cluster.finished(harness.cluster.stop(leader));
    const next = await harness.led();
    expect(next).not.toBe(leader);
    expect(harness.member(next).core.facts().term).toBe(term + 1);
    expect(harness.cluster.clock.monotonicMs() - begunMs).toBeLessThan(1000);
  });
});

describe("a cluster without a leader, or without a majority", () => {
  it("leaves a minority that refuses writes and serves serializable reads, and a majority that goes on", async () => {
    const harness = await mustStart();
    const leader = await harness.led();
    await harness.must(leader, "KV/Put", { key: "a", value: "1" });
    await harness.level();
    harness.cluster.network.partition([[leader]]);
    const [follower] = others(harness, leader) as [MemberId];
    await harness.cluster.advance(4000);
    await harness.must(follower, "KV/Put", { key: "a", value: "2" });
    expect(await valueAt(harness, leader, "a", { serializable: true })).toBe("1");
    expect(await failureOf(harness, leader, "KV/Put", { key: "b" })).toBe("context deadline exceeded");
    expect(await failureOf(harness, leader, "KV/Range", { key: "a" })).toBe("etcdserver: request timed out");
    harness.cluster.network.heal();
    await harness.cluster.until(() => harness.member(leader).front.state.leader !== undefined);
    expect(await valueAt(harness, leader, "a")).toBe("2");
    expect(await valueAt(harness, leader, "b")).toBeUndefined();
  });

  it("ends a proposal of a leader whose followers have died, and takes proposals again when one is back", async () => {
    const harness = await mustStart();
    const leader = await harness.led();
    const [one, two] = others(harness, leader) as [MemberId, MemberId];
    harness.cluster.crash(one, "process");
    harness.cluster.crash(two, "process");
    expect(await failureOf(harness, leader, "KV/Put", { key: "a" })).toBe("etcdserver: request timed out");
    await harness.start(one);
    await knows(harness, [one, leader]);
    await harness.must(one, "KV/Put", { key: "a", value: "1" });
  });

  it("tells a proposal that the connection to the leader may be to blame", async () => {
    const harness = await mustStart();
    const leader = await harness.led();
    const [follower] = others(harness, leader) as [MemberId];
    harness.cluster.network.cut(follower, leader);
    const failure = await failureOf(harness, follower, "KV/Put", { key: "a" });
    expect(failure).toBe("etcdserver: request timed out, possibly due to connection lost");
  });

  it("tells a proposal that got lost with the old leader, at the member that leads since, that this may be to blame", async () => {
    const harness = await mustStart();
    const leader = await harness.led();
    const [one, two] = others(harness, leader) as [MemberId, MemberId];
    harness.cluster.crash(leader, "process");
    const calls = [one, two].map((at) => ({ at, call: harness.begin(at, "KV/Put", { key: "a" }) }));
    await harness.cluster.until(() => calls.every(({ call }) => call.isOver));
    const next = await harness.led();
    for (const { at, call } of calls) {
      const because = at === next ? ", possibly due to previous leader failure" : "";
      expect(call.status?.message).toBe(`etcdserver: request timed out${because}`);
    }
  });

  it("carries out a proposal that waited for a leader", async () => {
    const harness = await mustStart();
    const leader = await harness.led();
    const [follower] = others(harness, leader) as [MemberId];
    harness.cluster.crash(leader, "process");
    await harness.cluster.until(() => harness.member(follower).front.state.leader === undefined);
    const call = harness.begin(follower, "KV/Put", { key: "a", value: "1" });
    await harness.cluster.until(() => call.isOver, 6000);
    expect(call.status?.code).toBe(0);
  });

  it("fails a read that waits for the old leader when there is a new one", async () => {
    const harness = await mustStart();
    const leader = await harness.led();
    const [follower] = others(harness, leader) as [MemberId];
    harness.cluster.crash(leader, "process");
    expect(await failureOf(harness, follower, "KV/Range", { key: "a" })).toBe("etcdserver: leader changed");
  });
});
