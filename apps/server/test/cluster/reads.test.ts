import type { MemberId } from "@quorate/common";
import { Metadata } from "@quorate/transport";
import { describe, expect, it } from "vitest";
import type { ClusterHarness } from "../support/cluster-harness.js";
import { clusters } from "../support/clusters.js";
import { answerOf, decodeResponse, encodeRequest, pathOf } from "../support/method-codec.js";
import type { PlainMessage } from "../support/plain.js";

const mustStart = clusters();
const insists = { metadata: Metadata.fromWire([["hasleader", "true"]]) };

const others = (harness: ClusterHarness, member: MemberId): MemberId[] =>
  harness.cluster.running.filter((id) => id !== member);

/** Crashes all members but one, and waits until it knows that nobody leads. */
async function leaveAlone(harness: ClusterHarness): Promise<MemberId> {
  const [last, ...gone] = harness.cluster.running as [MemberId, ...MemberId[]];
  for (const id of gone) harness.cluster.crash(id, "process");
  await harness.cluster.until(() => harness.member(last).front.state.leader === undefined);
  return last;
}

describe("linearizable reads", () => {
  it("share one round when they come together", async () => {
    const harness = await mustStart();
    const leader = await harness.led();
    await harness.must(leader, "KV/Put", { key: "a", value: "1" });
    const before = harness.cluster.network.counts.sent;
    const calls = Array.from({ length: 300 }, () => harness.begin(leader, "KV/Range", { key: "a" }));
    await harness.cluster.until(() => calls.every((call) => call.isOver));
    expect(calls.every((call) => call.status?.code === 0)).toBe(true);
    expect(harness.cluster.network.counts.sent - before).toBeLessThan(10);
  });

  it("see every write that was acknowledged before, at whatever member", async () => {
    const harness = await mustStart({
      network: { dropChance: 0.02, repeatChance: 0.1, delayMsMin: 1, delayMsMax: 30 },
    });
    for (let i = 0; i < 40; i++) {
      const writer = harness.founders[i % 3] as MemberId;
      const reader = harness.founders[(i * 2 + 1) % 3] as MemberId;
      const put = await harness.ask(writer, "KV/Put", { key: "a", value: `${i}` });
      if ("error" in put) continue;
      const read = await harness.ask(reader, "KV/Range", { key: "a" });
      if ("ok" in read) expect(read.ok.kvs).toMatchObject([{ value: `${i}` }]);
    }
  });

  it("tell nothing stale at a leader that was stopped while another was elected", async () => {
    const harness = await mustStart();
    const old = await harness.led();
    await harness.must(old, "KV/Put", { key: "a", value: "1" });
    await harness.level();
    harness.cluster.pause(old);
    await harness.cluster.until(() => harness.leader !== old);
    const next = harness.leader as MemberId;
    await harness.must(next, "KV/Put", { key: "a", value: "2" });
    const call = harness.begin(old, "KV/Range", { key: "a" });
    harness.cluster.wake(old);
    await harness.cluster.until(() => call.isOver);
    const answer = answerOf("KV/Range", call);
    if ("ok" in answer) expect(answer.ok.kvs).toMatchObject([{ value: "2" }]);
    else expect(answer.error.message).toBe("etcdserver: leader changed");
  });

  it("tell nothing stale at a leader that is cut off while another is elected", async () => {
    const harness = await mustStart();
    const old = await harness.led();
    await harness.must(old, "KV/Put", { key: "a", value: "1" });
    await harness.level();
    harness.cluster.network.partition([[old]]);
    const calls = Array.from({ length: 30 }, () => harness.begin(old, "KV/Range", { key: "a" }));
    await harness.cluster.until(() => others(harness, old).some((id) => harness.member(id).core.facts().isLeader));
    await harness.must(others(harness, old)[0] as MemberId, "KV/Put", { key: "a", value: "2" });
    calls.push(harness.begin(old, "KV/Range", { key: "a" }));
    await harness.cluster.until(() => calls.every((call) => call.isOver));
    expect(new Set(calls.map((call) => call.status?.message))).toEqual(new Set(["etcdserver: request timed out"]));
  });

  it("of a follower that asks while the leader has not committed in its term wait for that", async () => {
    const harness = await mustStart();
    const old = await harness.led();
    await harness.must(old, "KV/Put", { key: "a", value: "1" });
    await harness.cluster.finished(harness.cluster.stop(old));
    const [one, two] = harness.cluster.running as [MemberId, MemberId];
    for (const at of [one, two]) {
      const { kvs } = await harness.must(at, "KV/Range", { key: "a" });
      expect(kvs).toMatchObject([{ value: "1" }]);
    }
  });
});

describe("a member that knows no leader", () => {
  it("refuses calls that insist on one, and answers others from its state", async () => {
    const harness = await mustStart();
    const last = await leaveAlone(harness);
    const refused = harness.begin(last, "KV/Range", { key: "a", serializable: true }, insists);
    expect(answerOf("KV/Range", refused)).toEqual({ error: { code: 14, message: "etcdserver: no leader" } });
    const watch = harness.stream(last, pathOf("Watch/Watch"), undefined, insists);
    expect(watch.status).toEqual({ code: 14, message: "etcdserver: no leader" });
    await harness.must(last, "KV/Range", { key: "a", serializable: true });
    const status = await harness.must(last, "Maintenance/Status", {});
    expect(status).toMatchObject({ leader: 0n, errors: ["etcdserver: no leader"] });
  });

  it("ends running streams that insist on one after three election timeouts, and no others", async () => {
    const harness = await mustStart();
    const [at] = harness.founders as [MemberId];
    const kinds = ["Watch/Watch", "Lease/LeaseKeepAlive"].map(pathOf);
    const insisting = kinds.map((path) => harness.stream(at, path, undefined, insists));
    const [patient] = kinds.map((path) => harness.stream(at, path)) as [ReturnType<ClusterHarness["stream"]>];
    const create: PlainMessage = { requestUnion: { kind: "createRequest", value: { key: "a" } } };
    for (const watch of [patient, insisting[0]]) watch?.receive(encodeRequest("Watch/Watch", create));
    expect(await leaveAlone(harness)).toBe(at);
    await harness.cluster.advance(1500);
    expect(insisting.map((call) => call.isOver)).toEqual([false, false]);
    await harness.cluster.advance(2000);
    expect(insisting.map((call) => call.status?.message)).toEqual(kinds.map(() => "etcdserver: no leader"));
    await harness.start(...harness.founders.filter((id) => id !== at));
    await harness.must(at, "KV/Put", { key: "a", value: "1" });
    const events = patient.take().flatMap((message) => decodeResponse("Watch/Watch", message).events as PlainMessage[]);
    expect(patient.isOver).toBe(false);
    expect(events).toMatchObject([{ kv: { key: "a", value: "1" } }]);
    expect(harness.member(at).core.watchStreams).toBe(1);
  });
});
