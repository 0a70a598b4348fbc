import { describe, expect, it } from "vitest";
import type { FakeStream } from "../support/fake-call.js";
import type { Harness } from "../support/harness.js";
import { harnesses } from "../support/harnesses.js";
import { answerOf, decodeResponse, encodeRequest, pathOf } from "../support/method-codec.js";
import type { PlainMessage } from "../support/plain.js";

const mustStart = harnesses();
const everything = { key: "\0", rangeEnd: "\0" };
const keys = 4000;
const keyOf = (i: number): string => `k${String(i).padStart(5, "0")}`;

/** Every key has the same value at the same revision or a neighbouring one: 100 keys in a transaction. */
async function fill(harness: Harness, value: string): Promise<void> {
  for (let from = 0; from < keys; from += 100) {
    const success = Array.from({ length: 100 }, (_, i) => ({
      request: { kind: "requestPut", value: { key: keyOf(from + i), value } },
    }));
    harness.begin("KV/Txn", { success });
  }
  await harness.settle();
}

type Kv = { key: string; value: string };
const kvsOf = (message: PlainMessage): readonly Kv[] => message.kvs as unknown as readonly Kv[];

function chunksOf(call: FakeStream): PlainMessage[] {
  return call.take().map((message) => decodeResponse("KV/RangeStream", message).rangeResponse as PlainMessage);
}

describe("Range over many keys", () => {
  const orders = [
    { title: "in key order", request: {} },
    { title: "descending", request: { sortOrder: 2 } },
    { title: "by value", request: { sortOrder: 1, sortTarget: 4 } },
    { title: "keys only", request: { keysOnly: true } },
    { title: "filtered", request: { minModRevision: 1n } },
  ];
  it.each(orders)("answers $title as of one revision while others write, and lets them", async ({ title, request }) => {
    const harness = await mustStart();
    await fill(harness, "old".repeat(50));
    const reading = harness.begin("KV/Range", { ...everything, serializable: true, ...request });
    expect(reading.isOver).toBe(false); // it is read in slices
    const writing = harness.begin("KV/DeleteRange", { key: keyOf(keys - 500), rangeEnd: "\0" });
    const touched = harness.begin("KV/Put", { key: keyOf(0), value: "new" });
    for (let timers = 0; !writing.isOver; timers++) {
      if (timers > 100) throw new Error("the write does not get through");
      await harness.clock.step();
    }
    await harness.settle();
    const answer = answerOf("KV/Range", reading);
    if (!("ok" in answer)) throw new Error("refused");
    expect([answer.ok.count, kvsOf(answer.ok).length, answer.ok.more]).toEqual([BigInt(keys), keys, false]);
    const wanted = title === "keys only" ? "" : "old".repeat(50);
    expect(kvsOf(answer.ok).filter(({ value }) => value !== wanted)).toEqual([]);
    const inOrder = kvsOf(answer.ok).map(({ key }) => key);
    if (title === "descending") inOrder.reverse();
    expect(inOrder).toEqual(Array.from({ length: keys }, (_, i) => keyOf(i)));
    expect(touched.status?.code).toBe(0);
    expect(await harness.must("KV/Range", { ...everything, countOnly: true })).toMatchObject({ count: 3500n });
  });

  it("is given up with the member", async () => {
    const harness = await mustStart();
    await fill(harness, "x".repeat(1000));
    const reading = harness.begin("KV/Range", { ...everything, serializable: true });
    await harness.stop();
    expect(reading.status).toEqual({ code: 14, message: "etcdserver: server stopped" });
  });
});

describe("RangeStream over many keys", () => {
  it("sends no more than its client takes, as of one revision", async () => {
    const harness = await mustStart();
    await fill(harness, "x".repeat(1000));
    const call = harness.stream(pathOf("KV/RangeStream"), encodeRequest("KV/RangeStream", everything));
    call.room = 1000;
    await harness.settle();
    const chunks = chunksOf(call);
    const stalled = call.sentMessages;
    expect(call.isOver).toBe(false);
    await harness.must("KV/DeleteRange", everything);
    expect(call.sentMessages).toBe(stalled);
    for (let step = 0; !call.isOver && step < 100; step++) {
      call.drain();
      await harness.settle();
      chunks.push(...chunksOf(call));
    }
    expect(call.status).toEqual({ code: 0, message: "" });
    expect(chunks.flatMap((chunk) => kvsOf(chunk).map(({ key }) => key))).toEqual(
      Array.from({ length: keys }, (_, i) => keyOf(i)),
    );
    const last = chunks.at(-1) as PlainMessage;
    expect(last).toMatchObject({ count: BigInt(keys), more: false, header: { revision: 41n } });
    for (const chunk of chunks.slice(0, -1)) expect([chunk.header, chunk.count]).toEqual([undefined, 0n]);
  });

  it("sorts an answer of one chunk as Range does, which looks no further than its limit", async () => {
    const harness = await mustStart();
    await fill(harness, "v");
    for (let i = 0; i < 20; i++)
      await harness.must("KV/Put", { key: keyOf(i), value: String((i * 7) % 20).padStart(2, "0") });
    const request = { ...everything, limit: 8n, sortTarget: 4 };
    const call = harness.stream(pathOf("KV/RangeStream"), encodeRequest("KV/RangeStream", request));
    await harness.settle();
    const [only, ...others] = chunksOf(call);
    expect([only, others]).toEqual([await harness.must("KV/Range", request), []]);
  });

  it("forgets a stream whose client has gone", async () => {
    const harness = await mustStart();
    await fill(harness, "x".repeat(1000));
    const call = harness.stream(pathOf("KV/RangeStream"), encodeRequest("KV/RangeStream", everything));
    call.room = 1000;
    await harness.settle();
    expect(harness.member.front.pending).toBe(1);
    call.cancel();
    await harness.settle();
    expect(harness.member.front.pending).toBe(0);
    await harness.must("KV/Compact", { revision: 41n, physical: true });
  });
});
