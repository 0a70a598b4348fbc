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
    expect(window.take(5, 100_000)).toBe(true);
    expect(window.take(5, 2)).toBe(false);
    expect(window.take(5, 100_000 - 65_535)).toBe(true);
    expect(window.take(5, 100_000 - 65_535)).toBe(false);
    for (let number = 100_001; number < 200_000; number++) if (!window.take(5, number)) throw new Error(`${number}`);
    for (let number = 199_999; number > 120_000; number--) if (window.take(5, number)) throw new Error(`${number}`);
  });

  it("counts the frames of each life by themselves, whichever is heard from first", () => {
    const window = new FrameWindow();
    expect([window.take(6, 7), window.life]).toEqual([true, 6]);
    // Held up on the way since the life before: it does not end the present one.
    expect([window.take(5, 7), window.life]).toEqual([true, 5]);
    expect([window.take(6, 8), window.life]).toEqual([true, 6]);
    expect([window.take(6, 7), window.take(5, 7), window.take(5, 8)]).toEqual([false, false, true]);
  });

  it("takes nothing of a life that is long over", () => {
    const window = new FrameWindow();
    for (let life = 1; life <= 5; life++) expect(window.take(life, 1)).toBe(true);
    expect([window.take(1, 2), window.life]).toEqual([false, 5]);
    expect(window.take(2, 2)).toBe(true);
  });
});
