import { type MemberId, silentLogger } from "@quorate/common";
import { describe, expect, it } from "vitest";
import { ClusterHarness } from "../support/cluster-harness.js";
import { clusters } from "../support/clusters.js";
import type { PlainMessage } from "../support/plain.js";

const mustStart = clusters();
const electionMs = 1000;

const notLeading = (harness: ClusterHarness, leader: MemberId): MemberId =>
  harness.cluster.running.find((id) => id !== leader) as MemberId;

async function refusalOf(harness: ClusterHarness, at: MemberId, method: string, request: PlainMessage) {
  const answer = await harness.ask(at, method, request);
  return "error" in answer ? answer.error.message : "none";
}

async function valueAt(harness: ClusterHarness, at: MemberId, key: string): Promise<unknown> {
  const { kvs } = await harness.must(at, "KV/Range", { key });
  return (kvs as readonly PlainMessage[])[0]?.value;
}

const idsOf = (harness: ClusterHarness, at: MemberId): MemberId[] =>
  harness
    .member(at)
    .state.membership.list()
    .map(({ id }) => id);

/** Long enough for a change to be allowed: members must have been connected for a while. */
const settled = (harness: ClusterHarness): Promise<void> => harness.cluster.advance(6000);

describe("a cluster whose members change", () => {
  it("agrees on its version, and knows the names and URLs of all", async () => {
    const harness = await mustStart();
    await harness.level();
    for (const id of harness.founders) {
      const { membership } = harness.member(id).state;
      expect(membership.clusterVersion).toBe("3.7.0");
      expect(membership.list().map(({ name }) => name)).toEqual(["m1", "m2", "m3"]);
      expect(membership.list().every(({ clientURLs }) => clientURLs.length === 1)).toBe(true);
    }
  });

  it("elects its first leader soon when told not to let the whole timeout pass", async () => {
    const electedAfterMs = async (advancesFirstElection: boolean): Promise<number> => {
      const harness = await mustStart({ seed: 7, options: { advancesFirstElection } });
      return harness.cluster.clock.monotonicMs();
    };
    expect(await electedAfterMs(true)).toBeLessThan((await electedAfterMs(false)) - 500);
  });

  it("has the version of its oldest member, and a higher one when that is newer", async () => {
    let version = "3.6.4";
    const harness = await mustStart({ options: (id) => (id === 2n ? { version } : {}) });
    const versions = () => harness.founders.map((id) => harness.member(id).state.membership.clusterVersion);
    expect(versions()).toEqual(["3.6.0", "3.6.0", "3.6.0"]);
    const [, second] = harness.founders as [MemberId, MemberId];
    harness.cluster.crash(second, "process");
    version = "3.7.1";
    await harness.start(second);
    await harness.cluster.until(() => versions().every((one) => one === "3.7.0"));
  });

  it("has the lowest version while a member cannot be asked", async () => {
    const harness = new ClusterHarness();
    const [first, second, third] = harness.founders as [MemberId, MemberId, MemberId];
    try {
      await harness.start(first, second);
      expect(harness.member(first).state.membership.clusterVersion).toBe("3.0.0");
      await harness.start(third);
      await harness.cluster.until(() => harness.member(third).state.membership.clusterVersion === "3.7.0");
    } finally {
      await harness.dispose();
    }
  });

  it("says while it waits for a quorum that it has nobody to tell its name", async () => {
    const warnings: string[] = [];
    const logger = () => ({ ...silentLogger, warn: (message: string) => warnings.push(message) });
    const harness = new ClusterHarness({ logger });
    const [first, second] = harness.founders as [MemberId, MemberId];
    try {
      await harness.cluster.finished(harness.cluster.start(first));
      await harness.cluster.advance(15_000);
      const complaint = "failed to publish local member to cluster through raft";
      expect(warnings.filter((message) => message === complaint)).toHaveLength(2);
      await harness.start(second);
      await harness.cluster.finished(harness.member(first).ready);
      warnings.length = 0;
      await harness.cluster.advance(15_000);
      expect(warnings).not.toContain(complaint);
    } finally {
      await harness.dispose();
    }
  });

  it("knows a new name and new URLs of a member that started again", async () => {
    let name = "m3";
    const harness = await mustStart({ options: (id) => (id === 3n ? { name } : {}) });
    const third = 3n as MemberId;
    await harness.cluster.finished(harness.cluster.stop(third));
    name = "renamed";
    await harness.start(third);
    await harness.level();
    for (const id of harness.founders) expect(harness.member(id).state.membership.get(third)?.name).toBe("renamed");
  });

  it("takes in a member that begins with nothing and has all the data then", async () => {
    const harness = await mustStart();
    const leader = await harness.led();
    await harness.must(leader, "KV/Put", { key: "a", value: "1" });
    await settled(harness);
    const fourth = await harness.join(notLeading(harness, leader));
    expect(await valueAt(harness, fourth, "a")).toBe("1");
    await harness.must(fourth, "KV/Put", { key: "b", value: "2" });
    await harness.level();
    for (const id of harness.cluster.running) {
      expect(idsOf(harness, id)).toHaveLength(4);
      expect(await valueAt(harness, id, "b")).toBe("2");
    }
  });

  it("starts a member again that had joined", async () => {
    const harness = await mustStart();
    await settled(harness);
    const fourth = await harness.join(await harness.led());
    harness.cluster.crash(fourth, "process");
    await harness.must(await harness.led(), "KV/Put", { key: "a", value: "1" });
    await harness.start(fourth);
    expect(await valueAt(harness, fourth, "a")).toBe("1");
  });

  it("removes a follower, and tells it", async () => {
    const harness = await mustStart();
    const leader = await harness.led();
    await settled(harness);
    const gone = notLeading(harness, leader);
    const { removed } = harness.member(gone).core.cluster;
    const request = { ID: gone };
    expect(await harness.must(leader, "Cluster/MemberRemove", request)).toMatchObject({ members: { length: 2 } });
    await harness.cluster.finished(removed);
    expect(await refusalOf(harness, leader, "Cluster/MemberRemove", request)).toBe("etcdserver: member not found");
    expect(harness.member(leader).state.membership.isRemoved(gone)).toBe(true);
  });

  it("hands over before a leader that was removed ends", async () => {
    const harness = await mustStart();
    const leader = await harness.led();
    await settled(harness);
    const { removed } = harness.member(leader).core.cluster;
    await harness.must(notLeading(harness, leader), "Cluster/MemberRemove", { ID: leader });
    const others = harness.cluster.running.filter((id) => id !== leader);
    await harness.cluster.until(() => others.some((id) => harness.member(id).core.facts().isLeader));
    await harness.cluster.finished(removed);
    await harness.cluster.finished(harness.cluster.stop(leader));
    await harness.must(others[0] as MemberId, "KV/Put", { key: "a", value: "1" });
  });

  it("promotes a learner that is in sync, whoever is asked", async () => {
    const promoted: (string | undefined)[] = [];
    const observe = () => ({ learnerPromoted: (refusal: string | undefined) => promoted.push(refusal) });
    const harness = await mustStart({ observe });
    const leader = await harness.led();
    await settled(harness);
    const learner = await harness.join(leader, { isLearner: true });
    expect(await refusalOf(harness, learner, "KV/Put", { key: "a", value: "1" })).toBe(
      "etcdserver: rpc not supported for learner",
    );
    const follower = harness.founders.find((id) => id !== leader) as MemberId;
    const answer = await harness.must(follower, "Cluster/MemberPromote", { ID: learner });
    expect(answer).toMatchObject({ header: { memberId: follower }, members: { length: 4 } });
    expect(await refusalOf(harness, follower, "Cluster/MemberPromote", { ID: learner })).toBe(
      "etcdserver: can only promote a learner member",
    );
    await harness.level();
    await harness.must(learner, "KV/Put", { key: "a", value: "1" });
    expect(promoted).toEqual([undefined, "etcdserver: can only promote a learner member"]);
  });

  it("does not promote a learner that never came", async () => {
    const harness = await mustStart();
    await settled(harness);
    const [first] = harness.founders as [MemberId];
    const added = await harness.must(first, "Cluster/MemberAdd", { peerURLs: ["http://x:1"], isLearner: true });
    const { ID } = added.member as PlainMessage;
    for (const at of harness.founders) {
      expect(await refusalOf(harness, at, "Cluster/MemberPromote", { ID: ID as bigint })).toBe(
        "etcdserver: can only promote a learner member which is in sync with leader",
      );
    }
    expect(await refusalOf(harness, first, "Cluster/MemberAdd", { peerURLs: ["http://y:1"], isLearner: true })).toBe(
      "etcdserver: too many learner members in cluster",
    );
  });

  it("makes one change after the other when several come at once", async () => {
    const harness = await mustStart({ options: { isReconfigStrict: false, learnersMax: 5 } });
    const leader = await harness.led();
    const urls = ["http://x:1", "http://x:2", "http://x:3"];
    const calls = urls.map((url) => harness.begin(leader, "Cluster/MemberAdd", { peerURLs: [url], isLearner: true }));
    await harness.cluster.until(() => calls.every((call) => call.isOver));
    expect(calls.map((call) => call.status?.code)).toEqual([0, 0, 0]);
    await harness.level();
    for (const id of harness.founders) expect(idsOf(harness, id)).toHaveLength(6);
  });

  it("refuses on every member alike what does not fit the members as they are", async () => {
    const harness = await mustStart({ options: { isReconfigStrict: false } });
    for (const at of harness.founders) {
      const taken = { peerURLs: ["http://10.0.0.1:2380"], isLearner: true };
      expect(await refusalOf(harness, at, "Cluster/MemberAdd", taken)).toBe("etcdserver: Peer URLs already exists");
      const update = { ID: 2n, peerURLs: ["http://10.0.0.1:2380"] };
      expect(await refusalOf(harness, at, "Cluster/MemberUpdate", update)).toBe("etcdserver: Peer URLs already exists");
      expect(await refusalOf(harness, at, "Cluster/MemberRemove", { ID: 77n })).toBe("etcdserver: member not found");
    }
    await harness.level();
    const applied = harness.founders.map((id) => harness.member(id).state.mvcc.applied.index);
    expect(new Set(applied).size).toBe(1);
    for (const id of harness.founders) expect(idsOf(harness, id)).toEqual([1n, 2n, 3n]);
  });

  it("does not risk its quorum", async () => {
    const harness = await mustStart();
    const [first, second, third] = harness.founders as [MemberId, MemberId, MemberId];
    await settled(harness);
    harness.cluster.crash(third, "process");
    await harness.cluster.advance(electionMs * 3);
    const leader = await harness.led();
    const add = { peerURLs: ["http://x:1"] };
    expect(await refusalOf(harness, leader, "Cluster/MemberAdd", add)).toBe("etcdserver: unhealthy cluster");
    const other = leader === first ? second : first;
    expect(await refusalOf(harness, leader, "Cluster/MemberRemove", { ID: other })).toBe(
      "etcdserver: unhealthy cluster",
    );
    // Nobody counts on the one that is down.
    await harness.must(leader, "Cluster/MemberRemove", { ID: third });
  });

  it("moves its leader to whom it is told, and to nobody else", async () => {
    const harness = await mustStart();
    const leader = await harness.led();
    const to = notLeading(harness, leader);
    expect(await refusalOf(harness, to, "Maintenance/MoveLeader", { targetID: to })).toBe("etcdserver: not leader");
    expect(await refusalOf(harness, leader, "Maintenance/MoveLeader", { targetID: 9n })).toBe(
      "etcdserver: bad leader transferee",
    );
    await harness.must(leader, "Maintenance/MoveLeader", { targetID: to });
    await harness.cluster.until(() => harness.leader === to);
  });

  it("goes on alone from one member's data when it is forced to", async () => {
    let isForced = false;
    const harness = await mustStart({ options: () => ({ forcesNewCluster: isForced }) });
    const leader = await harness.led();
    await harness.must(leader, "KV/Put", { key: "a", value: "1" });
    await harness.level();
    const [survivor, ...lost] = harness.founders as [MemberId, ...MemberId[]];
    for (const id of harness.founders) harness.cluster.crash(id, "process");
    isForced = true;
    await harness.start(survivor);
    expect(await valueAt(harness, survivor, "a")).toBe("1");
    await harness.must(survivor, "KV/Put", { key: "b", value: "2" });
    expect(idsOf(harness, survivor)).toEqual([survivor]);
    for (const id of lost) expect(harness.member(survivor).state.membership.isRemoved(id)).toBe(true);
    isForced = false;
    harness.cluster.crash(survivor, "process");
    await harness.start(survivor);
    expect(await valueAt(harness, survivor, "b")).toBe("2");
    expect(idsOf(harness, survivor)).toEqual([survivor]);
  });
});
