import type { LogIndex, MemberId } from "@quorate/common";
import { emptyConfState, MemoryLog, RaftNode } from "@quorate/raft";
import { describe, test } from "vitest";

const payload = new Uint8Array(256);
const random = { integer: (min: number) => min };
const ids = (count: number): MemberId[] => Array.from({ length: count }, (_, i) => BigInt(i + 1) as MemberId);

type Member = { node: RaftNode; log: MemoryLog; applied: number };

function buildMember(id: MemberId, voters: readonly MemberId[]): Member {
  const log = new MemoryLog();
  const confState = { ...emptyConfState, voters };
  const node = new RaftNode({ id, start: { kind: "restart", hardState: undefined, confState } }, { random, log });
  return { node, log, applied: 0 };
}

/** Storage and network that lose no time: what is left is the core. Keeps the last 5,000 entries, as a server does. */
function settle(members: readonly Member[]): void {
  for (let isBusy = true; isBusy; ) {
    isBusy = false;
    for (const member of members) {
      const ready = member.node.takeReady();
      if (ready === undefined) continue;
      isBusy = true;
      for (const { from, to, message } of ready.sendNow) {
        members[Number(to) - 1]?.node.step({ kind: "message", from, message });
      }
      if (ready.persist !== undefined) {
        member.log.append(ready.persist.entries);
        for (const { from, to, message } of ready.sendAfterPersist) {
          members[Number(to) - 1]?.node.step({ kind: "message", from, message });
        }
        if (ready.persist.done !== undefined) member.node.step(ready.persist.done);
      }
      const last = ready.committed.at(-1);
      if (last === undefined) continue;
      member.node.step({ kind: "applied", index: last.index });
      member.applied = last.index;
      if (member.log.length > 10_000) member.log.compact((last.index - 5_000) as LogIndex);
    }
  }
}

function buildCluster(count: number): readonly Member[] {
  const voters = ids(count);
  const members = voters.map((id) => buildMember(id, voters));
  members[0]?.node.step({ kind: "campaign" });
  settle(members);
  return members;
}

describe("propose, persist, persisted, committed: 1000 entries of 256 B", () => {
  for (const [count, batch] of [
    [1, 1],
    [1, 100],
    [3, 1],
    [3, 100],
  ] as const) {
    test(`members: ${count}, proposals in a Ready: ${batch}`, async ({ bench }) => {
      const members = buildCluster(count);
      const leader = members[0] as Member;
      const proposals = Array.from({ length: batch }, () => ({ data: payload }));
      const runSingle = (): void => {
        for (let i = 0; i < 1000; i += batch) {
          for (let k = 0; k < batch; k++) leader.node.step({ kind: "propose", data: payload });
          settle(members);
        }
      };
      const runBatch = (): void => {
        for (let i = 0; i < 1000; i += batch) {
          leader.node.step({ kind: "propose-batch", proposals });
          settle(members);
        }
      };
      const options = { time: 300, warmupTime: 200 };
      if (batch === 1) await bench("propose", runSingle).run(options);
      else await bench.compare(bench("propose", runSingle), bench("propose-batch", runBatch), options);
    });
  }
});
