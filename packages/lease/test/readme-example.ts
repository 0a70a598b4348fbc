import type { LeaseId, LogIndex } from "@quorate/common";
import { Lessor } from "../src/index.js";

const lessor = new Lessor({ minTtlSeconds: 2 }, { observe: (event) => console.log(event.kind) });
const id = 7n as LeaseId;
let nowMs = 0;

// Apply: the same on every member, in the order of the log.
lessor.grant({ id, ttlSeconds: 10, grantedAt: 1 as LogIndex }, nowMs);
lessor.attach(id, [new TextEncoder().encode("lock/1")]);

// The leader only, once the first entry of its term is applied; 1000 ms is the election timeout.
lessor.promote(nowMs, 1000);
nowMs = 9_000;
console.log(lessor.renew(id, nowMs));

// On each tick of the leader: what `expired` names is proposed as one entry, and each member that applies it revokes.
nowMs = 19_000;
for (const overdue of lessor.tick(nowMs).expired) {
  const { keys } = lessor.revoke(overdue);
  console.log(overdue, keys.length);
}
