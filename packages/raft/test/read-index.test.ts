import { describe, expect, it } from "vitest";
import { buildConfState, bytes, drain, id, messagesOf, SmallCluster, term } from "./support/small-cluster.js";

const three = buildConfState({ voters: [id(1), id(2), id(3)] });
const context = bytes("read");

function buildCluster(setup: ConstructorParameters<typeof SmallCluster>[2] = () => ({})): SmallCluster {
  const cluster = new SmallCluster(three, 3, setup);
  cluster.step(1, { kind: "campaign" });
  cluster.step(1, { kind: "propose", data: bytes("x") });
  return cluster;
}

describe("read-index (thesis, section 6.4)", () => {
  it("is answered when a quorum has confirmed the leader, with the commit index of when it was asked", () => {
    const cluster = buildCluster();
    cluster.member(1).node.step({ kind: "read-index", context });
    cluster.member(1).node.step({ kind: "propose", data: bytes("y") });
    cluster.settle();
    expect(cluster.member(1).readStates).toEqual([{ index: 2, context }]);
    expect(cluster.member(1).node.status().commit).toBe(3);
  });

  it("is not answered by a leader that cannot reach a quorum", () => {
    const cluster = buildCluster();
    cluster.cut(2, 3);
    cluster.step(1, { kind: "read-index", context });
    expect(cluster.member(1).readStates).toEqual([]);
    // The next heartbeat carries it again.
    cluster.join();
    cluster.tick(1, 1);
    expect(cluster.member(1).readStates).toEqual([{ index: 2, context }]);
  });

  it("is never answered by a leader that another has replaced", () => {
    const cluster = buildCluster();
    cluster.cut(1);
    cluster.step(2, { kind: "campaign" });
    cluster.step(2, { kind: "propose", data: bytes("newer") });
    cluster.step(1, { kind: "read-index", context });
    expect(cluster.member(1).node.isLeader).toBe(true);
    cluster.join();
    cluster.tick(1, 5);
    expect(cluster.member(1).readStates).toEqual([]);
    cluster.tick(2, 1);
    expect(cluster.member(1).node.leader).toBe(2n);
    expect(cluster.member(1).readStates).toEqual([]);
  });

  it("waits until the leader has committed an entry of its term", () => {
    const cluster = new SmallCluster(three, 3);
    cluster.cut(3);
    cluster.member(1).node.step({ kind: "campaign" });
    drain(cluster.member(1));
    const vote = { kind: "vote-response", term: term(1), isGranted: true } as const;
    cluster.member(1).node.step({ kind: "message", from: id(2), message: vote });
    cluster.member(1).node.step({ kind: "read-index", context });
    expect(messagesOf(drain(cluster.member(1))).map(({ kind }) => kind)).not.toContain("heartbeat");
    cluster.tick(1, 1);
    expect(cluster.member(1).readStates).toEqual([{ index: 1, context }]);
  });

  it("of a follower is asked of the leader and answered to the follower", () => {
    const cluster = buildCluster();
    expect(cluster.step(3, { kind: "read-index", context })).toBeUndefined();
    expect(cluster.member(3).readStates).toEqual([{ index: 2, context }]);
    expect(cluster.member(1).readStates).toEqual([]);
  });

  it("takes one round for all that wait", () => {
    const cluster = buildCluster();
    cluster.cut(2, 3);
    for (const name of ["a", "b", "c"]) cluster.step(1, { kind: "read-index", context: bytes(name) });
    cluster.join();
    const before = cluster.sent.length;
    cluster.tick(1, 1);
    expect(cluster.member(1).readStates.map((state) => new TextDecoder().decode(state.context))).toEqual([
      "a",
      "b",
      "c",
    ]);
    expect(messagesOf(cluster.sent.slice(before)).filter(({ kind }) => kind === "heartbeat")).toHaveLength(2);
  });

  it("with lease-based reads is answered at once (thesis, section 6.4.1)", () => {
    const cluster = buildCluster(() => ({ reads: "lease-based", isCheckQuorumOn: true }));
    const before = cluster.sent.length;
    cluster.step(1, { kind: "read-index", context });
    expect(cluster.member(1).readStates).toEqual([{ index: 2, context }]);
    expect(cluster.sent).toHaveLength(before);
  });

  it("is not confirmed by learners, and by both halves of a joint configuration only", () => {
    const confState = buildConfState({ voters: [id(1)], votersOutgoing: [id(1), id(2)], learners: [id(3)] });
    const cluster = new SmallCluster(confState, 3);
    cluster.step(1, { kind: "campaign" });
    cluster.cut(2);
    cluster.step(1, { kind: "read-index", context });
    expect(cluster.member(1).readStates).toEqual([]);
    cluster.join();
    cluster.tick(1, 1);
    expect(cluster.member(1).readStates).toHaveLength(1);
  });

  it("is refused where nobody can be asked, and when too many wait", () => {
    const cluster = new SmallCluster(three, 3, () => ({ readsMax: 2 }));
    expect(cluster.step(2, { kind: "read-index", context })).toEqual({
      code: "raft/read-dropped",
      reason: "no-leader",
      context,
    });
    cluster.cut(2);
    cluster.step(2, { kind: "campaign" });
    expect(cluster.step(2, { kind: "read-index", context })).toMatchObject({ reason: "electing" });
    cluster.step(1, { kind: "campaign" });
    cluster.cut(3);
    for (let i = 0; i < 2; i++) expect(cluster.step(1, { kind: "read-index", context })).toBeUndefined();
    expect(cluster.step(1, { kind: "read-index", context })).toMatchObject({ reason: "too-many-reads" });
  });
});
