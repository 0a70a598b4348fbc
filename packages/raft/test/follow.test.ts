import { AssertionError } from "@quorate/common";
import { describe, expect, it } from "vitest";
import type { Entry } from "../src/entry.js";
import type { RaftInput } from "../src/raft-input.js";
import {
  at,
  buildConfState,
  buildEntries,
  buildEntry,
  buildMember,
  bytes,
  drain,
  id,
  type MemberSetup,
  messagesOf,
  term,
  type TestMember,
} from "./support/small-cluster.js";

const three = buildConfState({ voters: [id(1), id(2), id(3)] });

/** A follower whose log has entries of these terms, of which `commit` are committed. */
function buildFollower(terms: readonly number[], commit: number, setup: MemberSetup = {}): TestMember {
  const hardState = { term: term(terms.at(-1) ?? 0), vote: undefined, commit: at(commit) };
  const member = buildMember(id(2), three, { ...setup, entries: buildEntries(terms), hardState });
  drain(member);
  return member;
}

function append(
  fields: Readonly<{ term: number; previous: readonly [number, number]; entries?: readonly Entry[]; commit?: number }>,
): RaftInput {
  const [index, ofTerm] = fields.previous;
  const previous = { index: at(index), term: term(ofTerm) };
  const { entries = [], commit = 0 } = fields;
  const message = { kind: "append", term: term(fields.term), previous, entries, commit: at(commit) } as const;
  return { kind: "message", from: id(1), message };
}

const accepted = (index: number, ofTerm: number): unknown => ({
  kind: "append-response",
  term: ofTerm,
  index,
  rejection: undefined,
});

describe("receiveAppend", () => {
  it("adds entries that follow, and answers when they are stored (Raft paper, figure 2)", () => {
    const member = buildFollower([1, 1], 0);
    const entry = buildEntry({ index: at(3), term: term(1) });
    member.node.step(append({ term: 1, previous: [2, 1], entries: [entry] }));
    const ready = member.node.takeReady();
    expect(ready?.persist).toMatchObject({ entries: [entry], mustSync: true, done: { upTo: { index: 3, term: 1 } } });
    expect(ready?.sendNow).toEqual([]);
    expect(messagesOf(ready?.sendAfterPersist ?? [])).toEqual([accepted(3, 1)]);
  });

  it("cuts what conflicts and keeps what agrees (Raft paper, section 5.3)", () => {
    const member = buildFollower([1, 1, 2, 2], 1);
    const entries = [buildEntry({ index: at(2), term: term(1) }), buildEntry({ index: at(3), term: term(3) })];
    member.node.step(append({ term: 3, previous: [1, 1], entries }));
    drain(member);
    expect([1, 2, 3, 4].map((index) => member.log.term(at(index)))).toEqual([1, 1, 3, undefined]);
    expect(member.events).toContainEqual({ kind: "entries-replaced", term: 3, from: 3 });
  });

  it("is not shortened by a late append that agrees with the beginning", () => {
    const member = buildFollower([1, 1, 1, 1], 0);
    member.node.step(append({ term: 1, previous: [1, 1], entries: [buildEntry({ index: at(2) })] }));
    expect(messagesOf(drain(member))).toEqual([accepted(2, 1)]);
    expect(member.node.status().lastIndex).toBe(4);
  });

  it("takes the commit index only up to what the leader is known to share (Raft paper, figure 2, rule 5)", () => {
    const member = buildFollower([1, 1, 1, 1], 0);
    member.node.step(
      append({ term: 2, previous: [1, 1], entries: [buildEntry({ index: at(2), term: term(1) })], commit: 4 }),
    );
    drain(member);
    expect(member.node.status().commit).toBe(2);
  });

  it("answers an append that begins below its commit index with that index", () => {
    const member = buildFollower([1, 1, 1], 2);
    member.node.step(append({ term: 1, previous: [0, 0], entries: buildEntries([1]) }));
    expect(messagesOf(drain(member))).toEqual([accepted(2, 1)]);
  });

  for (const [title, terms, previous, hint] of [
    ["its own end", [1, 1, 1, 4, 4, 4, 4], [10, 6], [7, 4]],
    [
      "the last entry whose term is not above the one asked about",
      [1, 1, 1, 4, 4, 5, 5, 6, 7, 7, 7, 7],
      [12, 6],
      [8, 6],
    ],
    ["nothing, from an empty log", [], [5, 1], [0, undefined]],
  ] as const) {
    it(`refuses what does not follow and points to ${title} (Raft paper, end of section 5.3)`, () => {
      const member = buildFollower(terms, 0);
      member.node.step(append({ term: 8, previous }));
      const rejection = { hint: hint[0], hintTerm: hint[1] };
      expect(messagesOf(drain(member))).toEqual([{ kind: "append-response", term: 8, index: previous[0], rejection }]);
    });
  }

  it("tells a leader of an older term about the newer one, so that it steps down", () => {
    const member = buildFollower([3], 0, { isCheckQuorumOn: true });
    member.node.step(append({ term: 2, previous: [0, 0] }));
    expect(messagesOf(drain(member))).toEqual([accepted(0, 3)]);
    const silent = buildFollower([3], 0);
    silent.node.step(append({ term: 2, previous: [0, 0] }));
    expect(drain(silent)).toEqual([]);
  });
});

