import { describe, expect, it } from "vitest";
import type { ConfChange } from "../src/conf-change.js";
import {
  buildConfState,
  buildMember,
  bytes,
  drain,
  id,
  messagesOf,
  SmallCluster,
  text,
} from "./support/small-cluster.js";

const three = buildConfState({ voters: [id(1), id(2), id(3)] });
const change = (kind: "add-voter" | "remove", member: number): ConfChange => ({
  version: 1,
  change: { kind, member: id(member) },
  context: new Uint8Array(0),
});

describe("propose", () => {
  it("is carried by the leader to every member", () => {
    const cluster = new SmallCluster(three, 3);
    cluster.step(1, { kind: "campaign" });
    cluster.step(1, { kind: "propose", data: bytes("x") });
    for (const member of cluster.members) expect(member.applied.map(text)).toEqual(["", "x"]);
  });

  it("is passed on by a follower, without the caller's number", () => {
    const cluster = new SmallCluster(three, 3);
    cluster.step(1, { kind: "campaign" });
    expect(cluster.step(2, { kind: "propose", data: bytes("x"), proposalId: 4 })).toBeUndefined();
    expect(cluster.sent).toContainEqual({
      from: 2n,
      to: 1n,
      message: { kind: "propose", entries: [{ kind: "normal", data: bytes("x") }] },
    });
    for (const member of cluster.members) expect(member.applied.map(text)).toEqual(["", "x"]);
  });

  it("comes back to the member it began at when that has become leader meanwhile", () => {
    const member = buildMember(id(1), buildConfState({ voters: [id(1)] }));
    member.node.step({ kind: "campaign" });
    drain(member);
    const message = { kind: "propose", entries: [{ kind: "normal", data: bytes("x") }] } as const;
    expect(member.node.step({ kind: "message", from: id(1), message })).toBeUndefined();
    drain(member);
    expect(member.applied.map(text)).toEqual(["", "x"]);
  });

  it("in a batch makes one append per follower", () => {
    const cluster = new SmallCluster(three, 3);
    cluster.step(1, { kind: "campaign" });
    const before = cluster.sent.length;
    cluster.step(1, { kind: "propose-batch", proposals: ["a", "b", "c"].map((data) => ({ data: bytes(data) })) });
    const appends = messagesOf(cluster.sent.slice(before)).filter(
      (message) => message.kind === "append" && message.entries.length > 0,
    );
    expect(appends).toHaveLength(2);
    expect(cluster.member(3).applied.map(text)).toEqual(["", "a", "b", "c"]);
  });

  for (const [title, prepare, reason] of [
    ["without a leader", (): SmallCluster => new SmallCluster(three, 3), "no-leader"],
    [
      "while it campaigns",
      (): SmallCluster => {
        const cluster = new SmallCluster(three, 3);
        cluster.cut(2);
        cluster.step(2, { kind: "campaign" });
        return cluster;
      },
      "electing",
    ],
    [
      "when it may not pass proposals on",
      (): SmallCluster => {
        const cluster = new SmallCluster(three, 3, () => ({ isForwardingOn: false }));
        cluster.step(1, { kind: "campaign" });
        return cluster;
      },
      "forwarding-disabled",
    ],
  ] as const) {
    it(`is refused by a member ${title}`, () => {
      const cluster = prepare();
      const fault = { code: "raft/proposal-dropped", reason, proposalId: 9, from: undefined };
      expect(cluster.step(2, { kind: "propose", data: bytes("x"), proposalId: 9 })).toEqual(fault);
      expect(cluster.member(2).refused).toEqual([fault]);
    });
  }

  it("is refused by a leader that has been removed", () => {
    const cluster = new SmallCluster(three, 3);
    cluster.step(1, { kind: "campaign" });
    cluster.step(1, { kind: "propose-conf-change", change: change("remove", 1) });
    expect(cluster.member(1).node.isLeader).toBe(true);
    expect(cluster.step(1, { kind: "propose", data: bytes("x") })).toMatchObject({ reason: "not-a-member" });
  });

  it("that was forwarded and then refused says from whom it came", () => {
    const cluster = new SmallCluster(three, 3);
    cluster.step(1, { kind: "campaign" });
    cluster.cut(3);
    cluster.step(1, { kind: "propose", data: bytes("x") });
    cluster.join();
    cluster.member(1).node.step({ kind: "transfer", to: id(3) });
    cluster.member(1).node.step({
      kind: "message",
      from: id(2),
      message: { kind: "propose", entries: [{ kind: "normal", data: bytes("y") }] },
    });
    const refused = { code: "raft/proposal-dropped", reason: "transferring", proposalId: undefined, from: 2n };
    expect(cluster.member(1).node.takeReady()?.refused).toEqual([refused]);
  });
});

