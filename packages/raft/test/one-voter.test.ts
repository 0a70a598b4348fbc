import type { LogIndex, MemberId, Term } from "@quorate/common";
import { describe, expect, it } from "vitest";
import { decodeConfChange } from "../src/codec/conf-change-codec.js";
import { emptyConfState } from "../src/conf-change.js";
import type { Entry, HardState } from "../src/entry.js";
import { MemoryLog } from "../src/memory-log.js";
import { RaftNode } from "../src/raft-node.js";
import type { RaftStart } from "../src/raft-options.js";
import type { PersistRequest, Ready } from "../src/ready.js";

const self = 0xffff_ffff_ffff_fff1n as MemberId;
const alone = { ...emptyConfState, voters: [self] };
const random = { integer: (min: number) => min };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (entry: Entry): string => new TextDecoder().decode(entry.data);

/** A driver whose storage is a promise: `sync` is what makes it durable. */
class OneMember {
  readonly log: MemoryLog;
  readonly node: RaftNode;
  readonly durable: Entry[] = [];
  hardState: HardState | undefined;
  readonly waiting: PersistRequest[] = [];
  readonly applied: Entry[] = [];

  constructor(start: RaftStart, recovered: readonly Entry[] = []) {
    this.log = new MemoryLog({ entries: recovered });
    this.durable.push(...recovered);
    this.node = new RaftNode({ id: self, start }, { random, log: this.log });
  }

  /** Handles what there is, without any write becoming durable. */
  turn(): readonly Ready[] {
    const readies: Ready[] = [];
    for (let ready = this.node.takeReady(); ready !== undefined; ready = this.node.takeReady()) {
      readies.push(ready);
      if (ready.persist !== undefined) {
        this.log.append(ready.persist.entries);
        this.waiting.push(ready.persist);
      }
      for (const entry of ready.committed) {
        this.applied.push(entry);
        if (entry.kind !== "normal") {
          this.node.step({ kind: "conf-change-applied", change: decodeConfChange(entry.kind, entry.data) });
        }
        this.node.step({ kind: "applied", index: entry.index });
      }
    }
    return readies;
  }

  sync(): void {
    for (const persist of this.waiting.splice(0)) {
      this.durable.push(...persist.entries);
      this.hardState = persist.hardState ?? this.hardState;
      if (persist.done !== undefined) this.node.step(persist.done);
    }
  }

  settle(): void {
    while (this.turn().length > 0 || this.waiting.length > 0) this.sync();
  }
}

