import { describe, expect, it } from "vitest";
import type { RaftEvent } from "../src/raft-event.js";
import { buildConfState, bytes, id, SmallCluster } from "./support/small-cluster.js";

const three = buildConfState({ voters: [id(1), id(2), id(3)] });

const kindsOf = (events: readonly RaftEvent[]): readonly string[] => events.map(({ kind }) => kind);

describe("the events of a Ready", () => {
  it("tell an election from both sides", () => {
    const cluster = new SmallCluster(three, 3, () => ({ isPreVoteOn: true }));
    cluster.step(1, { kind: "campaign" });
    expect(cluster.member(1).events.slice(0, 10)).toEqual([
      { kind: "became-pre-candidate", term: 0 },
      { kind: "vote-counted", term: 0, from: 1n, isPreVote: true, isGranted: true },
      { kind: "vote-counted", term: 0, from: 2n, isPreVote: true, isGranted: true },
      { kind: "became-candidate", term: 1, isTransfer: false },
      { kind: "vote-counted", term: 1, from: 1n, isPreVote: false, isGranted: true },
      { kind: "vote-counted", term: 1, from: 2n, isPreVote: false, isGranted: true },
      { kind: "leader-changed", term: 1, leader: 1n },
      { kind: "became-leader", term: 1 },
      { kind: "peer-changed", term: 1, peer: 2n, state: "replicate" },
      { kind: "commit-advanced", term: 1, commit: 1, by: 2n },
    ]);
    expect(cluster.member(3).events).toEqual([
      { kind: "vote-answered", term: 0, candidate: 1n, isGranted: true, isPreVote: true },
      { kind: "became-follower", term: 1, leader: undefined },
      { kind: "vote-answered", term: 1, candidate: 1n, isGranted: true, isPreVote: false },
      { kind: "leader-changed", term: 1, leader: 1n },
      { kind: "commit-advanced", term: 1, commit: 1, by: undefined },
    ]);
  });

  it("tell whose acknowledgement completed the quorum", () => {
    const cluster = new SmallCluster(three, 3);
    cluster.step(1, { kind: "campaign" });
    cluster.cut(2);
    cluster.step(1, { kind: "propose", data: bytes("x") });
    expect(cluster.member(1).events.at(-1)).toEqual({ kind: "commit-advanced", term: 1, commit: 2, by: 3n });
  });

  it("tell the way of a member that needs a snapshot", () => {
    const cluster = new SmallCluster(three, 3);
    cluster.step(1, { kind: "campaign" });
    cluster.cut(3);
    for (let i = 0; i < 5; i++) cluster.step(1, { kind: "propose", data: bytes("x") });
    cluster.member(1).log.compact(cluster.member(1).node.status().applied);
    cluster.step(1, { kind: "unreachable", peer: id(3) });
    const before = cluster.member(1).events.length;
    cluster.join();
    cluster.tick(1, 1);
    expect(cluster.member(1).events.slice(before)).toEqual([
      { kind: "snapshot-sent", term: 1, peer: 3n, index: 6 },
      { kind: "peer-changed", term: 1, peer: 3n, state: "replicate" },
    ]);
    expect(kindsOf(cluster.member(3).events).slice(-2)).toEqual(["snapshot-restored", "configuration-changed"]);
  });

  it("cost nothing when nothing happens: a put of one voter has one", () => {
    const cluster = new SmallCluster(buildConfState({ voters: [id(1)] }), 1);
    cluster.step(1, { kind: "campaign" });
    const before = cluster.member(1).events.length;
    cluster.step(1, { kind: "propose-batch", proposals: Array(50).fill({ data: bytes("x") }) });
    expect(kindsOf(cluster.member(1).events).slice(before)).toEqual(["commit-advanced"]);
  });
});
