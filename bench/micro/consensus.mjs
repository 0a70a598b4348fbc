// The consensus core alone: propose, persist, commit, apply, with storage and network that take no time.
import { emptyConfState, MemoryLog, RaftNode } from "../../packages/raft/dist/index.js";
import { say, timeEach } from "./measure.mjs";

const payload = new Uint8Array(256);
const random = { integer: (min) => min };
const perReady = 100;

function cluster(size) {
  const voters = Array.from({ length: size }, (_, i) => BigInt(i + 1));
  const members = voters.map((id) => {
    const log = new MemoryLog();
    const start = { kind: "restart", hardState: undefined, confState: { ...emptyConfState, voters } };
    return { log, node: new RaftNode({ id, start }, { random, log }) };
  });
  const deliver = (envelopes) => {
    for (const { from, to, message } of envelopes)
      members[Number(to) - 1].node.step({ kind: "message", from, message });
  };
  const turn = ({ node, log }) => {
    const ready = node.takeReady();
    if (ready === undefined) return false;
    deliver(ready.sendNow);
    if (ready.persist !== undefined) {
      log.append(ready.persist.entries);
      deliver(ready.sendAfterPersist);
      if (ready.persist.done !== undefined) node.step(ready.persist.done);
    }
    const last = ready.committed.at(-1);
    if (last !== undefined) node.step({ kind: "applied", index: last.index });
    if (log.length > 10_000) log.compact(log.lastIndex - 5_000);
    return true;
  };
  const settle = () => {
    while (members.map(turn).includes(true)); // every member has a turn, until none of them has work
  };
  members[0].node.step({ kind: "campaign" });
  settle();
  return { leader: members[0].node, settle };
}

function perEntry(size) {
  const { leader, settle } = cluster(size);
  return timeEach(5000, (times) => {
    for (let i = 0; i < times; i += perReady) {
      for (let k = 0; k < perReady; k++) leader.step({ kind: "propose", data: payload });
      settle();
    }
  });
}

say([
  {
    id: "raft-entry-1",
    name: "consensus core: an entry, one member, 100 in a batch",
    value: perEntry(1).value,
    unit: "us",
  },
  {
    id: "raft-entry-3",
    name: "consensus core: an entry, all three members together, 100 in a batch",
    value: perEntry(3).value,
    unit: "us",
  },
]);
