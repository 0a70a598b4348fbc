import type { MemberId } from "@quorate/common";
import { describe, expect, it } from "vitest";
import type { ClusterHarness } from "../support/cluster-harness.js";
import { clusters } from "../support/clusters.js";
import type { FakeStream } from "../support/fake-call.js";
import { decodeResponse, encodeRequest, pathOf } from "../support/method-codec.js";
import type { PlainMessage } from "../support/plain.js";

const mustStart = clusters();

const others = (harness: ClusterHarness, member: MemberId): MemberId[] =>
  harness.cluster.running.filter((id) => id !== member);

function keepAlive(harness: ClusterHarness, at: MemberId, ID: bigint): FakeStream {
  const call = harness.stream(at, pathOf("Lease/LeaseKeepAlive"));
  call.receive(encodeRequest("Lease/LeaseKeepAlive", { ID }));
  return call;
}

/** The one answer of a keep-alive, or its error. */
async function renewed(harness: ClusterHarness, at: MemberId, ID: bigint): Promise<PlainMessage | string> {
  const call = keepAlive(harness, at, ID);
  await harness.cluster.until(() => call.sentMessages > 0 || call.isOver);
  const [message] = call.take();
  return message === undefined ? (call.status?.message ?? "") : decodeResponse("Lease/LeaseKeepAlive", message);
}

const timeToLive = (harness: ClusterHarness, at: MemberId, ID: bigint): Promise<PlainMessage> =>
  harness.must(at, "Lease/LeaseTimeToLive", { ID, keys: true });

/** True while the key is there, as the leader has it. */
async function exists(harness: ClusterHarness, key: string): Promise<boolean> {
  await harness.cluster.until(() => harness.leader !== undefined);
  const { count } = await harness.must(harness.leader as MemberId, "KV/Range", { key, serializable: true });
  return count === 1n;
}

describe("leases at a follower", () => {
  it("are granted, renewed, looked up and revoked there as at the leader, and the answer is its own", async () => {
    const harness = await mustStart();
    const [follower] = others(harness, await harness.led()) as [MemberId];
    await harness.must(follower, "Lease/LeaseGrant", { ID: 7n, TTL: 60n });
    await harness.must(follower, "KV/Put", { key: "k", lease: 7n });
    await harness.cluster.advance(10_000);
    expect(await timeToLive(harness, follower, 7n)).toMatchObject({ ID: 7n, TTL: 49n, grantedTTL: 60n, keys: ["k"] });
    const { header, ...answer } = (await renewed(harness, follower, 7n)) as PlainMessage;
    expect(answer).toEqual({ ID: 7n, TTL: 60n });
    expect(header).toMatchObject({ memberId: follower, revision: 2n });
    expect(await timeToLive(harness, follower, 7n)).toMatchObject({
      header: { memberId: follower, revision: 2n },
      TTL: 59n,
    });
    await harness.must(follower, "Lease/LeaseRevoke", { ID: 7n });
    expect(await renewed(harness, follower, 7n)).toMatchObject({ ID: 7n, TTL: 0n });
    expect(await timeToLive(harness, follower, 7n)).toMatchObject({ ID: 7n, TTL: -1n, grantedTTL: 0n });
  });

  it("wait for a leader, and are answered by the next one", async () => {
    const harness = await mustStart();
    const leader = await harness.led();
    await harness.must(leader, "Lease/LeaseGrant", { ID: 7n, TTL: 60n });
    await harness.level();
    const [follower] = others(harness, leader) as [MemberId];
    harness.cluster.crash(leader, "process");
    expect(await renewed(harness, follower, 7n)).toMatchObject({ ID: 7n, TTL: 60n });
  });

  it("say that there is no leader when none comes in time", async () => {
    const harness = await mustStart();
    const leader = await harness.led();
    await harness.must(leader, "Lease/LeaseGrant", { ID: 7n, TTL: 60n });
    const [one, two] = others(harness, leader) as [MemberId, MemberId];
    harness.cluster.crash(leader, "process");
    harness.cluster.crash(two, "process");
    await harness.cluster.until(() => harness.member(one).front.state.leader === undefined);
    expect(await renewed(harness, one, 7n)).toBe("etcdserver: no leader");
    const answer = await harness.ask(one, "Lease/LeaseTimeToLive", { ID: 7n });
    expect(answer).toEqual({ error: { code: 14, message: "etcdserver: no leader" } });
  });

  it("time out when the leader cannot be reached", async () => {
    const harness = await mustStart();
    const leader = await harness.led();
    await harness.must(leader, "Lease/LeaseGrant", { ID: 7n, TTL: 60n });
    const [follower] = others(harness, leader) as [MemberId];
    harness.cluster.network.cut(follower, leader);
    expect(await renewed(harness, follower, 7n)).toBe("etcdserver: request timed out");
  });
});

describe("leases when the leader changes", () => {
  it("end neither early nor never", async () => {
    const harness = await mustStart();
    const leader = await harness.led();
    await harness.must(leader, "Lease/LeaseGrant", { ID: 7n, TTL: 10n });
    await harness.must(leader, "KV/Put", { key: "k", lease: 7n });
    await harness.level();
    await harness.cluster.advance(8000);
    await renewed(harness, leader, 7n);
    const renewedMs = harness.cluster.clock.monotonicMs();
    harness.cluster.crash(leader, "process");
    await harness.cluster.advance(renewedMs + 10_000 - harness.cluster.clock.monotonicMs());
    expect(await exists(harness, "k")).toBe(true);
    await harness.cluster.advance(5000);
    expect(await exists(harness, "k")).toBe(false);
  });

  for (const [what, afterMs] of [
    ["before its clock ticks again", 0],
    ["after its clock has ticked again", 250],
  ] as const) {
    it(`are not renewed by a leader that was stopped while another was elected, asked ${what}`, async () => {
      const harness = await mustStart();
      const old = await harness.led();
      await harness.must(old, "Lease/LeaseGrant", { ID: 7n, TTL: 60n });
      await harness.level();
      harness.cluster.pause(old);
      await harness.cluster.advance(afterMs);
      // A message of its client waits at its door, before all that others have to say to it.
      const call = harness.stream(old, pathOf("Lease/LeaseKeepAlive"));
      harness.cluster.enter(old, () => call.receive(encodeRequest("Lease/LeaseKeepAlive", { ID: 7n })));
      await harness.cluster.until(() => harness.leader !== old);
      const next = harness.leader as MemberId;
      await harness.cluster.advance(10_000);
      harness.cluster.wake(old);
      await harness.cluster.until(() => call.sentMessages > 0 || call.isOver);
      // Whoever answered: the leader has to count from then on, since the client does.
      const told = call.sentMessages > 0;
      const { TTL } = await timeToLive(harness, next, 7n);
      expect({ told, TTL }).toEqual({ told: true, TTL: 59n });
    });
  }
});
