import { describe, expect, it } from "vitest";
import { MemoryLog } from "../src/memory-log.js";
import { RaftNode } from "../src/raft-node.js";
import type { RaftOptions } from "../src/raft-options.js";
import { settingsOf } from "../src/raft-options.js";
import { at, buildConfState, buildEntries, buildMember, drain, id, term } from "./support/small-cluster.js";

const start = { kind: "restart", hardState: undefined, confState: buildConfState() } as const;

describe("settingsOf", () => {
  for (const [options, problem] of [
    [{ id: id(0) }, "the id is 64 bits and not zero"],
    [{ id: id(1n << 64n) }, "the id is 64 bits and not zero"],
    [{ heartbeatTicks: 0 }, "heartbeatTicks is at least 1"],
    [{ electionTicks: 2, heartbeatTicks: 2 }, "electionTicks is above heartbeatTicks"],
    [{ inflightMessagesMax: 0 }, "inflightMessagesMax is at least 1"],
    [{ inflightBytesMax: 10, messageBytesMax: 11 }, "inflightBytesMax is at least messageBytesMax"],
    [{ reads: "lease-based", isCheckQuorumOn: false }, "lease-based reads need check-quorum"],
  ] as const) {
    it(`refuses options for which this does not hold: ${problem}`, () => {
      const given: RaftOptions = { id: id(1), start, ...options };
      expect(() => settingsOf(given)).toThrow(`raft/invalid-options problem=${problem}`);
    });
  }

  it("names every problem at once", () => {
    const given: RaftOptions = { id: id(0), start, heartbeatTicks: 0, readsMax: 0 };
    expect(() => settingsOf(given)).toThrow(/the id.*; heartbeatTicks.*; readsMax/);
  });

  it("leaves no limit open", () => {
    const limits = Object.entries(settingsOf({ id: id(1), start })).filter(([name]) => name.endsWith("Max"));
    expect(limits.map(([name]) => name).sort()).toEqual([
      "applyingBytesMax",
      "inflightBytesMax",
      "inflightMessagesMax",
      "messageBytesMax",
      "readsMax",
      "uncommittedBytesMax",
    ]);
    for (const [name, value] of limits) expect(value, name).toBeLessThan(2 ** 30);
  });
});

describe("a start", () => {
  const three = buildConfState({ voters: [id(1), id(2), id(3)] });

  it("takes what is applied or compacted as committed, even if the stored commit index says less", () => {
    const hardState = { term: term(1), vote: undefined, commit: at(1) };
    const member = buildMember(id(1), three, { entries: buildEntries([1, 1, 1]), hardState, applied: 2 });
    expect(member.node.status()).toMatchObject({ commit: 2, applied: 2 });
    drain(member);
    expect(member.applied).toEqual([]);
    const log = new MemoryLog({ base: { index: at(7), term: term(1) } });
    const restart = { kind: "restart", hardState, confState: three } as const;
    const node = new RaftNode({ id: id(1), start: restart }, { random: { integer: (min) => min }, log });
    expect(node.status()).toMatchObject({ commit: 7, applied: 7, lastIndex: 7 });
  });

  it("enters the term of its last entry when the hard state that belongs to it did not come through", () => {
    const hardState = { term: term(2), vote: id(2), commit: at(0) };
    const member = buildMember(id(1), three, { entries: buildEntries([1, 3]), hardState });
    expect(member.node.status()).toMatchObject({ term: 3, vote: undefined });
    const expected = { mustSync: true, hardState: { term: 3, vote: undefined } };
    expect(member.node.takeReady()?.persist).toMatchObject(expected);
    // Also when none was ever stored.
    const first = buildMember(id(1), three, { entries: buildEntries([3]) });
    expect(first.node.takeReady()?.persist).toMatchObject(expected);
  });

  it("stops at a stored commit index beyond the log", () => {
    const hardState = { term: term(1), vote: undefined, commit: at(4) };
    expect(() => buildMember(id(1), three, { entries: buildEntries([1]), hardState })).toThrow("broken invariant");
  });

  it("founds a cluster whose members agree without having talked", () => {
    const peers = [id(1), id(2), id(3)].map((member) => ({ member, context: new Uint8Array([Number(member)]) }));
    const nodes = peers.map(({ member }) => {
      const ports = { random: { integer: (min: number) => min }, log: new MemoryLog() };
      return new RaftNode({ id: member, start: { kind: "bootstrap", peers } }, ports);
    });
    const persists = nodes.map((node) => node.takeReady()?.persist);
    for (const persist of persists) {
      expect(persist?.entries).toEqual(persists[0]?.entries);
      expect(persist).toMatchObject({ mustSync: true, hardState: { term: 1, vote: undefined, commit: 3 } });
    }
    expect(nodes.map((node) => node.confState)).toEqual([three, three, three]);
  });
});