describe("a cluster of one", () => {
  it("elects itself when its own vote is stored, not sooner (Raft paper, section 5.2)", () => {
    const member = new OneMember({ kind: "restart", hardState: undefined, confState: alone });
    member.node.step({ kind: "campaign" });
    member.turn();
    expect(member.node.isLeader).toBe(false);
    member.sync();
    member.turn();
    member.sync();
    expect(member.node.isLeader).toBe(true);
    expect(member.node.leader).toBe(self);
  });

  it("campaigns by itself after its timeout", () => {
    const member = new OneMember({ kind: "restart", hardState: undefined, confState: alone });
    for (let i = 0; i < 10; i++) member.node.step({ kind: "tick" });
    member.settle();
    expect(member.node.isLeader).toBe(true);
    for (let i = 0; i < 100; i++) member.node.step({ kind: "tick" });
    member.settle();
    expect(member.node.isLeader).toBe(true);
    expect(member.node.term).toBe(1);
  });

  it("commits what is stored and nothing else", () => {
    const member = new OneMember({ kind: "restart", hardState: undefined, confState: alone });
    member.node.step({ kind: "campaign" });
    member.settle();
    member.node.step({ kind: "propose", data: bytes("a") });
    member.node.step({ kind: "propose-batch", proposals: [{ data: bytes("b") }, { data: bytes("c") }] });
    const [ready] = member.turn();
    expect(ready?.persist?.entries.map(text)).toEqual(["a", "b", "c"]);
    expect(ready?.persist?.mustSync).toBe(true);
    expect(member.applied.map(text)).toEqual([""]);
    member.sync();
    member.turn();
    expect(member.applied.map(text)).toEqual(["", "a", "b", "c"]);
    expect(member.node.status().commit).toBe(4);
  });

  it("takes more proposals while a write is under way", () => {
    const member = new OneMember({ kind: "restart", hardState: undefined, confState: alone });
    member.node.step({ kind: "campaign" });
    member.settle();
    member.node.step({ kind: "propose", data: bytes("a") });
    member.turn();
    member.node.step({ kind: "propose", data: bytes("b") });
    member.turn();
    expect(member.waiting.map((persist) => persist.entries.map(text))).toEqual([["a"], ["b"]]);
    const second = member.waiting.pop() as PersistRequest;
    member.sync();
    member.turn();
    expect(member.applied.map(text)).toEqual(["", "a"]);
    member.waiting.unshift(second);
    member.settle();
    expect(member.applied.map(text)).toEqual(["", "a", "b"]);
  });

  it("goes on from a recovered hard state and recovered entries", () => {
    const first = new OneMember({ kind: "restart", hardState: undefined, confState: alone });
    first.node.step({ kind: "campaign" });
    first.settle();
    first.node.step({ kind: "propose", data: bytes("a") });
    first.settle();
    const second = new OneMember(
      { kind: "restart", hardState: first.hardState as HardState, confState: alone },
      first.durable,
    );
    second.settle();
    // The commit index is in the hard state, so what was committed is applied again before any election.
    expect(second.applied.map(text)).toEqual(["", "a"]);
    expect(second.node.term).toBe(1);
    second.node.step({ kind: "campaign" });
    second.settle();
    expect(second.node.term).toBe(2);
    second.node.step({ kind: "propose", data: bytes("b") });
    second.settle();
    expect(second.applied.map(text)).toEqual(["", "a", "", "b"]);
    expect(second.applied.map((entry) => entry.index)).toEqual([1, 2, 3, 4]);
  });

  it("hands nothing out again that the host says it has applied", () => {
    const entries: Entry[] = [1, 2, 3].map((index) => ({
      index: index as LogIndex,
      term: 1 as Term,
      kind: "normal",
      data: bytes(`${index}`),
    }));
    const hardState: HardState = { term: 1 as Term, vote: self, commit: 3 as LogIndex };
    const member = new OneMember({ kind: "restart", hardState, confState: alone, applied: 2 as LogIndex }, entries);
    member.settle();
    expect(member.applied.map(text)).toEqual(["3"]);
  });

  it("commits entries of an older term with its first own one (Raft paper, section 5.4.2)", () => {
    const entry: Entry = { index: 1 as LogIndex, term: 1 as Term, kind: "normal", data: bytes("old") };
    const hardState: HardState = { term: 1 as Term, vote: self, commit: 0 as LogIndex };
    const member = new OneMember({ kind: "restart", hardState, confState: alone }, [entry]);
    member.settle();
    expect(member.applied).toEqual([]);
    member.node.step({ kind: "campaign" });
    member.settle();
    expect(member.applied.map(text)).toEqual(["old", ""]);
  });

  it("is founded from a list of peers, whose entries the host applies", () => {
    const context = bytes("name");
    const member = new OneMember({ kind: "bootstrap", peers: [{ member: self, context }] });
    expect(member.node.status()).toMatchObject({ term: 1, commit: 1, applied: 0, confState: alone });
    member.node.step({ kind: "campaign" });
    // Not while the founding entries are unapplied.
    expect(member.node.status().role).toBe("follower");
    member.settle();
    expect(member.applied.map((entry) => decodeConfChange(entry.kind, entry.data))).toEqual([
      { version: 1, change: { kind: "add-voter", member: self }, context },
    ]);
    member.node.step({ kind: "campaign" });
    member.settle();
    expect(member.node.isLeader).toBe(true);
    expect(member.node.term).toBe(2);
  });

  it("answers a read only after its first own commit, then at once", () => {
    const member = new OneMember({ kind: "restart", hardState: undefined, confState: alone });
    member.node.step({ kind: "campaign" });
    member.turn();
    member.sync();
    member.turn();
    member.sync();
    expect(member.node.isLeader).toBe(true);
    member.node.step({ kind: "read-index", context: bytes("r1") });
    expect(member.turn().flatMap((ready) => ready.readStates)).toEqual([]);
    member.sync();
    expect(member.turn().flatMap((ready) => ready.readStates)).toEqual([{ index: 1, context: bytes("r1") }]);
    member.node.step({ kind: "read-index", context: bytes("r2") });
    expect(member.turn().flatMap((ready) => ready.readStates)).toEqual([{ index: 1, context: bytes("r2") }]);
  });

  it("refuses with the caller's number what it has no room for, and takes it again when entries are applied", () => {
    const log = new MemoryLog();
    const start: RaftStart = { kind: "restart", hardState: undefined, confState: alone };
    const node = new RaftNode({ id: self, start, uncommittedBytesMax: 10 }, { random, log });
    const settle = (): Entry[] => {
      const committed: Entry[] = [];
      for (let ready = node.takeReady(); ready !== undefined; ready = node.takeReady()) {
        log.append(ready.persist?.entries ?? []);
        if (ready.persist?.done !== undefined) node.step(ready.persist.done);
        committed.push(...ready.committed);
      }
      return committed;
    };
    node.step({ kind: "campaign" });
    node.step({ kind: "applied", index: settle().at(-1)?.index as LogIndex });
    const proposals = [6, 4, 1].map((length, proposalId) => ({ data: new Uint8Array(length), proposalId }));
    const fault = node.step({ kind: "propose-batch", proposals });
    expect(fault).toMatchObject({ code: "raft/proposal-dropped", reason: "uncommitted-limit", proposalId: 2 });
    expect(node.step({ kind: "propose", data: new Uint8Array(1), proposalId: 7 })).toMatchObject({ proposalId: 7 });
    const ready = node.takeReady() as Ready;
    expect(ready.refused.map((refused) => "proposalId" in refused && refused.proposalId)).toEqual([2, 7]);
    log.append(ready.persist?.entries ?? []);
    node.step(ready.persist?.done as NonNullable<PersistRequest["done"]>);
    // Committed is not enough: the limit is on what is not applied.
    expect(settle().map((entry) => entry.data.length)).toEqual([6, 4]);
    expect(node.step({ kind: "propose", data: new Uint8Array(1) })).toBeDefined();
    node.step({ kind: "applied", index: 3 as LogIndex });
    expect(node.step({ kind: "propose", data: new Uint8Array(1) })).toBeUndefined();
  });

  it("refuses a proposal while there is no leader", () => {
    const member = new OneMember({ kind: "restart", hardState: undefined, confState: alone });
    expect(member.node.step({ kind: "propose", data: bytes("a"), proposalId: 3 })).toEqual({
      code: "raft/proposal-dropped",
      reason: "no-leader",
      proposalId: 3,
      from: undefined,
    });
  });
});
