import { describe, expect, it } from "vitest";
import type { RaftMessage } from "../src/message.js";
import type { MemberProgress } from "../src/raft-status.js";
import {
  at,
  buildConfState,
  buildEntries,
  buildMember,
  bytes,
  drain,
  id,
  type MemberSetup,
  messagesOf,
  SmallCluster,
  term,
  type TestMember,
} from "./support/small-cluster.js";

const three = buildConfState({ voters: [id(1), id(2), id(3)] });

function receive(member: TestMember, from: number, message: RaftMessage): void {
  member.node.step({ kind: "message", from: id(from), message });
}

function accept(member: TestMember, from: number, index: number): void {
  receive(member, from, { kind: "append-response", term: member.node.term, index: at(index), rejection: undefined });
}

/** Leader 1 of a log with these terms; nobody has answered its first append yet. */
function buildLeader(terms: readonly number[], setup: MemberSetup = {}): TestMember {
  const hardState = { term: term(terms.at(-1) ?? 0), vote: undefined, commit: at(0) };
  const member = buildMember(id(1), three, { ...setup, entries: buildEntries(terms), hardState });
  member.node.step({ kind: "campaign" });
  drain(member);
  receive(member, 2, { kind: "vote-response", term: member.node.term, isGranted: true });
  drain(member);
  expect(member.node.isLeader).toBe(true);
  return member;
}

function progressOf(member: TestMember, number: number): MemberProgress | undefined {
  return member.node.status().progress.find((progress) => progress.member === id(number));
}

const appendsTo = (member: TestMember, number: number): readonly Extract<RaftMessage, { kind: "append" }>[] =>
  drain(member).flatMap(({ to, message }) => (to === id(number) && message.kind === "append" ? [message] : []));

describe("the commit index of a leader", () => {
  it("moves when a majority has stored an entry of its term (Raft paper, section 5.3)", () => {
    const member = buildLeader([]);
    expect(member.node.status().commit).toBe(0);
    accept(member, 3, 1);
    expect(member.node.status().commit).toBe(1);
    drain(member);
    expect(member.events).toContainEqual({ kind: "commit-advanced", term: 1, commit: 1, by: 3n });
  });

  it("does not move for entries of older terms, however many have them (Raft paper, figure 8)", () => {
    const member = buildLeader([1, 2, 2]);
    for (const from of [2, 3]) accept(member, from, 3);
    expect(member.node.status()).toMatchObject({ commit: 0, term: 3, lastIndex: 4 });
    accept(member, 2, 4);
    expect(member.node.status().commit).toBe(4);
  });

  it("needs the own entry to be stored like anybody's (thesis, section 10.2.1)", () => {
    const member = buildMember(id(1), buildConfState({ voters: [id(1), id(2)] }));
    member.node.step({ kind: "campaign" });
    drain(member);
    receive(member, 2, { kind: "vote-response", term: term(1), isGranted: true });
    const ready = member.node.takeReady();
    expect(messagesOf(ready?.sendNow ?? [])).toHaveLength(1);
    accept(member, 2, 1);
    expect(member.node.status().commit).toBe(0);
    member.log.append(ready?.persist?.entries ?? []);
    member.node.step(ready?.persist?.done as NonNullable<NonNullable<typeof ready>["persist"]>["done"] & object);
    expect(member.node.status().commit).toBe(1);
  });

  it("may move by a majority that the leader is not part of, before its own write is done", () => {
    const member = buildLeader([]);
    member.node.step({ kind: "propose", data: bytes("x") });
    const ready = member.node.takeReady();
    for (const from of [2, 3]) accept(member, from, 2);
    expect(member.node.status().commit).toBe(2);
    // Committed or not, it is handed out for application when it is stored here.
    expect(member.node.takeReady()?.committed.map(({ index }) => index)).toEqual([1]);
    member.log.append(ready?.persist?.entries ?? []);
    member.node.step(ready?.persist?.done as NonNullable<NonNullable<typeof ready>["persist"]>["done"] & object);
    member.node.step({ kind: "applied", index: at(1) });
    expect(member.node.takeReady()?.committed.map(({ index }) => index)).toEqual([2]);
  });
});

