import { describe, expect, it } from "vitest";
import { harnesses } from "../support/harnesses.js";
import { encodeRequest, pathOf } from "../support/method-codec.js";

const mustStart = harnesses();

describe("a request that takes too long", () => {
  it("is given up after the request timeout, and its write may still come to be", async () => {
    const slow = { ms: 0 };
    const harness = await mustStart({ syncMs: () => slow.ms });
    slow.ms = 9000;
    const put = harness.begin("KV/Put", { key: "a", value: "1" });
    const read = harness.begin("KV/Range", { key: "b" });
    await harness.advance(6900);
    expect([put.isOver, read.status?.code]).toEqual([false, 0]); // a read needs no disk
    await harness.advance(300);
    expect([put.status, put.ends]).toEqual([{ code: 14, message: "etcdserver: request timed out" }, 1]);
    await harness.advance(2000);
    expect(put.ends).toBe(1);
    expect(await harness.must("KV/Range", { key: "a" })).toMatchObject({ count: 1n });
    expect(harness.member.front.pending).toBe(0);
  });

  it("does not hold up others whose turn comes later", async () => {
    const slow = { ms: 0 };
    const harness = await mustStart({ syncMs: () => slow.ms });
    slow.ms = 5000;
    const calls = [harness.begin("KV/Put", { key: "a" })];
    await harness.advance(4000);
    calls.push(harness.begin("KV/Put", { key: "b" })); // waits for the first one's sync and then for its own
    await harness.advance(5000);
    expect(calls.map(({ status }) => status?.code)).toEqual([0, undefined]);
    await harness.advance(2500);
    expect(calls[1]?.ends).toBe(1);
  });
});

describe("a client that has gone", () => {
  it("leaves nothing waiting, whatever it had asked", async () => {
    const harness = await mustStart({ syncMs: () => 50 });
    await harness.must("Lease/LeaseGrant", { ID: 1n, TTL: 2n });
    const put = harness.begin("KV/Put", { key: "a" });
    const read = harness.begin("KV/Range", { key: "a" });
    const keepAlive = harness.stream(pathOf("Lease/LeaseKeepAlive"));
    await harness.advance(2400);
    keepAlive.receive(encodeRequest("Lease/LeaseKeepAlive", { ID: 1n }));
    const snapshot = harness.stream(pathOf("Maintenance/Snapshot"), new Uint8Array(0));
    snapshot.room = 0;
    await harness.settle();
    for (const call of [put, read, keepAlive, snapshot]) call.cancel();
    await harness.advance(9000);
    expect(harness.member.front.pending).toBe(0);
    await harness.must("KV/Put", { key: "b" });
    await harness.stop();
    await harness.start();
    expect(await harness.must("KV/Range", { key: "b" })).toMatchObject({ count: 1n });
  });
});
