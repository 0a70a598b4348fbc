import { describe, expect, it } from "vitest";
import type { Entry } from "../src/entry.js";
import type { RaftMessage } from "../src/message.js";
import type { RaftInput } from "../src/raft-input.js";
import type { Ready } from "../src/ready.js";
import {
  at,
  buildConfState,
  buildEntry,
  buildMember,
  bytes,
  id,
  messagesOf,
  term,
  type TestMember,
} from "./support/small-cluster.js";

const three = buildConfState({ voters: [id(1), id(2), id(3)] });

function append(from: number, ofTerm: number, previous: readonly [number, number], ...entries: Entry[]): RaftInput {
  const message: RaftMessage = {
    kind: "append",
    term: term(ofTerm),
    previous: { index: at(previous[0]), term: term(previous[1]) },
    entries,
    commit: at(0),
  };
  return { kind: "message", from: id(from), message };
}

function take(member: TestMember): Ready {
  const ready = member.node.takeReady();
  if (ready === undefined) throw new Error("no Ready");
  return ready;
}

function done(ready: Ready): RaftInput {
  if (ready.persist?.done === undefined) throw new Error("nothing to confirm");
  return ready.persist.done;
}

describe("receivePersisted", () => {
  it("does not believe a late answer about an entry that was replaced and came back (ABA)", () => {
    const member = buildMember(id(3), three);
    const old = buildEntry({ index: at(1), term: term(1), data: bytes("old") });
    const other = buildEntry({ index: at(1), term: term(2), data: bytes("other") });
    member.node.step(append(1, 1, [0, 0], old));
    const first = take(member);
    member.node.step(append(2, 2, [0, 0], other));
    const second = take(member);
    member.node.step(append(1, 3, [0, 0], old));
    const third = take(member);
    expect(third.persist?.entries).toEqual([old]);
    // Storage has done the first write only: a reader would still find `other` there once the second is done.
    member.log.append([old]);
    member.node.step(done(first));
    member.log.append([other]);
    member.node.step(done(second));
    const heartbeat = { kind: "heartbeat", term: term(3), commit: at(1), read: undefined } as const;
    member.node.step({ kind: "message", from: id(1), message: heartbeat });
    expect(take(member).committed).toEqual([]);
    member.log.append([old]);
    member.node.step(done(third));
    expect(take(member).committed).toEqual([old]);
  });

  it("asks again about everything under way when the term changes, so that nothing stays unconfirmed", () => {
    const member = buildMember(id(3), three);
    member.node.step(append(1, 1, [0, 0], buildEntry({ index: at(1) })));
    const first = take(member);
    member.node.step({
      kind: "message",
      from: id(2),
      message: { kind: "heartbeat", term: term(2), commit: at(0), read: undefined },
    });
    const second = take(member);
    expect(second.persist).toMatchObject({
      entries: [],
      mustSync: true,
      done: { issuedInTerm: 2, upTo: { index: 1, term: 1 } },
    });
    member.log.append(first.persist?.entries ?? []);
    member.node.step(done(first));
    member.node.step(done(second));
    member.node.step({
      kind: "message",
      from: id(2),
      message: { kind: "heartbeat", term: term(2), commit: at(1), read: undefined },
    });
    expect(take(member).committed).toHaveLength(1);
  });

  it("does not count an own vote or acknowledgement of a term that has ended", () => {
    const member = buildMember(id(1), buildConfState({ voters: [id(1)], learners: [id(2)] }));
    member.node.step({ kind: "campaign" });
    const candidacy = take(member);
    const refusal = { kind: "vote-response", term: term(5), isGranted: false } as const;
    member.node.step({ kind: "message", from: id(2), message: refusal });
    member.node.step(done(candidacy));
    expect(member.node.status()).toMatchObject({ role: "follower", term: 5 });
  });

  it("confirms an older write while newer entries wait", () => {
    const member = buildMember(id(1), buildConfState({ voters: [id(1)] }));
    member.node.step({ kind: "campaign" });
    member.node.step(done(take(member)));
    const first = take(member);
    member.node.step({ kind: "propose", data: bytes("x") });
    const second = take(member);
    member.log.append(first.persist?.entries ?? []);
    member.node.step(done(first));
    expect(member.node.status().commit).toBe(1);
    member.log.append(second.persist?.entries ?? []);
    member.node.step(done(second));
    expect(member.node.status().commit).toBe(2);
  });
});

