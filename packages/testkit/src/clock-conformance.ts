import type { Clock, Random } from "@quorate/common";
import { describe, expect, it } from "vitest";

/** What the suite runs on. */
export type ClockUnderTest = Readonly<{
  clock: Clock;
  /** Lets at least that much time pass. */
  advance: (ms: number) => Promise<unknown>;
}>;

/** What every `Clock` does, the machine's and the simulated one. `make` is called for each test. */
export function clockConformance(name: string, make: () => ClockUnderTest): void {
  describe(`Clock, ${name}`, () => {
    it("rings once, no earlier than asked and not within the call", async () => {
      const { clock, advance } = make();
      const startMs = clock.monotonicMs();
      const rungMs: number[] = [];
      clock.after(5, () => rungMs.push(clock.monotonicMs()));
      clock.after(0, () => rungMs.push(clock.monotonicMs()));
      expect(rungMs).toEqual([]);
      await advance(50);
      expect(rungMs.length).toBe(2);
      expect(rungMs[1]).toBeGreaterThanOrEqual(startMs + 5);
    });

    it("rings timers in the order of their times", async () => {
      const { clock, advance } = make();
      const order: string[] = [];
      clock.after(20, () => order.push("late"));
      clock.after(1, () => order.push("early"));
      await advance(60);
      expect(order).toEqual(["early", "late"]);
    });

    it("does not ring what was cancelled, and cancels without complaint what has rung", async () => {
      const { clock, advance } = make();
      let rings = 0;
      const timer = clock.after(1, () => {
        rings += 1;
      });
      clock
        .after(1, () => {
          rings += 100;
        })
        .cancel();
      await advance(30);
      timer.cancel();
      timer.cancel();
      expect(rings).toBe(1);
    });

    it("rings timers that a timer has set", async () => {
      const { clock, advance } = make();
      let rings = 0;
      clock.after(1, () => clock.after(1, () => (rings += 1)));
      await advance(40);
      expect(rings).toBe(1);
    });

    it("never goes back", async () => {
      const { clock, advance } = make();
      let lastMs = clock.monotonicMs();
      for (let turn = 0; turn < 5; turn++) {
        await advance(1);
        expect(clock.monotonicMs()).toBeGreaterThanOrEqual(lastMs);
        lastMs = clock.monotonicMs();
      }
      expect(clock.wallMs()).toBeGreaterThan(1_600_000_000_000);
    });
  });
}

/** What every `Random` does. */
export function randomConformance(name: string, make: () => Random): void {
  describe(`Random, ${name}`, () => {
    it("draws whole numbers, both bounds included", () => {
      const random = make();
      const drawn = new Set<number>();
      for (let turn = 0; turn < 1000; turn++) drawn.add(random.integer(3, 6));
      expect([...drawn].sort()).toEqual([3, 4, 5, 6]);
      expect(random.integer(7, 7)).toBe(7);
    });

    it("draws over a wide range", () => {
      const random = make();
      const drawn = Array.from({ length: 200 }, () => random.integer(0, 2 ** 48 - 2));
      expect(drawn.every((value) => Number.isInteger(value) && value >= 0 && value < 2 ** 48)).toBe(true);
      expect(drawn.some((value) => value >= 2 ** 47)).toBe(true);
      expect(drawn.some((value) => value < 2 ** 47)).toBe(true);
    });

    it("draws bytes", () => {
      const random = make();
      expect(random.bytes(0).length).toBe(0);
      const bytes = random.bytes(4096);
      expect(bytes.length).toBe(4096);
      expect(new Set(bytes).size).toBeGreaterThan(200);
    });
  });
}