describe("receiveAppendResponse", () => {
  for (const [title, hint, hintTerm, previous] of [
    ["skips the follower's entries of later terms", 18, 6, 18],
    ["skips its own entries of terms the follower does not have", 20, 3, 13],
    ["goes to the follower's end", 17, 4, 15],
    ["takes a hint without a term as it is", 4, undefined, 4],
  ] as const) {
    it(`${title} after a refusal (Raft paper, end of section 5.3)`, () => {
      // Terms of entries 11 to 21: 1 1 1 4 4 5 5 6 6 6 8; those before are of term 1.
      const member = buildLeader([...Array(10).fill(1), 1, 1, 1, 4, 4, 5, 5, 6, 6, 6]);
      const rejection = { hint: at(hint), hintTerm: hintTerm === undefined ? undefined : term(hintTerm) };
      receive(member, 2, { kind: "append-response", term: member.node.term, index: at(20), rejection });
      expect(appendsTo(member, 2).map((message) => message.previous.index)).toEqual([previous]);
    });
  }

  it("probes with one append at a time, and streams once the logs agree (thesis, section 10.2.1)", () => {
    const member = buildLeader([]);
    for (const data of ["a", "b"]) member.node.step({ kind: "propose", data: bytes(data) });
    expect(appendsTo(member, 2)).toEqual([]);
    expect(progressOf(member, 2)).toMatchObject({ state: "probe", isPaused: true });
    accept(member, 2, 1);
    expect(
      appendsTo(member, 2)
        .flatMap(({ entries }) => entries)
        .map(({ index }) => index),
    ).toEqual([2, 3]);
    for (const data of ["c", "d"]) member.node.step({ kind: "propose", data: bytes(data) });
    expect(appendsTo(member, 2).map(({ previous }) => previous.index)).toEqual([3, 4]);
    expect(progressOf(member, 2)).toMatchObject({ state: "replicate", match: 1, next: 6, inflight: 3 });
  });

  it("gives members that are equally far the same list of entries, so that it is encoded once", () => {
    const member = buildLeader([]);
    for (const from of [2, 3]) accept(member, from, 1);
    drain(member);
    member.node.step({ kind: "propose", data: bytes("x") });
    const [a, b] = messagesOf(drain(member)).flatMap((message) => (message.kind === "append" ? [message.entries] : []));
    expect(a).toHaveLength(1);
    expect(b).toBe(a);
  });

  it("keeps to the number of appends on their way", () => {
    const member = buildLeader([], { inflightMessagesMax: 2 });
    accept(member, 2, 1);
    drain(member);
    for (const data of ["a", "b", "c"]) member.node.step({ kind: "propose", data: bytes(data) });
    expect(appendsTo(member, 2).map(({ entries }) => entries.length)).toEqual([1, 1]);
    expect(progressOf(member, 2)).toMatchObject({ isInflightFull: true, isPaused: true });
    // A heartbeat response lets one empty append through, whose answer frees the window.
    receive(member, 2, { kind: "heartbeat-response", term: term(1), read: undefined });
    expect(appendsTo(member, 2).map(({ entries }) => entries.length)).toEqual([0]);
    accept(member, 2, 3);
    expect(
      appendsTo(member, 2)
        .flatMap(({ entries }) => entries)
        .map(({ index }) => index),
    ).toEqual([4]);
  });

  it("keeps to the bytes on their way, and to the size of a message", () => {
    const byBytes = buildLeader([], { inflightBytesMax: 6, messageBytesMax: 0 });
    accept(byBytes, 2, 1);
    drain(byBytes);
    for (const data of ["abc", "def", "ghi"]) byBytes.node.step({ kind: "propose", data: bytes(data) });
    expect(appendsTo(byBytes, 2)).toHaveLength(2);
    const bySize = buildLeader([], { messageBytesMax: 2 * (3 + 16) });
    const proposals = ["abc", "def", "ghi"].map((data) => ({ data: bytes(data) }));
    bySize.node.step({ kind: "propose-batch", proposals });
    accept(bySize, 2, 1);
    expect(appendsTo(bySize, 2).map(({ entries }) => entries.length)).toEqual([2, 1]);
  });

  it("ignores an answer that is late", () => {
    const member = buildLeader([1, 1]);
    accept(member, 2, 3);
    drain(member);
    const rejection = { hint: at(0), hintTerm: undefined };
    receive(member, 2, { kind: "append-response", term: member.node.term, index: at(2), rejection });
    expect(progressOf(member, 2)).toMatchObject({ state: "replicate", match: 3 });
    accept(member, 2, 1);
    expect(progressOf(member, 2)).toMatchObject({ state: "replicate", match: 3 });
  });

  it("steps down for an answer of a later term (Raft paper, section 5.1)", () => {
    const member = buildLeader([]);
    receive(member, 2, { kind: "append-response", term: term(9), index: at(0), rejection: undefined });
    expect(member.node.status()).toMatchObject({ role: "follower", term: 9, leader: undefined });
  });
});