describe("proposals of conf changes (thesis, section 4.1)", () => {
  it("one at a time: a second one becomes an empty entry until the first is applied", () => {
    const cluster = new SmallCluster(three, 4);
    cluster.step(1, { kind: "campaign" });
    const { node } = cluster.member(1);
    expect(node.step({ kind: "propose-conf-change", change: change("add-voter", 4) })).toBeUndefined();
    const refusal = {
      code: "raft/conf-change-refused",
      reason: "another change may be unapplied",
      proposalId: 2,
      from: undefined,
    };
    expect(node.step({ kind: "propose-conf-change", change: change("remove", 3), proposalId: 2 })).toEqual(refusal);
    cluster.settle();
    expect(cluster.member(2).applied.map(({ kind }) => kind)).toEqual(["normal", "conf-change", "normal"]);
    expect(node.confState.voters).toEqual([1n, 2n, 3n, 4n]);
    expect(cluster.step(1, { kind: "propose-conf-change", change: change("remove", 3) })).toBeUndefined();
    expect(node.confState.voters).toEqual([1n, 2n, 4n]);
  });

  it("not before a new leader has applied what it found in its log", () => {
    const member = buildMember(id(1), buildConfState({ voters: [id(1)] }));
    member.node.step({ kind: "campaign" });
    const vote = member.node.takeReady()?.persist?.done;
    if (vote !== undefined) member.node.step(vote);
    member.node.step({ kind: "propose", data: bytes("x") });
    expect(member.node.step({ kind: "propose-conf-change", change: change("add-voter", 2) })).toBeUndefined();
    expect(member.node.step({ kind: "propose-conf-change", change: change("add-voter", 3) })).toMatchObject({
      reason: "another change may be unapplied",
    });
  });

  const joint = buildConfState({ voters: [id(1)], votersOutgoing: [id(1), id(2)] });
  const none = new Uint8Array(0);
  for (const [confState, proposed, reason] of [
    [joint, change("add-voter", 3), "must leave the joint configuration first"],
    [joint, { version: 2, transition: "explicit", changes: [], context: none }, "config is already joint"],
    [three, { version: 2, transition: "auto", changes: [], context: none }, "not joint"],
    [buildConfState({ voters: [id(1)] }), change("remove", 1), "removed all voters"],
  ] as const) {
    it(`that cannot be applied never get into the log: ${reason}`, () => {
      const cluster = new SmallCluster(confState, 3);
      cluster.step(1, { kind: "campaign" });
      const input = { kind: "propose-conf-change", change: proposed as ConfChange } as const;
      expect(cluster.step(1, input)).toMatchObject({ code: "raft/conf-change-refused", reason });
      expect(cluster.member(1).applied.at(-1)).toMatchObject({ kind: "normal", data: none });
      expect(cluster.member(1).node.confState).toEqual(confState);
    });
  }
});

describe("the limit on the uncommitted size", () => {
  it("takes a proposal of any size when nothing waits, and empty ones always", () => {
    const cluster = new SmallCluster(three, 3, () => ({ uncommittedBytesMax: 10 }));
    cluster.step(1, { kind: "campaign" });
    cluster.cut(2, 3);
    expect(cluster.step(1, { kind: "propose", data: new Uint8Array(100) })).toBeUndefined();
    expect(cluster.step(1, { kind: "propose", data: new Uint8Array(1) })).toMatchObject({
      reason: "uncommitted-limit",
    });
    expect(cluster.step(1, { kind: "propose", data: new Uint8Array(0) })).toBeUndefined();
    cluster.join();
    cluster.tick(1, 1);
    expect(cluster.member(1).node.status()).toMatchObject({ commit: 3, applied: 3 });
    expect(cluster.step(1, { kind: "propose", data: new Uint8Array(1) })).toBeUndefined();
  });

  it("refuses a forwarded proposal as a whole", () => {
    const cluster = new SmallCluster(three, 3, () => ({ uncommittedBytesMax: 10 }));
    cluster.step(1, { kind: "campaign" });
    cluster.cut(3);
    cluster.member(1).node.step({ kind: "propose", data: new Uint8Array(8) });
    const entries = [1, 5].map((length) => ({ kind: "normal" as const, data: new Uint8Array(length) }));
    const before = cluster.member(1).node.status().lastIndex;
    cluster.member(1).node.step({ kind: "message", from: id(2), message: { kind: "propose", entries } });
    expect(cluster.member(1).node.status().lastIndex).toBe(before);
    expect(cluster.member(1).node.takeReady()?.refused).toHaveLength(2);
  });
});
