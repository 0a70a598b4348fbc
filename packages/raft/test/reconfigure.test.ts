import { describe, expect, it } from "vitest";
import type { ConfChange, ConfChangeTransition, MemberChange } from "../src/conf-change.js";
import { buildConfState, bytes, id, SmallCluster, text } from "./support/small-cluster.js";

const none = new Uint8Array(0);
const three = buildConfState({ voters: [id(1), id(2), id(3)] });

function change(kind: MemberChange["kind"], member: number): MemberChange {
  return { kind, member: id(member) };
}

function jointly(transition: ConfChangeTransition, ...changes: MemberChange[]): ConfChange {
  return { version: 2, transition, changes, context: none };
}

/** Three voters, and two members that wait to be added. */
function buildCluster(setup: ConstructorParameters<typeof SmallCluster>[2] = () => ({})): SmallCluster {
  const cluster = new SmallCluster(three, 5, setup);
  cluster.step(1, { kind: "campaign" });
  cluster.step(1, { kind: "propose", data: bytes("x") });
  return cluster;
}

describe("applyConfChange", () => {
  it("adds a learner that is served and counts for nothing, then makes it a voter (thesis, section 4.2.1)", () => {
    const cluster = buildCluster();
    cluster.step(1, {
      kind: "propose-conf-change",
      change: { version: 1, change: change("add-learner", 4), context: none },
    });
    expect(cluster.member(4).applied.map(text).slice(0, 2)).toEqual(["", "x"]);
    cluster.cut(2, 3);
    cluster.step(1, { kind: "propose", data: bytes("y") });
    expect(cluster.member(4).node.status()).toMatchObject({ lastIndex: 4, commit: 3 });
    cluster.join();
    cluster.tick(1, 1);
    cluster.step(1, {
      kind: "propose-conf-change",
      change: { version: 1, change: change("add-voter", 4), context: none },
    });
    expect(cluster.member(4).node.confState).toEqual(buildConfState({ voters: [id(1), id(2), id(3), id(4)] }));
  });

  it("changes several members through a joint configuration that it leaves by itself (thesis, section 4.3)", () => {
    const cluster = buildCluster();
    const changes = [change("add-voter", 4), change("add-voter", 5), change("remove", 3)];
    cluster.step(1, { kind: "propose-conf-change", change: jointly("auto", ...changes) });
    for (const number of [1, 2, 4, 5]) {
      expect(cluster.member(number).node.confState).toEqual(buildConfState({ voters: [id(1), id(2), id(4), id(5)] }));
    }
    const joint = cluster
      .member(2)
      .events.flatMap((event) => (event.kind === "configuration-changed" ? [event.confState] : []));
    expect(joint[0]).toMatchObject({ voters: [1n, 2n, 4n, 5n], votersOutgoing: [1n, 2n, 3n], autoLeave: true });
    expect(cluster.member(1).events).toContainEqual({ kind: "auto-leave-proposed", term: 1, index: 3 });
  });

  it("needs both halves for every decision while it is joint", () => {
    const cluster = buildCluster();
    const changes = [change("add-voter", 4), change("add-voter", 5), change("remove", 2), change("remove", 3)];
    cluster.step(1, { kind: "propose-conf-change", change: jointly("explicit", ...changes) });
    for (const half of [
      [2, 3],
      [4, 5],
    ]) {
      const { commit } = cluster.member(1).node.status();
      cluster.cut(...half);
      cluster.step(1, { kind: "propose", data: bytes("y") });
      expect(cluster.member(1).node.status().commit).toBe(commit);
      cluster.join();
      cluster.tick(1, 1);
      expect(cluster.member(1).node.status().commit).toBe(commit + 1);
    }
    cluster.step(1, { kind: "propose-conf-change", change: jointly("auto") });
    expect(cluster.member(1).node.confState).toEqual(buildConfState({ voters: [id(1), id(4), id(5)] }));
  });

  it("tries to leave again when more is applied, if a transfer was in the way", () => {
    const cluster = buildCluster();
    cluster.cut(3);
    cluster.step(1, { kind: "propose", data: bytes("y") });
    const { node } = cluster.member(1);
    node.step({ kind: "propose-conf-change", change: jointly("implicit", change("add-learner", 4)) });
    node.step({ kind: "propose", data: bytes("z") });
    node.step({ kind: "transfer", to: id(3) });
    cluster.settle();
    expect(node.confState.votersOutgoing).toEqual([1n, 2n, 3n]);
    cluster.tick(1, 10);
    expect(node.confState.votersOutgoing).toEqual([1n, 2n, 3n]);
    cluster.step(1, { kind: "propose", data: bytes("w") });
    expect(node.confState.votersOutgoing).toEqual([]);
  });

  it("turns a demoted voter into a learner when the joint configuration is left", () => {
    const cluster = buildCluster();
    cluster.step(1, { kind: "propose-conf-change", change: jointly("explicit", change("add-learner", 3)) });
    expect(cluster.member(1).node.confState).toMatchObject({ learners: [], learnersNext: [3n] });
    cluster.step(1, { kind: "propose-conf-change", change: jointly("auto") });
    expect(cluster.member(1).node.confState).toMatchObject({ learners: [3n], learnersNext: [] });
  });

  it("lets a smaller quorum commit what waited for a larger one", () => {
    const cluster = new SmallCluster(buildConfState({ voters: [id(1), id(2)] }), 2);
    cluster.step(1, { kind: "campaign" });
    const { node } = cluster.member(1);
    const remove: ConfChange = { version: 1, change: change("remove", 2), context: none };
    node.step({ kind: "propose-conf-change", change: remove });
    cluster.settle();
    cluster.cut(2);
    cluster.step(1, { kind: "propose", data: bytes("alone") });
    expect(cluster.member(1).applied.map(text).at(-1)).toBe("alone");
  });

  it("leaves a removed leader in office until its host hands over", () => {
    const cluster = buildCluster();
    cluster.step(1, {
      kind: "propose-conf-change",
      change: { version: 1, change: change("remove", 1), context: none },
    });
    expect(cluster.member(1).node.status()).toMatchObject({ role: "leader", confState: { voters: [2n, 3n] } });
    cluster.step(1, { kind: "transfer", to: id(2) });
    expect(cluster.member(2).node.isLeader).toBe(true);
    cluster.step(2, { kind: "propose", data: bytes("y") });
    expect(cluster.member(3).applied.map(text).at(-1)).toBe("y");
  });

  it("ends a transfer to a member that it removes", () => {
    const cluster = buildCluster();
    cluster.cut(3);
    const { node } = cluster.member(1);
    node.step({ kind: "propose-conf-change", change: { version: 1, change: change("remove", 3), context: none } });
    node.step({ kind: "transfer", to: id(3) });
    expect(node.status().transferee).toBe(3n);
    cluster.settle();
    expect(node.status()).toMatchObject({ role: "leader", transferee: undefined });
    expect(cluster.member(1).events).toContainEqual({ kind: "transfer-ended", term: 1, to: 3n, reason: "not-a-voter" });
  });

  it("makes a removed or demoted leader step down at once when told to", () => {
    for (const kind of ["remove", "add-learner"] as const) {
      const cluster = buildCluster(() => ({ isStepDownOnRemovalOn: true }));
      cluster.step(1, { kind: "propose-conf-change", change: { version: 1, change: change(kind, 1), context: none } });
      expect(cluster.member(1).node.status()).toMatchObject({ role: "follower", leader: undefined });
    }
  });

  it("stops at a committed change that cannot be applied", () => {
    const cluster = buildCluster();
    const impossible = jointly("auto");
    expect(() => cluster.member(2).node.step({ kind: "conf-change-applied", change: impossible })).toThrow(
      "raft/invalid-conf-change reason=can't leave a non-joint config",
    );
  });
});