describe("snapshots of a leader", () => {
  /** A leader that has compacted its log up to entry 3 and knows that member 2 needs more. */
  function buildCompactedLeader(): TestMember {
    const member = buildLeader([1, 1, 1]);
    accept(member, 3, 4);
    drain(member);
    member.log.compact(at(3));
    const rejection = { hint: at(0), hintTerm: undefined };
    receive(member, 2, { kind: "append-response", term: member.node.term, index: at(3), rejection });
    return member;
  }

  it("go to a member that needs what is compacted, and nothing else until it has it (Raft paper, section 7)", () => {
    const member = buildCompactedLeader();
    const [message] = messagesOf(drain(member));
    expect(message).toMatchObject({ kind: "snapshot", snapshot: { index: 4, term: 2, confState: three } });
    member.node.step({ kind: "propose", data: bytes("x") });
    expect(appendsTo(member, 2)).toEqual([]);
    expect(progressOf(member, 2)).toMatchObject({ state: "snapshot", pendingSnapshot: 4, next: 5 });
    accept(member, 2, 4);
    expect(
      appendsTo(member, 2)
        .flatMap(({ entries }) => entries)
        .map(({ index }) => index),
    ).toEqual([5]);
    expect(progressOf(member, 2)).toMatchObject({ state: "replicate" });
  });

  it("are tried again when one got lost", () => {
    const member = buildCompactedLeader();
    drain(member);
    member.node.step({ kind: "snapshot-status", peer: id(2), isDelivered: false });
    expect(progressOf(member, 2)).toMatchObject({ state: "probe", next: 1, isPaused: true });
    receive(member, 2, { kind: "heartbeat-response", term: member.node.term, read: undefined });
    expect(messagesOf(drain(member))).toMatchObject([{ kind: "snapshot" }]);
  });

  it("are followed by what comes after once the host says that one has arrived", () => {
    const member = buildCompactedLeader();
    drain(member);
    member.node.step({ kind: "snapshot-status", peer: id(2), isDelivered: true });
    expect(progressOf(member, 2)).toMatchObject({ state: "probe", next: 5, isPaused: true });
  });

  it("do not go to a member that has not been heard from", () => {
    const member = buildLeader([1, 1, 1]);
    accept(member, 3, 4);
    drain(member);
    member.log.compact(at(4));
    member.node.step({ kind: "propose", data: bytes("x") });
    expect(drain(member).filter(({ to }) => to === id(2))).toEqual([]);
  });
});

describe("noteUnreachable", () => {
  it("goes back to probing", () => {
    const member = buildLeader([]);
    accept(member, 2, 1);
    member.node.step({ kind: "propose", data: bytes("x") });
    member.node.step({ kind: "unreachable", peer: id(2) });
    expect(progressOf(member, 2)).toMatchObject({ state: "probe", next: 2 });
  });
});

describe("heartbeats", () => {
  it("never carry a commit index past what the member is known to have", () => {
    const member = buildLeader([1, 1]);
    accept(member, 2, 3);
    drain(member);
    member.node.step({ kind: "tick" });
    const commits = messagesOf(drain(member)).flatMap((message) =>
      message.kind === "heartbeat" ? [message.commit] : [],
    );
    expect(commits).toEqual([3, 0]);
  });
});

describe("checkQuorum (thesis, section 6.2)", () => {
  it("makes a leader step down that a quorum does not answer", () => {
    const cluster = new SmallCluster(three, 3, () => ({ isCheckQuorumOn: true }));
    cluster.step(1, { kind: "campaign" });
    cluster.tick(1, 40);
    expect(cluster.member(1).node.isLeader).toBe(true);
    cluster.cut(2, 3);
    cluster.tick(1, 20);
    expect(cluster.member(1).node.status()).toMatchObject({ role: "follower", leader: undefined, term: 1 });
    expect(cluster.member(1).events).toContainEqual({ kind: "quorum-lost", term: 1 });
  });

  it("counts voters only", () => {
    const confState = buildConfState({ voters: [id(1), id(2)], learners: [id(3)] });
    const cluster = new SmallCluster(confState, 3, () => ({ isCheckQuorumOn: true }));
    cluster.step(1, { kind: "campaign" });
    cluster.cut(2);
    cluster.tick(1, 20);
    expect(cluster.member(1).node.isLeader).toBe(false);
  });

  it("keeps members from deposing a leader they hear from", () => {
    const cluster = new SmallCluster(three, 3, () => ({ isCheckQuorumOn: true }));
    cluster.step(1, { kind: "campaign" });
    cluster.step(3, { kind: "campaign" });
    expect(cluster.member(2).node.status()).toMatchObject({ leader: 1n, term: 1 });
    expect(cluster.member(2).events).toContainEqual({ kind: "vote-ignored", term: 1, candidate: 3n, requestTerm: 2 });
  });
});
