import { describe, expect, it } from "vitest";
import { harnesses } from "../support/harnesses.js";

const mustStart = harnesses();

describe("more writes than a stalled disk takes", () => {
  it.each([
    { count: 8000, bytes: 0 }, // more of its own than of its client in every record
    { count: 300, bytes: 10_000 },
  ])("are refused beyond a bound, and the others done ($count of $bytes bytes)", async ({ count, bytes }) => {
    const stall = { ms: 0 };
    const harness = await mustStart({ syncMs: () => stall.ms, options: { uncommittedBytesMax: 100_000 } });
    stall.ms = 3000;
    const calls = [harness.begin("KV/Put", { key: "first" })];
    await harness.advance(10);
    const value = "x".repeat(bytes);
    for (let i = 0; i < count; i++) {
      calls.push(harness.begin("KV/Put", { key: `${i % 10}`, value }));
      if (i % 100 === 0) await harness.settle();
    }
    await harness.settle();
    const refused = calls.filter(({ isOver }) => isOver);
    expect(refused.length).toBeGreaterThan(count / 4);
    expect(refused.length).toBeLessThan(count);
    for (const call of refused) expect(call.status).toEqual({ code: 2, message: "etcdserver: too many requests" });
    stall.ms = 0;
    await harness.advance(9000);
    const done = calls.filter(({ status }) => status?.code === 0);
    expect([done.length, calls.filter(({ isOver }) => !isOver)]).toEqual([calls.length - refused.length, []]);
    const { header } = await harness.must("KV/Range", { key: "first" });
    expect(header).toMatchObject({ revision: BigInt(done.length + 1) });
  });
});
