import type { MemberId } from "@quorate/common";
import { describe, expect, it } from "vitest";
import { RequestSerial } from "../../src/core/request-serial.js";

const member = 0xaaaa_1234n as MemberId;
const startMs = 1_767_225_600_000;

describe("RequestSerial", () => {
  it("knows the ids of this start of this member, and no others", () => {
    const before = new RequestSerial(member, startMs - 1).nextId();
    const serial = new RequestSerial(member, startMs);
    const own = Array.from({ length: 1000 }, () => serial.nextId());
    expect(own.filter((id) => !serial.mayBeAwaited(id))).toEqual([]);
    expect(serial.mayBeAwaited(before)).toBe(false);
    expect(serial.mayBeAwaited({ ...own[0], member: 0x4321, serial: own[0]?.serial ?? 0 })).toBe(false);
  });

  it("knows them when the numbers begin again", () => {
    const lastMs = 2 ** 40 - 1;
    const serial = new RequestSerial(member, lastMs);
    const own = Array.from({ length: 600 }, () => serial.nextId());
    expect(Math.min(...own.map((id) => id.serial))).toBeLessThan(1000);
    expect(own.filter((id) => !serial.mayBeAwaited(id))).toEqual([]);
  });

  it("gives lease ids that are positive and differ", () => {
    const serial = new RequestSerial(0xffffn as MemberId, startMs);
    const ids = Array.from({ length: 1000 }, () => serial.nextLeaseId());
    expect(new Set(ids).size).toBe(1000);
    for (const id of ids) expect(id > 0n && id < 2n ** 63n).toBe(true);
  });
});
