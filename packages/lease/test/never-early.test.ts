import type { LeaseId, LogIndex } from "@quorate/common";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LeaseCheckpoint, Lessor } from "../src/index.js";
import { entry, leaseId } from "./build.js";

const electionTimeoutMs = 1000;

type Operation =
  | { kind: "grant"; id: LeaseId; ttl: number }
  | { kind: "revoke"; id: LeaseId }
  | { kind: "clear"; id: LeaseId; renewedAtMs: number; by: Member }
  | { kind: "expire"; ids: readonly LeaseId[]; seen: LogIndex; term: number }
  | { kind: "checkpoint"; checkpoints: readonly LeaseCheckpoint[]; seen: LogIndex; term: number }
  | { kind: "empty"; leader: Member };
type Entry = { term: number; operation: Operation };
type Member = { lessor: Lessor; applied: number; term: number };

/**
 * Three members, one log, one clock. A deposed leader does not notice for up to an election timeout: it answers renewals, and what
 * it proposes reaches the log through the new leader. Entries that are not committed may get lost when the leader changes. What a
 * client was promised is written down; an expiry that takes effect earlier is the bug looked for.
 */
class Cluster {
  nowMs = 0;
  term = 0;
  committed = 0;
  readonly log: Entry[] = [];
  readonly members: Member[] = [0, 1, 2].map(() => ({ lessor: this.newLessor(), applied: 0, term: 0 }));
  leader: Member = this.members[0] as Member;
  deposed: { member: Member; untilMs: number } | undefined;
  /** By id: which grant the promise belongs to, and until when the lease must live. */
  readonly promises = new Map<LeaseId, { grantedAt: number; untilMs: number }>();
  expiries = 0;

  newLessor(): Lessor {
    return new Lessor({
      checkpointIntervalSeconds: 1,
      lookIntervalMs: 20,
      spreadFrom: 3,
      spreadPerSecond: 2,
      retryMs: 1500,
    });
  }

  /** What a deposed leader proposes is handed on to the new one, so it enters the log with the new term. */
  propose(operation: Operation): void {
    this.log.push({ term: this.term, operation });
  }

  elect(member: Member, keep: number): void {
    this.stepDown();
    this.log.length = Math.max(this.committed, Math.min(this.log.length, this.committed + keep));
    if (this.leader !== member) this.deposed = { member: this.leader, untilMs: this.nowMs + electionTimeoutMs };
    else member.lessor.demote();
    this.term += 1;
    this.leader = member;
    member.term = this.term;
    this.propose({ kind: "empty", leader: member });
  }

  stepDown(): void {
    this.deposed?.member.lessor.demote();
    this.deposed = undefined;
  }

  wait(ms: number): void {
    this.nowMs += ms;
    if (this.deposed !== undefined && this.nowMs >= this.deposed.untilMs) this.stepDown();
  }

  apply(member: Member, count: number): void {
    for (let i = 0; i < count && member.applied < this.committed; i++) {
      const { term, operation } = this.log[member.applied] as Entry;
      // Whoever sees a later term knows that it leads no more.
      if (term > member.term) member.lessor.demote();
      member.applied += 1;
      this.applyOne(member, term, operation);
    }
  }

  applyOne(member: Member, term: number, operation: Operation): void {
    const { lessor, applied } = member;
    const isProposer = member === this.leader && term === this.term;
    switch (operation.kind) {
      case "empty":
        // A leader may only begin once all earlier entries are applied; one that was deposed since must not.
        if (operation.leader === member && isProposer) lessor.promote(this.nowMs, electionTimeoutMs);
        return;
      case "grant":
        if (lessor.has(operation.id)) return;
        lessor.grant({ id: operation.id, ttlSeconds: operation.ttl, grantedAt: entry(applied) }, this.nowMs);
        if (isProposer) this.promise(operation.id, applied, this.nowMs + operation.ttl * 1000);
        return;
      case "revoke":
        if (lessor.has(operation.id)) lessor.revoke(operation.id);
        return;
      case "clear": {
        const record = lessor.checkpoint(operation.id, undefined);
        if (record === undefined || operation.by !== member || !isProposer) return;
        this.promise(record.id, record.grantedAt, operation.renewedAtMs + record.ttlSeconds * 1000);
        return;
      }
      case "checkpoint":
        if (operation.term !== term) return;
        for (const { id, remainingTtlSeconds } of operation.checkpoints) {
          if (!lessor.isStale(id, operation.seen)) lessor.checkpoint(id, remainingTtlSeconds);
        }
        return;
      case "expire":
        if (operation.term !== term) return;
        for (const id of operation.ids) this.expire(member, id, operation.seen);
    }
  }

  expire(member: Member, id: LeaseId, seen: LogIndex): void {
    if (member.lessor.isStale(id, seen)) return;
    const grantedAt = member.lessor.records().find((record) => record.id === id)?.grantedAt;
    const promise = this.promises.get(id);
    if (promise?.grantedAt === grantedAt) expect(this.nowMs).toBeGreaterThanOrEqual(promise?.untilMs ?? 0);
    member.lessor.revoke(id);
    this.expiries += 1;
  }

