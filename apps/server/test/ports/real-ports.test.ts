import { clockConformance, randomConformance } from "@quorate/testkit";
import { describe, expect, it } from "vitest";
import { RealClock } from "../../src/ports/real-clock.js";
import { RealRandom } from "../../src/ports/real-random.js";

clockConformance("real", () => ({
  clock: new RealClock(),
  advance: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}));
randomConformance("real", () => new RealRandom());

describe("RealClock", () => {
  it("does not ring early when the turn that set the timer was long", async () => {
    const clock = new RealClock();
    // Node counts from the beginning of the turn, so a plain timer of 5 ms would ring at once here.
    const busyUntilMs = clock.monotonicMs() + 20;
    while (clock.monotonicMs() < busyUntilMs);
    const setMs = clock.monotonicMs();
    const rungMs = await new Promise<number>((resolve) => clock.after(5, () => resolve(clock.monotonicMs())));
    expect(rungMs).toBeGreaterThanOrEqual(setMs + 5);
  });

  it("waits longer than a timer of Node can, and can be cancelled", async () => {
    const clock = new RealClock();
    let rings = 0;
    const timer = clock.after(2 ** 33, () => {
      rings += 1;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    timer.cancel();
    expect(rings).toBe(0);
  });

  it("shows the time of day", () => {
    const clock = new RealClock();
    expect(Math.abs(clock.wallMs() - Date.now())).toBeLessThan(1000);
  });
});
