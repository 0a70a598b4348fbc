import type { MemberId } from "@quorate/common";
import { SimulatedClock } from "@quorate/testkit";
import { describe, expect, it } from "vitest";
import { type HeldInput, HeldProposals } from "../../src/core/held-proposals.js";

function buildHeld() {
  const clock = new SimulatedClock();
  return { clock, held: new HeldProposals({ requestTimeoutMs: 7000 }, { clock }) };
}

const own = (proposalId: number, bytes = 1): HeldInput => ({
  kind: "propose",
  data: new Uint8Array(bytes),
  proposalId,
});
const foreign: HeldInput = {
  kind: "message",
  from: 2n as MemberId,
  message: { kind: "propose", entries: [{ kind: "normal", data: new Uint8Array(1) }] },
};
const confChange: HeldInput = {
  kind: "propose-conf-change",
  change: { version: 1, change: { kind: "remove", member: 2n as MemberId }, context: new Uint8Array(0) },
  proposalId: 9,
};

describe("HeldProposals", () => {
  it("hands everything out once, oldest first", () => {
    const { held } = buildHeld();
    for (const input of [own(1), foreign, own(2)]) expect(held.hold(input)).toBe(true);
    expect(held.release()).toEqual([own(1), foreign, own(2)]);
    expect(held.release()).toEqual([]);
  });

  it("lets a caller take its own back, once", () => {
    const { held } = buildHeld();
    held.hold(own(1));
    held.hold(confChange);
    expect([held.giveUp(1), held.giveUp(1), held.giveUp(9), held.size]).toEqual([true, false, true, 0]);
  });

  it("forgets what nobody waits for any more, but for changes of the members, whose callers have no limit", async () => {
    const { clock, held } = buildHeld();
    for (const input of [foreign, own(1), confChange]) held.hold(input);
    await clock.advance(6000);
    held.hold(own(2));
    await clock.advance(2000);
    expect(held.release()).toEqual([confChange, own(2)]);
  });

  it("counts the time of a proposal from the first time it was held", async () => {
    const { clock, held } = buildHeld();
    for (let seconds = 0; seconds < 12; seconds++) {
      expect(held.hold(foreign)).toBe(true);
      await clock.advance(1000);
      expect(held.release()).toEqual(seconds < 7 ? [foreign] : []);
    }
  });

  it("refuses above 64 MiB, and has room again when some is given up", () => {
    const { held } = buildHeld();
    const mebibyte = 1_048_576;
    for (let serial = 0; serial < 63; serial++) expect(held.hold(own(serial, mebibyte))).toBe(true);
    expect([held.hold(own(63, mebibyte)), held.giveUp(5), held.hold(own(64, mebibyte))]).toEqual([false, true, true]);
  });
});
