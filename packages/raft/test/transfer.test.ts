import { describe, expect, it } from "vitest";
import { buildConfState, bytes, id, messagesOf, SmallCluster } from "./support/small-cluster.js";

const three = buildConfState({ voters: [id(1), id(2), id(3)] });

function buildCluster(setup: ConstructorParameters<typeof SmallCluster>[2] = () => ({})): SmallCluster {
  const cluster = new SmallCluster(three, 3, setup);
  cluster.step(1, { kind: "campaign" });
  return cluster;
}

describe("transfer (thesis, section 3.10)", () => {
  it("makes an up-to-date member leader at once, leases and pre-vote notwithstanding", () => {
    const cluster = buildCluster(() => ({ isPreVoteOn: true, isCheckQuorumOn: true }));
    cluster.step(1, { kind: "transfer", to: id(3) });
    expect(cluster.member(3).node.status()).toMatchObject({ role: "leader", term: 2 });
    expect(cluster.member(1).node.leader).toBe(3n);
    expect(messagesOf(cluster.sent)).toContainEqual(expect.objectContaining({ kind: "vote", isTransfer: true }));
  });

  it("waits until the target has caught up, and takes no proposals meanwhile", () => {
    const cluster = buildCluster();
    cluster.cut(3);
    cluster.step(1, { kind: "propose", data: bytes("x") });
    cluster.step(1, { kind: "transfer", to: id(3) });
    expect(cluster.step(1, { kind: "propose", data: bytes("y") })).toMatchObject({ reason: "transferring" });
    cluster.join();
    cluster.tick(1, 1);
    expect(cluster.member(3).node.isLeader).toBe(true);
    expect(cluster.member(3).node.status().lastIndex).toBe(3);
  });

  it("is given up after an election timeout", () => {
    const cluster = buildCluster();
    cluster.cut(3);
    cluster.step(1, { kind: "propose", data: bytes("x") });
    cluster.step(1, { kind: "transfer", to: id(3) });
    expect(cluster.member(1).node.status().transferee).toBe(3n);
    cluster.tick(1, 10);
    expect(cluster.member(1).node.status()).toMatchObject({ role: "leader", transferee: undefined });
    expect(cluster.step(1, { kind: "propose", data: bytes("y") })).toBeUndefined();
    expect(cluster.member(1).events).toContainEqual({ kind: "transfer-ended", term: 1, to: 3n, reason: "timed-out" });
  });

  it("gives way to a transfer to another member", () => {
    const cluster = buildCluster();
    cluster.cut(3);
    cluster.step(1, { kind: "propose", data: bytes("x") });
    cluster.step(1, { kind: "transfer", to: id(3) });
    cluster.step(1, { kind: "transfer", to: id(2) });
    expect(cluster.member(2).node.isLeader).toBe(true);
  });

  it("is asked of the leader by a follower", () => {
    const cluster = buildCluster();
    expect(cluster.step(2, { kind: "transfer", to: id(3) })).toBeUndefined();
    expect(cluster.member(3).node.isLeader).toBe(true);
  });

  it("is refused where no leader is known", () => {
    const cluster = new SmallCluster(three, 3);
    expect(cluster.step(2, { kind: "transfer", to: id(3) })).toEqual({ code: "raft/not-leader", leader: undefined });
  });

  for (const [title, to] of [
    ["a learner", id(4)],
    ["a stranger", id(9)],
    ["the leader itself", id(1)],
  ] as const) {
    it(`to ${title} changes nothing`, () => {
      const confState = buildConfState({ voters: [id(1), id(2), id(3)], learners: [id(4)] });
      const cluster = new SmallCluster(confState, 4);
      cluster.step(1, { kind: "campaign" });
      cluster.step(1, { kind: "transfer", to });
      expect(cluster.member(1).node.status()).toMatchObject({ role: "leader", transferee: undefined, term: 1 });
    });
  }
});

describe("forget-leader", () => {
  it("lets a follower vote for another although it has just heard from its leader", () => {
    const cluster = buildCluster(() => ({ isCheckQuorumOn: true }));
    cluster.cut(1);
    cluster.step(3, { kind: "campaign" });
    expect(cluster.member(3).node.isLeader).toBe(false);
    cluster.step(2, { kind: "forget-leader" });
    expect(cluster.member(2).node.leader).toBeUndefined();
    cluster.step(3, { kind: "campaign" });
    expect(cluster.member(3).node.isLeader).toBe(true);
  });

  it("ends with the next message of the leader", () => {
    const cluster = buildCluster();
    cluster.step(2, { kind: "forget-leader" });
    cluster.tick(1, 1);
    expect(cluster.member(2).node.leader).toBe(1n);
  });

  it("is not done with lease-based reads, whose leader relies on its followers", () => {
    const cluster = buildCluster(() => ({ reads: "lease-based", isCheckQuorumOn: true }));
    cluster.step(2, { kind: "forget-leader" });
    expect(cluster.member(2).node.leader).toBe(1n);
  });
});
