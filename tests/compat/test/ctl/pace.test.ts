import { describe, expect, it } from "vitest";
import { Pace } from "../../src/ctl/pace.js";

describe("Pace", () => {
  it("doubles waits while nothing is known and while programs are quick", () => {
    const pace = new Pace();
    expect(pace.stretch(100)).toBe(200);
    pace.note(80);
    expect(pace.stretch(100)).toBe(200);
  });

  it("stretches waits by the quickest of the last four runs, up to a limit", () => {
    const pace = new Pace();
    for (const ms of [60, 500, 900, 250, 30_000]) pace.note(ms);
    expect(pace.stretch(100)).toBe(500);
    for (const ms of [9_000, 9_000, 9_000]) pace.note(ms);
    expect(pace.stretch(100)).toBe(800);
  });
});
