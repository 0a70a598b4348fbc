import { describe, expect, it } from "vitest";
import { FrameWindow } from "../../src/core/frame-window.js";

describe("FrameWindow", () => {
  it("takes each number of a life once, in whatever order they come", () => {
    const window = new FrameWindow();
    const come = [1, 3, 2, 3, 1, 10, 4, 10, 4, 2];
    expect(come.map((number) => window.take(5, number))).toEqual([
      ...[true, true, true, false, false, true, true, false, false, false],
    ]);
  });

  it("does not take what is too old to be remembered, and remembers again behind a jump", () => {
    const window = new FrameWindow();
    window.take(5, 1);
    expect(window.take(5, 10_000)).toBe(true);
    expect(window.take(5, 2)).toBe(false);
    expect(window.take(5, 10_000 - 4095)).toBe(true);
    expect(window.take(5, 10_000 - 4095)).toBe(false);
    for (let number = 10_001; number < 20_000; number++) expect(window.take(5, number)).toBe(true);
    for (let number = 19_999; number > 17_000; number--) expect(window.take(5, number)).toBe(false);
  });

  it("begins anew with each life, and takes nothing of a life that is over", () => {
    const window = new FrameWindow();
    expect([window.take(5, 7), window.life]).toEqual([true, 5]);
    expect([window.take(6, 7), window.life]).toEqual([true, 6]);
    expect([window.take(5, 8), window.life]).toEqual([false, 6]);
    expect([window.take(6, 7), window.take(6, 8)]).toEqual([false, true]);
  });
});
