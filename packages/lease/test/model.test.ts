import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LeaseError, Lessor } from "../src/index.js";
import { Schedule } from "../src/schedule.js";
import { bytes, entry, leaseId, texts } from "./build.js";

type Command =
  | { kind: "grant"; id: number; ttl: number }
  | { kind: "revoke" | "renew" | "timeToLive"; id: number }
  | { kind: "attach" | "detach"; id: number; key: string }
  | { kind: "checkpoint"; id: number; remaining: number }
  | { kind: "tick" | "promote" | "demote" | "list" | "restore" }
  | { kind: "wait"; ms: number };

const id = fc.integer({ min: 1, max: 6 });
const key = fc.constantFrom("a", "b", "c", "\u00ff", "");
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("grant" as const), id, ttl: fc.integer({ min: -3, max: 1000 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom("revoke" as const, "renew" as const, "timeToLive" as const), id }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("attach" as const, "detach" as const), id, key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("checkpoint" as const), id, remaining: fc.nat(1200) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom("tick" as const, "list" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("promote" as const, "demote" as const, "restore" as const) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.oneof(fc.nat(900), fc.nat(400_000)) }),
  },
);

type NaiveLease = { ttl: number; rest: number; keys: Set<string>; deadline: number; again: number };

/** The same table with no schedules, no compact forms and no haste: everything is looked up by walking all leases. */
class NaiveLessor {
  leases = new Map<number, NaiveLease>();
  isPrimary = false;
  nextLook = 0;

  run(command: Command, now: number): unknown {
    const lease = "id" in command ? this.leases.get(command.id) : undefined;
    switch (command.kind) {
      case "grant": {
        if (lease !== undefined) return "lease/exists";
        const ttl = Math.max(2, command.ttl);
        const deadline = this.isPrimary ? now + ttl * 1000 : Infinity;
        this.leases.set(command.id, { ttl, rest: 0, keys: new Set(), deadline, again: 0 });
        return ttl;
      }
      case "revoke":
        if (lease === undefined) return "lease/not-found";
        this.leases.delete(command.id);
        return [...lease.keys].sort();
      case "renew":
        if (!this.isPrimary) return "lease/not-primary";
        if (lease === undefined) return "not-found";
        if (lease.deadline <= now) return "pending";
        lease.deadline = Math.max(lease.deadline, now + lease.ttl * 1000);
        return "renewed";
      case "timeToLive":
        if (!this.isPrimary) return "lease/not-primary";
        return lease && [Math.max(0, Math.floor((lease.deadline - now) / 1000)), lease.ttl, lease.keys.size];
      case "attach":
        if (lease === undefined) return "lease/not-found";
        return void lease.keys.add(command.key);
      case "detach":
        return void lease?.keys.delete(command.key);
      case "checkpoint":
        if (lease !== undefined) lease.rest = Math.min(command.remaining, lease.ttl);
        return lease?.rest;
      case "list":
        return [...this.leases]
          .sort(([a, x], [b, y]) => (x.deadline === y.deadline ? a - b : x.deadline - y.deadline))
          .map(([a]) => a);
      case "promote":
        this.leave();
        this.isPrimary = true;
        this.nextLook = now;
        for (const each of this.leases.values()) each.deadline = now + 1000 + (each.rest || each.ttl) * 1000;
        return undefined;
      case "demote":
        return this.leave();
      case "restore":
        for (const each of this.leases.values()) each.keys.clear();
        return this.leave();
      case "tick": {
        if (!this.isPrimary || now < this.nextLook) return [];
        this.nextLook = now + 500;
        const due = [...this.leases].filter(([, each]) => Math.max(each.deadline, each.again) <= now);
        for (const [, each] of due) each.again = now + 7000;
        return due.map(([a]) => a).sort((a, b) => a - b);
      }
      case "wait":
        return undefined;
    }
  }

  leave(): void {
    this.isPrimary = false;
    for (const each of this.leases.values()) Object.assign(each, { deadline: Infinity, again: 0 });
  }
}

function runReal(lessor: Lessor, command: Command, now: number): unknown {
  try {
    const id = leaseId("id" in command ? command.id : 1);
    switch (command.kind) {
      case "grant":
        return lessor.grant({ id, ttlSeconds: command.ttl, grantedAt: entry(1) }, now).ttlSeconds;
      case "revoke":
        return texts(lessor.revoke(id).keys);
      case "renew":
        return lessor.renew(id, now).kind;
      case "timeToLive": {
        const found = lessor.timeToLive(id, now);
        return found && [found.remainingSeconds, found.grantedSeconds, found.keyCount];
      }
      case "attach":
        return lessor.attach(id, [bytes(command.key)]);
      case "detach":
        return lessor.detach(id, [bytes(command.key)]);
      case "checkpoint": {
        const record = lessor.checkpoint(id, command.remaining);
        return record && (record.remainingTtlSeconds ?? 0);
      }
      case "list":
        return lessor.list().map(Number);
      case "promote":
        return lessor.promote(now, 1000);
      case "demote":
        return lessor.demote();
      case "restore":
        return lessor.restore(lessor.records());
      case "tick":
        return lessor.tick(now).expired.map(Number);
      case "wait":
        return undefined;
    }
  } catch (error) {
    if (error instanceof LeaseError) return error.fault.code;
    throw error;
  }
}

describe("Lessor", () => {
  it("answers as a naive model does, whatever the calls", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 120, size: "max" }), (commands) => {
        const lessor = new Lessor();
        const model = new NaiveLessor();
        let now = 0;
        for (const each of [{ kind: "promote" } as Command, ...commands]) {
          if (each.kind === "wait") now += each.ms;
          expect(runReal(lessor, each, now), JSON.stringify(each)).toEqual(model.run(each, now));
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe("Schedule", () => {
  it("has the earliest first, after any insertions, moves and removals", () => {
    const step = fc.record({ item: fc.nat(20), dueMs: fc.option(fc.nat(50), { nil: undefined }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const items = Array.from({ length: 21 }, () => ({ dueMs: 0, slot: undefined as number | undefined }));
        const schedule = new Schedule<(typeof items)[number]>();
        const model = new Map<number, number>();
        for (const { item, dueMs } of steps) {
          const target = items[item] as (typeof items)[number];
          if (dueMs === undefined) schedule.remove(target);
          else schedule.set(target, dueMs);
          if (dueMs === undefined) model.delete(item);
          else model.set(item, dueMs);
          expect(schedule.size).toBe(model.size);
          expect(schedule.first()?.dueMs).toBe(model.size === 0 ? undefined : Math.min(...model.values()));
        }
        schedule.clear();
        expect(items.every(({ slot }) => slot === undefined)).toBe(true);
      }),
    );
  });
});
