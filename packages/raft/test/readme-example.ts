import type { MemberId } from "@quorate/common";
import { emptyConfState, type Envelope, MemoryLog, RaftNode, type Ready } from "../src/index.js";

const ids = [1n, 2n, 3n] as MemberId[];
const confState = { ...emptyConfState, voters: ids };
const random = { integer: (min: number) => min }; // a real one draws evenly from min to max
const inbox: Envelope[] = [];

const members = ids.map((id) => {
  const log = new MemoryLog(); // what is stored, kept in memory for followers that lag
  const node = new RaftNode({ id, start: { kind: "restart", hardState: undefined, confState } }, { random, log });
  return { id, log, node, applied: [] as string[] };
});

function handle({ log, node, applied }: (typeof members)[0], ready: Ready): void {
  inbox.push(...ready.sendNow); // safe before the write lands
  if (ready.persist !== undefined) {
    log.append(ready.persist.entries); // a real driver writes hard state and entries to disk here, and goes on
    inbox.push(...ready.sendAfterPersist); // this and what follows: when the disk has synced
    if (ready.persist.done !== undefined) node.step(ready.persist.done);
  }
  for (const entry of ready.committed) {
    if (entry.data.length > 0) applied.push(new TextDecoder().decode(entry.data));
    node.step({ kind: "applied", index: entry.index });
  }
}

function settle(): void {
  for (let isBusy = true; isBusy; ) {
    isBusy = false;
    for (const member of members) {
      for (let ready = member.node.takeReady(); ready !== undefined; ready = member.node.takeReady()) {
        handle(member, ready);
        isBusy = true;
      }
    }
    for (const { from, to, message } of inbox.splice(0)) {
      members.find(({ id }) => id === to)?.node.step({ kind: "message", from, message });
    }
  }
}

const [first] = members;
first?.node.step({ kind: "campaign" });
settle();
first?.node.step({ kind: "propose", data: new TextEncoder().encode("hello") });
settle();
for (const { id, node, applied } of members) console.log(`${id}: leader ${node.leader}, applied ${applied.join(" ")}`);