  promise(id: LeaseId, grantedAt: number, untilMs: number): void {
    const before = this.promises.get(id);
    if (before !== undefined && before.grantedAt > grantedAt) return;
    const earlier = before?.grantedAt === grantedAt ? before.untilMs : 0;
    this.promises.set(id, { grantedAt, untilMs: Math.max(untilMs, earlier) });
  }

  renew(member: Member, id: LeaseId): void {
    if (!member.lessor.isPrimary) return;
    const renewal = member.lessor.renew(id, this.nowMs);
    if (renewal.kind !== "renewed") return;
    if (renewal.clearsCheckpoint) {
      if (member === this.leader) this.propose({ kind: "clear", id, renewedAtMs: this.nowMs, by: member });
      return;
    }
    const record = member.lessor.records().find((each) => each.id === id);
    this.promise(id, record?.grantedAt ?? 0, this.nowMs + renewal.ttlSeconds * 1000);
  }

  tick(member: Member): void {
    const { expired, checkpoints } = member.lessor.tick(this.nowMs);
    const { applied, term } = member;
    if (expired.length > 0) this.propose({ kind: "expire", ids: expired, seen: entry(applied), term });
    if (checkpoints.length > 0) this.propose({ kind: "checkpoint", checkpoints, seen: entry(applied), term });
  }

  checkpointAll({ lessor, applied, term }: Member): void {
    for (const checkpoints of lessor.checkpointAll(this.nowMs)) {
      this.propose({ kind: "checkpoint", checkpoints, seen: entry(applied), term });
    }
  }

  restart(member: Member): void {
    if (member === this.leader || member === this.deposed?.member) return;
    const records = member.lessor.records();
    member.lessor = this.newLessor();
    member.lessor.restore(records);
  }
}

const member = fc.nat(2);
const count = fc.nat(4);
const id = fc.integer({ min: 1, max: 3 }).map(leaseId);
const ttl = fc.integer({ min: 2, max: 12 });
/** Who is spoken to: the leader, the one before that may not know yet, or anybody. */
const who = fc.constantFrom("leader" as const, "leader" as const, "deposed" as const, 0, 1, 2);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom("grant" as const, "grant" as const, "regrant" as const), id, ttl }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("revoke" as const), id }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("renew" as const), id, who }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("tick" as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("restart" as const, "stop" as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("elect" as const), member, count }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("commit" as const), count }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("apply" as const), who, count }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("settle" as const), who }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.constantFrom(1, 40, 300, 999, 1000, 1001, 2000, 3000),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function run(cluster: Cluster, step: Step): void {
  const spoken = "who" in step ? step.who : "leader";
  const member =
    (typeof spoken === "number"
      ? cluster.members[spoken]
      : spoken === "deposed"
        ? cluster.deposed?.member
        : undefined) ?? cluster.leader;
  if (step.do === "revoke" || step.do === "regrant") cluster.propose({ kind: "revoke", id: step.id });
  if (step.do === "grant" || step.do === "regrant") cluster.propose({ kind: "grant", id: step.id, ttl: step.ttl });
  if (step.do === "renew") cluster.renew(member, step.id);
  if (step.do === "tick") cluster.tick(member);
  if (step.do === "restart") cluster.restart(member);
  if (step.do === "stop") cluster.checkpointAll(member);
  if (step.do === "commit") cluster.committed = Math.min(cluster.log.length, cluster.committed + step.count);
  if (step.do === "settle") cluster.committed = cluster.log.length;
  if (step.do === "apply") cluster.apply(member, step.count + 1);
  if (step.do === "settle") cluster.apply(member, cluster.log.length);
  if (step.do === "elect") cluster.elect(cluster.members[step.member] as Member, step.count);
  if (step.do === "wait") cluster.wait(step.ms);
}

describe("expiry", () => {
  it("is never early, whatever leaders come and go, and happens in the end", () => {
    let expiries = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: "max" }), fc.boolean(), (steps, endsInElection) => {
        const cluster = new Cluster();
        cluster.elect(cluster.leader, 0);
        for (const each of steps) run(cluster, each);
        if (endsInElection) cluster.elect(cluster.members[1] as Member, 0);
        for (let i = 0; i < 250; i++) {
          cluster.wait(100);
          cluster.tick(cluster.leader);
          cluster.committed = cluster.log.length;
          for (const each of cluster.members) cluster.apply(each, Number.POSITIVE_INFINITY);
        }
        expect(cluster.members.map(({ lessor }) => lessor.size)).toEqual([0, 0, 0]);
        expiries += cluster.expiries;
      }),
      { numRuns: 3000 },
    );
    expect(expiries).toBeGreaterThan(100);
  });
});