describe("receiveHeartbeat", () => {
  it("keeps the follower from campaigning", () => {
    const member = buildFollower([1], 0);
    for (let i = 0; i < 50; i++) {
      if (i % 5 === 0) {
        const message = { kind: "heartbeat", term: term(1), commit: at(0), read: undefined } as const;
        member.node.step({ kind: "message", from: id(1), message });
      }
      member.node.step({ kind: "tick" });
    }
    expect(member.node.status()).toMatchObject({ role: "follower", leader: 1n, term: 1 });
  });

  it("is answered at once, with the read it carries", () => {
    const member = buildFollower([1, 1], 0);
    const message = { kind: "heartbeat", term: term(1), commit: at(1), read: 7 } as const;
    member.node.step({ kind: "message", from: id(1), message });
    expect(messagesOf(member.node.takeReady()?.sendNow ?? [])).toEqual([
      { kind: "heartbeat-response", term: 1, read: 7 },
    ]);
    expect(member.node.status().commit).toBe(1);
  });
});

describe("a member that lost what it had acknowledged", () => {
  it("stops when it is told that more is committed than it has", () => {
    const member = buildFollower([1, 1], 0);
    const message = { kind: "heartbeat", term: term(1), commit: at(9), read: undefined } as const;
    expect(() => member.node.step({ kind: "message", from: id(1), message })).toThrow(AssertionError);
  });
});

describe("receiveSnapshot", () => {
  const snapshot = {
    index: at(9),
    term: term(2),
    confState: buildConfState({ voters: [id(1), id(2)] }),
    data: bytes("state"),
  };
  const offer = (fields: Partial<typeof snapshot> = {}): RaftInput => ({
    kind: "message",
    from: id(1),
    message: { kind: "snapshot", term: term(2), snapshot: { ...snapshot, ...fields } },
  });

  it("takes its place of everything, and promises nothing before it is stored (Raft paper, section 7)", () => {
    const member = buildFollower([1, 1], 1);
    member.node.step(offer());
    const ready = member.node.takeReady();
    expect(ready?.persist).toMatchObject({ snapshot, entries: [], done: { snapshot: 9 }, hardState: { commit: 9 } });
    expect(messagesOf(ready?.sendAfterPersist ?? [])).toEqual([accepted(9, 2)]);
    expect(member.node.status()).toMatchObject({ commit: 9, applied: 1, firstIndex: 10, lastIndex: 9 });
    expect(member.node.confState).toEqual(snapshot.confState);
    member.log.applySnapshot(snapshot);
    member.node.step(ready?.persist?.done as RaftInput);
    expect(member.node.status()).toMatchObject({ applied: 9, firstIndex: 10 });
  });

  it("keeps the member from campaigning until it is stored", () => {
    const member = buildFollower([1, 1], 1);
    member.node.step(offer());
    const ready = member.node.takeReady();
    member.node.step({ kind: "campaign" });
    expect(member.node.status().role).toBe("follower");
    member.log.applySnapshot(snapshot);
    member.node.step(ready?.persist?.done as RaftInput);
    member.node.step({ kind: "campaign" });
    expect(member.node.status().role).toBe("candidate");
  });

  it("counts when it is stored even if the term has changed since", () => {
    const member = buildFollower([1, 1], 1);
    member.node.step(offer());
    const ready = member.node.takeReady();
    const vote = { kind: "vote-response", term: term(5), isGranted: false } as const;
    member.node.step({ kind: "message", from: id(1), message: vote });
    member.log.applySnapshot(snapshot);
    member.node.step(ready?.persist?.done as RaftInput);
    expect(member.node.status()).toMatchObject({ term: 5, applied: 9 });
  });

  for (const [title, fields, commit] of [
    ["not newer than what is committed", { index: at(1) }, 1],
    ["of a cluster this member is not in", { confState: buildConfState({ voters: [id(1)] }) }, 1],
    ["that the log has already, except for the commit index", { index: at(2), term: term(1) }, 2],
  ] as const) {
    it(`ignores one that is ${title}`, () => {
      const member = buildFollower([1, 1, 1], 1);
      member.node.step(offer(fields));
      expect(messagesOf(drain(member))).toEqual([accepted(commit, 2)]);
      expect(member.node.status()).toMatchObject({ lastIndex: 3, commit });
      expect(member.node.confState).toEqual(three);
    });
  }
});