describe("takeReady", () => {
  it("lets a leader's appends go before its own write, and nobody's promises (thesis, section 10.2.1)", () => {
    const member = buildMember(id(1), three);
    member.node.step({ kind: "campaign" });
    const candidacy = take(member);
    expect(messagesOf(candidacy.sendNow).map(({ kind }) => kind)).toEqual(["vote", "vote"]);
    expect(candidacy.persist).toMatchObject({ mustSync: true, hardState: { term: 1, vote: 1n } });
    member.node.step(done(candidacy));
    member.node.step({
      kind: "message",
      from: id(2),
      message: { kind: "vote-response", term: term(1), isGranted: true },
    });
    const office = take(member);
    expect(messagesOf(office.sendNow).map(({ kind }) => kind)).toEqual(["append", "append"]);
    expect(office.sendAfterPersist).toEqual([]);
    expect(office.softState).toEqual({ leader: 1n, role: "leader" });
  });

  it("does not touch what it has handed out", () => {
    const member = buildMember(id(3), three);
    member.node.step({ kind: "tick" });
    member.node.step(append(1, 1, [0, 0], buildEntry({ index: at(1) })));
    const readies = [take(member)];
    for (let i = 2; i < 6; i++) {
      member.node.step({ kind: "propose", data: bytes("x") });
      readies.push(take(member));
      member.node.step(append(1, 1, [i - 1, 1], buildEntry({ index: at(i) })));
      readies.push(take(member));
    }
    const before = structuredClone(readies);
    member.node.step({ kind: "propose", data: bytes("x") });
    member.node.step(append(1, 1, [5, 1], buildEntry({ index: at(6) })));
    member.node.step({ kind: "campaign" });
    expect(readies).toEqual(before);
  });

  it("has nothing when nothing has happened", () => {
    const member = buildMember(id(3), three);
    expect(member.node.takeReady()).toBeUndefined();
    member.node.step({ kind: "tick" });
    expect(member.node.hasWork).toBe(false);
    expect(member.node.takeReady()).toBeUndefined();
  });

  it("asks for no sync when only the commit index has moved", () => {
    const member = buildMember(id(1), buildConfState({ voters: [id(1)] }));
    member.node.step({ kind: "campaign" });
    member.node.step(done(take(member)));
    const office = take(member);
    member.log.append(office.persist?.entries ?? []);
    member.node.step(done(office));
    const ready = take(member);
    expect(ready.persist).toEqual({
      hardState: { term: 1, vote: 1n, commit: 1 },
      entries: [],
      snapshot: undefined,
      mustSync: false,
      done: undefined,
    });
  });

  it("hands out committed entries up to the limit and goes on as they are applied", () => {
    const member = buildMember(id(1), buildConfState({ voters: [id(1)] }), { applyingBytesMax: 40 });
    member.node.step({ kind: "campaign" });
    member.node.step(done(take(member)));
    member.node.step({ kind: "propose-batch", proposals: ["a", "b", "c", "d"].map((data) => ({ data: bytes(data) })) });
    const ready = take(member);
    member.log.append(ready.persist?.entries ?? []);
    member.node.step(done(ready));
    expect(take(member).committed.map(({ index }) => index)).toEqual([1, 2]);
    expect(member.node.takeReady()).toBeUndefined();
    member.node.step({ kind: "applied", index: at(2) });
    expect(take(member).committed.map(({ index }) => index)).toEqual([3, 4]);
    member.node.step({ kind: "applied", index: at(4) });
    expect(take(member).committed.map(({ index }) => index)).toEqual([5]);
  });
});
