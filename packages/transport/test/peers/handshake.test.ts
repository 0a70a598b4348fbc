import type { ClusterId, MemberId } from "@quorate/common";
import { describe, expect, it } from "vitest";
import type { CallInfo } from "../../src/index.js";
import { Metadata } from "../../src/index.js";
import { admit, callHeaders, refusalIn } from "../../src/peers/handshake.js";

const one = 1n as MemberId;
const two = 0xfedcba9876543210n as MemberId;
const cluster = 0xffffffffffffffffn as ClusterId;
const version = { server: "3.10.1", minCluster: "3.9.0" };
const receiver = { self: two, cluster, version };

function admitted(sender: { server?: string; minCluster?: string }, isRemoved = false) {
  const headers = callHeaders({ self: one, cluster, version: { ...version, ...sender } }, two);
  const peer = { remoteAddress: "10.0.0.1", remotePort: 5, isTls: false, commonName: undefined };
  const call = { metadata: new Metadata(headers), peer } as Partial<CallInfo> as CallInfo;
  const admission = admit(call, receiver, (member) => isRemoved && member === one);
  if (admission.kind === "admitted") return admission.from;
  expect(refusalIn({ code: admission.status.code, details: admission.status.message })).toBe(admission.refusal);
  return admission.refusal;
}

describe("admit", () => {
  it("knows ids of all 64 bits", () => {
    expect(admitted({})).toBe(one);
  });

  it("compares versions by their numbers, and minds no suffix", () => {
    expect(admitted({ server: "3.9.0" })).toBe(one);
    expect(admitted({ server: "3.9.0-rc.1" })).toBe(one);
    expect(admitted({ server: "3.8.99" })).toBe("version");
    expect(admitted({ server: "4.0.0", minCluster: "3.10.1" })).toBe(one);
    expect(admitted({ minCluster: "3.10.2" })).toBe("version");
    expect(admitted({ server: "new" })).toBe("malformed");
  });

  it("tells a member that was removed", () => {
    expect(admitted({}, true)).toBe("removed");
  });

  it("finds no refusal in other failures", () => {
    expect(refusalIn({ code: 14, details: "removed member" })).toBeUndefined();
    expect(refusalIn({ code: 9, details: "something" })).toBeUndefined();
  });
});
