import { LeaseGrantRequest, LeaseGrantResponse, LeaseKeepAliveRequest, LeaseKeepAliveResponse } from "@quorate/proto";
import { describe, expect, it } from "vitest";
import { createClient } from "../../src/index.js";
import { type ScriptedStream, ScriptedTransport } from "../fake/scripted-transport.js";
import { ManualClock } from "../manual-clock.js";

const lost = { status: 14, message: "Connection dropped", wasSent: true };

/** A client whose member is played by the test. */
function buildStage() {
  const transport = new ScriptedTransport();
  const clock = new ManualClock();
  transport.answers.set("/etcdserverpb.Lease/LeaseGrant", (message) => {
    const { ID, TTL } = LeaseGrantRequest.decode(message);
    return { kind: "answer", message: LeaseGrantResponse.encode({ ID, TTL }) };
  });
  const ports = { clock, transport: () => transport, random: () => 0 };
  const client = createClient({ endpoints: "http://nowhere:1", retryBackoff: { firstMs: 100, maxMs: 100 } }, ports);
  const answer = (stream: ScriptedStream | undefined, ID: bigint, TTL: bigint) =>
    stream?.handlers.onMessage(LeaseKeepAliveResponse.encode({ ID, TTL }));
  const asked = (stream: ScriptedStream | undefined) => stream?.sent.map((one) => LeaseKeepAliveRequest.decode(one).ID);
  return { transport, clock, client, answer, asked };
}

describe("KeepAliveHub", () => {
  it("counts a lease's life from when its confirmed renewal was sent, not from when that was answered", async () => {
    const { transport, clock, client, answer, asked } = buildStage();
    const lease = await client.leases.hold({ ttlSeconds: 9, id: 5n, onLost: () => {} });
    const [stream] = transport.streams;
    answer(stream, 5n, 9n); // sent at 0
    clock.advance(3_000);
    expect(asked(stream)).toEqual([5n, 5n]);
    clock.advance(2_000);
    answer(stream, 5n, 9n); // sent at 3,000, answered at 5,000
    clock.advance(6_999);
    expect([clock.nowMs(), lease.isLost]).toEqual([11_999, false]);
    clock.advance(1);
    expect(lease.isLost).toBe(true);
    client.close();
  });

  it("takes no answer of a new stream for that of an old one", async () => {
    const { transport, clock, client, answer } = buildStage();
    const lease = await client.leases.hold({ ttlSeconds: 9, id: 5n, onLost: () => {} });
    clock.advance(500);
    transport.streams[0]?.handlers.onEnd(lost); // the renewal of 0 is not answered
    clock.advance(100);
    answer(transport.streams[1], 5n, 9n); // sent at 600
    clock.advance(8_999);
    expect([clock.nowMs(), lease.isLost]).toEqual([9_599, false]);
    clock.advance(1);
    expect(lease.isLost).toBe(true);
    client.close();
  });

  it("takes over a new TTL, and renews as often as that asks for", async () => {
    const { transport, clock, client, answer, asked } = buildStage();
    const ttls: number[] = [];
    const onRenewed = ({ ttlSeconds }: { ttlSeconds: number }) => ttls.push(ttlSeconds);
    await client.leases.hold({ ttlSeconds: 9, id: 5n, onLost: () => {}, onRenewed });
    const [stream] = transport.streams;
    answer(stream, 5n, 60n);
    clock.advance(3_000); // as it was planned before
    answer(stream, 5n, 60n);
    clock.advance(19_999);
    expect(asked(stream)?.length).toBe(2);
    clock.advance(1);
    expect(asked(stream)?.length).toBe(3);
    expect(ttls).toEqual([60, 60]);
    client.close();
  });

  it("loses all leases at once when members refuse renewals for good", async () => {
    const { transport, client } = buildStage();
    const errors: string[] = [];
    const onLost = (error: Error) => errors.push(error.message);
    await client.leases.hold({ ttlSeconds: 9, id: 5n, onLost });
    await client.leases.hold({ ttlSeconds: 9, id: 6n, onLost });
    const failure = { status: 7, message: "etcdserver: permission denied", wasSent: true };
    transport.streams[0]?.handlers.onEnd(failure);
    expect(errors).toEqual([
      "lease 5 is lost: renewals are refused: etcdserver: permission denied",
      "lease 6 is lost: renewals are refused: etcdserver: permission denied",
    ]);
    expect(transport.streams.length).toBe(1);
    client.close();
  });

  it("renews many leases on one stream, and ends it with the last of them", async () => {
    const { transport, client, asked } = buildStage();
    const leases = await Promise.all(
      [1n, 2n, 3n].map((id) => client.leases.hold({ ttlSeconds: 9, id, onLost: () => {} })),
    );
    expect(transport.streams.length).toBe(1);
    expect(asked(transport.streams[0])).toEqual([1n, 2n, 3n]);
    for (const lease of leases) lease.abandon();
    expect(transport.streams[0]?.isCancelled).toBe(true);
    client.close();
  });
});
