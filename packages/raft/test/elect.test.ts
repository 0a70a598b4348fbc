import { describe, expect, it } from "vitest";
import type { Entry } from "../src/entry.js";
import { MemoryLog } from "../src/memory-log.js";
import { RaftNode } from "../src/raft-node.js";
import {
  at,
  buildConfState,
  buildEntries,
  buildMember,
  drain,
  id,
  messagesOf,
  SmallCluster,
  term,
  turn,
} from "./support/small-cluster.js";

const three = buildConfState({ voters: [id(1), id(2), id(3)] });

describe("startElection", () => {
  it("asks every other voter with the last entry of the own log (Raft paper, section 5.2)", () => {
    const member = buildMember(id(2), three, {
      entries: buildEntries([1, 1]),
      hardState: { term: term(1), vote: undefined, commit: at(0) },
    });
    member.node.step({ kind: "campaign" });
    const last = { index: 2, term: 1 };
    expect(drain(member)).toEqual([
      { from: 2n, to: 1n, message: { kind: "vote", term: 2, last, isTransfer: false } },
      { from: 2n, to: 3n, message: { kind: "vote", term: 2, last, isTransfer: false } },
    ]);
    expect(member.node.status()).toMatchObject({ role: "candidate", term: 2, vote: 2n });
  });

  it("makes a candidate leader when a majority has voted for it, and not before", () => {
    const member = buildMember(id(1), buildConfState({ voters: [1, 2, 3, 4, 5].map((number) => id(number)) }));
    member.node.step({ kind: "campaign" });
    drain(member);
    const vote = { kind: "vote-response", term: term(1), isGranted: true } as const;
    member.node.step({ kind: "message", from: id(2), message: vote });
    // The same vote again is still one vote.
    member.node.step({ kind: "message", from: id(2), message: vote });
    expect(member.node.isLeader).toBe(false);
    member.node.step({ kind: "message", from: id(5), message: vote });
    expect(member.node.isLeader).toBe(true);
  });

  it("ends a candidacy that a majority has refused", () => {
    const member = buildMember(id(1), three);
    member.node.step({ kind: "campaign" });
    drain(member);
    for (const from of [id(2), id(3)]) {
      member.node.step({ kind: "message", from, message: { kind: "vote-response", term: term(1), isGranted: false } });
    }
    expect(member.node.status()).toMatchObject({ role: "follower", term: 1, vote: 1n });
  });

  it("makes a learner wait, however long (thesis, section 4.2.1)", () => {
    const member = buildMember(id(3), buildConfState({ voters: [id(1)], learners: [id(3)] }));
    for (let i = 0; i < 100; i++) member.node.step({ kind: "tick" });
    member.node.step({ kind: "campaign" });
    expect(member.node.status()).toMatchObject({ role: "follower", term: 0 });
  });

  it("makes a member wait whose committed conf change is not applied", () => {
    const change: Entry = {
      index: at(1),
      term: term(1),
      kind: "conf-change",
      data: new Uint8Array([0, 2, 0, 0, 0, 0, 0, 0, 0]),
    };
    const hardState = { term: term(1), vote: undefined, commit: at(1) };
    const member = buildMember(id(1), buildConfState({ voters: [id(1)] }), { entries: [change], hardState });
    member.node.step({ kind: "campaign" });
    expect(member.node.status()).toMatchObject({ role: "follower", term: 1 });
    drain(member);
    member.node.step({ kind: "campaign" });
    expect(member.node.status()).toMatchObject({ role: "candidate", term: 2 });
    expect(member.events).toContainEqual({ kind: "campaign-skipped", term: 1, reason: "unapplied-conf-change" });
  });

  it("draws a timeout between the plain one and twice that for each candidacy (Raft paper, section 5.2)", () => {
    const asked: [number, number][] = [];
    const random = {
      integer: (min: number, max: number): number => {
        asked.push([min, max]);
        return 12;
      },
    };
    const start = { kind: "restart", hardState: undefined, confState: three } as const;
    const node = new RaftNode({ id: id(1), start, isPreVoteOn: false }, { random, log: new MemoryLog() });
    for (let i = 0; i < 11; i++) node.step({ kind: "tick" });
    expect(node.status().role).toBe("follower");
    node.step({ kind: "tick" });
    expect(node.status().role).toBe("candidate");
    for (let i = 0; i < 12; i++) node.step({ kind: "tick" });
    expect(node.term).toBe(2);
    expect(asked).toEqual([
      [10, 19],
      [10, 19],
      [10, 19],
    ]);
  });
});

