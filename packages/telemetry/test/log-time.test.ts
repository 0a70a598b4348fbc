import { describe, expect, it } from "vitest";
import { logTime } from "../src/log-time.js";

const moment = Date.UTC(2026, 0, 31, 23, 59, 59, 7) + 0.25;

function inZone(zone: string): string {
  const before = process.env.TZ;
  process.env.TZ = zone;
  try {
    return logTime(moment);
  } finally {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
}

describe("logTime", () => {
  const cases = [
    ["UTC", "2026-01-31T23:59:59.007250Z"],
    ["Asia/Kolkata", "2026-02-01T05:29:59.007250+0530"],
    ["America/New_York", "2026-01-31T18:59:59.007250-0500"],
  ] as const;
  for (const [zone, text] of cases) {
    it(`writes local time with its offset in ${zone}`, () => expect(inZone(zone)).toBe(text));
  }
});
