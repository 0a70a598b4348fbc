import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Wheel, type WheelEntry } from "../src/wheel.js";
import { ManualClock } from "./support/manual-clock.js";

function entryAt(expiresMs: number, run: () => void): WheelEntry {
  return { expiresMs, wheelNext: undefined, wheelPrevious: undefined, wheelSlot: -1, onExpire: run };
}

describe("Wheel", () => {
  it("rings every entry once, never early and at most a tick and a half late, whatever is removed meanwhile", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 3000 }), fc.boolean()), { maxLength: 60 }), (plan) => {
        const clock = new ManualClock();
        const wheel = new Wheel({ tickMs: 10, slots: 16 }, { clock });
        const begin = clock.monotonicMs();
        const rung: number[] = [];
        const entries = plan.map(([delay], i) => entryAt(begin + delay, () => rung.push(i)));
        const late: number[] = [];
        entries.forEach((entry, i) => {
          const ring = entry.onExpire.bind(entry);
          entry.onExpire = () => {
            late[i] = clock.monotonicMs() - entry.expiresMs;
            ring();
          };
          wheel.add(entry);
        });
        plan.forEach(([, isRemoved], i) => {
          if (isRemoved) wheel.remove(entries[i] as WheelEntry);
        });
        clock.advance(3100);
        expect(rung.sort((a, b) => a - b)).toEqual(plan.flatMap(([, isRemoved], i) => (isRemoved ? [] : [i])));
        for (const ms of Object.values(late)) {
          expect(ms).toBeGreaterThanOrEqual(0);
          expect(ms).toBeLessThan(20);
        }
        expect([wheel.entries, clock.pending]).toEqual([0, 0]);
      }),
    );
  });

  it("keeps one timer for all entries, and none when it is empty", () => {
    const clock = new ManualClock();
    const wheel = new Wheel({ tickMs: 10, slots: 16 }, { clock });
    for (let i = 0; i < 100; i++) wheel.add(entryAt(clock.monotonicMs() + i, () => {}));
    expect(clock.pending).toBe(1);
    wheel.close();
    expect([wheel.entries, clock.pending]).toEqual([0, 0]);
  });

  it("takes an entry again while it rings", () => {
    const clock = new ManualClock();
    const wheel = new Wheel({ tickMs: 10, slots: 16 }, { clock });
    let rings = 0;
    const entry = entryAt(clock.monotonicMs() + 5, () => {
      if (++rings === 3) return;
      entry.expiresMs = clock.monotonicMs() + 5;
      wheel.add(entry);
    });
    wheel.add(entry);
    clock.advance(1000);
    expect(rings).toBe(3);
  });
});