describe("answerVoteRequest", () => {
  const ask = (candidate: number, of: number, last: readonly [number, number]) =>
    ({
      kind: "message",
      from: id(candidate),
      message: { kind: "vote", term: term(of), last: { index: at(last[0]), term: term(last[1]) }, isTransfer: false },
    }) as const;

  it("gives one vote in a term (Raft paper, section 5.2)", () => {
    const member = buildMember(id(3), three);
    member.node.step(ask(1, 1, [0, 0]));
    member.node.step(ask(2, 1, [5, 1]));
    member.node.step(ask(1, 1, [0, 0]));
    expect(messagesOf(drain(member)).map((message) => "isGranted" in message && message.isGranted)).toEqual([
      true,
      false,
      true,
    ]);
    expect(member.node.status().vote).toBe(1n);
  });

  for (const [title, last, isGranted] of [
    ["an older last term", [9, 1], false],
    ["the same last term and a shorter log", [2, 2], false],
    ["the same last entry", [3, 2], true],
    ["a later last term and a shorter log", [1, 3], true],
  ] as const) {
    it(`${isGranted ? "votes for" : "refuses"} a candidate with ${title} (Raft paper, section 5.4.1)`, () => {
      const hardState = { term: term(2), vote: undefined, commit: at(0) };
      const member = buildMember(id(3), three, { entries: buildEntries([1, 2, 2]), hardState });
      member.node.step(ask(1, 4, last));
      const expected = { kind: "vote-response", term: 4, isGranted };
      expect(messagesOf(drain(member))).toEqual([expected]);
      expect(member.node.status().term).toBe(4);
    });
  }

  it("makes the vote durable before it is sent", () => {
    const member = buildMember(id(3), three);
    member.node.step(ask(1, 1, [0, 0]));
    const ready = member.node.takeReady();
    expect(ready?.sendNow).toEqual([]);
    expect(ready?.sendAfterPersist).toHaveLength(1);
    expect(ready?.persist).toMatchObject({ mustSync: true, hardState: { term: 1, vote: 1n } });
  });

  it("makes a vote durable that is given in a term entered before", () => {
    const member = buildMember(id(3), three);
    const refusal = { kind: "vote-response", term: term(4), isGranted: false } as const;
    member.node.step({ kind: "message", from: id(2), message: refusal });
    expect(member.node.takeReady()?.persist).toMatchObject({ mustSync: true, hardState: { term: 4, vote: undefined } });
    member.node.step(ask(1, 4, [0, 0]));
    expect(member.node.takeReady()?.persist).toMatchObject({ mustSync: true, hardState: { term: 4, vote: 1n } });
  });

  it("lets a learner vote when asked, since the one who asks may know a newer configuration", () => {
    const member = buildMember(id(3), buildConfState({ voters: [id(1), id(2)], learners: [id(3)] }));
    member.node.step(ask(1, 1, [0, 0]));
    expect(messagesOf(drain(member))).toEqual([{ kind: "vote-response", term: 1, isGranted: true }]);
  });
});

describe("pre-vote (thesis, section 9.6)", () => {
  it("raises no term until a majority would vote", () => {
    const cluster = new SmallCluster(three, 3, () => ({ isPreVoteOn: true }));
    cluster.cut(1);
    cluster.tick(1, 50);
    expect(cluster.member(1).node.status()).toMatchObject({ role: "pre-candidate", term: 0 });
    cluster.join();
    cluster.step(1, { kind: "campaign" });
    expect(cluster.member(1).node.status()).toMatchObject({ role: "leader", term: 1 });
    for (const number of [2, 3]) expect(cluster.member(number).node.status()).toMatchObject({ term: 1, vote: 1n });
  });

  it("does not let a member that was away disturb a leader", () => {
    const cluster = new SmallCluster(three, 3, () => ({ isPreVoteOn: true, isCheckQuorumOn: true }));
    cluster.step(1, { kind: "campaign" });
    cluster.cut(3);
    cluster.tick(3, 100);
    cluster.join();
    cluster.tick(3, 30);
    expect(cluster.member(1).node.status()).toMatchObject({ role: "leader", term: 1 });
    cluster.tick(1, 1);
    expect(cluster.member(3).node.status()).toMatchObject({ role: "follower", leader: 1n, term: 1 });
  });

  it("promises nothing: a member grants it to any number and keeps its vote", () => {
    const member = buildMember(id(3), three, { isPreVoteOn: true });
    for (const from of [id(1), id(2)]) {
      const last = { index: at(0), term: term(0) };
      member.node.step({ kind: "message", from, message: { kind: "pre-vote", term: term(1), last } });
    }
    const granted = { kind: "pre-vote-response", term: 1, isGranted: true };
    expect(messagesOf(drain(member))).toEqual([granted, granted]);
    expect(member.node.status()).toMatchObject({ term: 0, vote: undefined });
  });

  it("ends with the term of whoever refuses from a later one", () => {
    const member = buildMember(id(1), three, { isPreVoteOn: true });
    member.node.step({ kind: "campaign" });
    turn(member);
    const refusal = { kind: "pre-vote-response", term: term(7), isGranted: false } as const;
    member.node.step({ kind: "message", from: id(2), message: refusal });
    expect(member.node.status()).toMatchObject({ role: "follower", term: 7 });
  });
});
