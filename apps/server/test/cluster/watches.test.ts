import type { MemberId } from "@quorate/common";
import { describe, expect, it } from "vitest";
import type { ClusterHarness } from "../support/cluster-harness.js";
import { clusters } from "../support/clusters.js";
import type { FakeStream } from "../support/fake-call.js";
import { decodeResponse, encodeRequest, pathOf } from "../support/method-codec.js";
import type { PlainMessage } from "../support/plain.js";

const mustStart = clusters();

type Seen = { revision: number; events: string[] };

function openWatch(harness: ClusterHarness, at: MemberId, startRevision: number): FakeStream {
  const watch = harness.stream(at, pathOf("Watch/Watch"));
  const value = { key: "\0", rangeEnd: "\0", startRevision: BigInt(startRevision) };
  watch.receive(encodeRequest("Watch/Watch", { requestUnion: { kind: "createRequest", value } }));
  return watch;
}

/** Notes what a watch was sent since the last time. */
function collect(watch: FakeStream, seen: Seen): void {
  for (const message of watch.take()) {
    for (const { kv } of decodeResponse("Watch/Watch", message).events as readonly { kv: PlainMessage }[]) {
      seen.events.push(`${kv.key}@${kv.modRevision}`);
      seen.revision = Number(kv.modRevision);
    }
  }
}

describe("a watch", () => {
  it("that goes on at another member, from the revision it has seen, gets every event once", async () => {
    const harness = await mustStart();
    const seen: Seen = { revision: 1, events: [] };
    const written: string[] = [];
    let at = harness.founders[0] as MemberId;
    let watch = openWatch(harness, at, 2);
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 10; i++) {
        const writer = harness.cluster.running[i % harness.cluster.running.length] as MemberId;
        const { header } = await harness.must(writer, "KV/Put", { key: `k${round}.${i}` });
        written.push(`k${round}.${i}@${(header as PlainMessage).revision}`);
      }
      await harness.cluster.advance(round % 2 === 0 ? 0 : 300);
      collect(watch, seen);
      // The member dies, with what it had not sent; whether it led or not.
      harness.cluster.crash(at, "process");
      const next = harness.cluster.running[round % 2] as MemberId;
      await harness.cluster.until(() => {
        const { leader } = harness.member(next).front.state;
        return leader !== undefined && leader !== at;
      });
      const gone = at;
      at = next;
      watch = openWatch(harness, at, seen.revision + 1);
      await harness.start(gone);
    }
    await harness.level();
    await harness.cluster.advance(1000);
    collect(watch, seen);
    expect(seen.events).toEqual(written);
  });

  it("at a member that was cut off gets what it has missed once it is back, and nothing twice", async () => {
    const harness = await mustStart();
    const leader = await harness.led();
    const [cutOff, other] = harness.founders.filter((id) => id !== leader) as [MemberId, MemberId];
    const seen: Seen = { revision: 1, events: [] };
    const watch = openWatch(harness, cutOff, 0);
    harness.cluster.network.partition([[cutOff]]);
    await harness.cluster.advance(3000);
    for (let i = 0; i < 20; i++) await harness.must(other, "KV/Put", { key: `k${i}` });
    collect(watch, seen);
    expect(seen.events).toEqual([]);
    harness.cluster.network.heal();
    await harness.level();
    await harness.cluster.advance(500);
    collect(watch, seen);
    expect(seen.events).toEqual(Array.from({ length: 20 }, (_, i) => `k${i}@${i + 2}`));
  });
});
