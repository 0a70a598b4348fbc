import { describe, expect, it } from "vitest";
import type { FakeStream } from "../support/fake-call.js";
import type { Harness } from "../support/harness.js";
import { harnesses } from "../support/harnesses.js";
import { decodeResponse, encodeRequest, pathOf } from "../support/method-codec.js";
import type { PlainMessage } from "../support/plain.js";

const mustStart = harnesses();
const everything = { key: "\0", rangeEnd: "\0" };
type Event = { type: number; kv: { key: string; value: string; modRevision: bigint }; prevKv?: PlainMessage };

function open(harness: Harness, ...creates: readonly PlainMessage[]): FakeStream {
  const watch = harness.stream(pathOf("Watch/Watch"));
  for (const value of creates) send(watch, { kind: "createRequest", value });
  return watch;
}

const send = (watch: FakeStream, requestUnion: PlainMessage): void =>
  watch.receive(encodeRequest("Watch/Watch", { requestUnion }));
const messagesOf = (watch: FakeStream): PlainMessage[] =>
  watch.take().map((message) => decodeResponse("Watch/Watch", message));
const eventsOf = (message: PlainMessage): readonly Event[] => message.events as unknown as readonly Event[];
const revisionsOf = (messages: readonly PlainMessage[]): number[] =>
  messages.flatMap((message) => eventsOf(message).map(({ kv }) => Number(kv.modRevision)));
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

async function putAll(harness: Harness, count: number, value: string): Promise<void> {
  for (let from = 0; from < count; from += 20) {
    for (let i = from; i < Math.min(from + 20, count); i++) harness.begin("KV/Put", { key: `k${i % 7}`, value });
    await harness.settle();
  }
}

describe("a watch of history", () => {
  it("comes in at most a thousand revisions at a time, whole and in order, while writes go on", async () => {
    const harness = await mustStart();
    await putAll(harness, 2500, "v");
    const watch = open(harness, { ...everything, startRevision: 2n });
    await putAll(harness, 100, "w");
    await harness.advance(500);
    const messages = messagesOf(watch);
    expect(revisionsOf(messages)).toEqual(numbers(2, 2601));
    expect(Math.max(...messages.map((message) => eventsOf(message).length))).toBeLessThanOrEqual(1000);
  });

  it("in pieces when the client can take that, and else in one", async () => {
    const harness = await mustStart();
    await putAll(harness, 100, "x".repeat(50_000));
    const pieces = open(harness, { ...everything, startRevision: 2n, fragment: true });
    const whole = open(harness, { ...everything, startRevision: 2n });
    await harness.advance(500);
    const sent = messagesOf(pieces).slice(1);
    expect(sent.length).toBeGreaterThanOrEqual(3);
    expect(sent.map(({ fragment }) => fragment)).toEqual(sent.map((_, i) => i < sent.length - 1));
    expect(new Set(sent.map(({ header }) => (header as PlainMessage).revision))).toEqual(new Set([101n]));
    expect(revisionsOf(sent)).toEqual(numbers(2, 101));
    const [, one, ...others] = messagesOf(whole);
    expect([revisionsOf([one as PlainMessage]), others]).toEqual([numbers(2, 101), []]);
  });
});

describe("a live event", () => {
  it("of one large revision is split below the bound, every piece told as such", async () => {
    const harness = await mustStart();
    const success = numbers(0, 13).map((i) => ({
      request: { kind: "requestPut", value: { key: `k${i}`, value: "x".repeat(100_000) } },
    }));
    await harness.must("KV/Txn", { success });
    const watch = open(harness, { ...everything, prevKv: true, fragment: true });
    await harness.settle();
    watch.take();
    await harness.must("KV/Txn", { success });
    const encoded = watch.take();
    expect(encoded.length).toBe(2);
    for (const message of encoded) expect(message.length).toBeLessThan(1_572_864 + 524_288);
    const messages = encoded.map((message) => decodeResponse("Watch/Watch", message));
    expect(messages.map(({ fragment }) => fragment)).toEqual([true, false]);
    expect(messages.flatMap((message) => eventsOf(message).map(({ kv }) => kv.key))).toEqual(
      numbers(0, 13).map((i) => `k${i}`),
    );
  });
});

describe("a client that does not read", () => {
  it("holds a bounded number of bytes, delays nobody, and misses and repeats nothing", async () => {
    const harness = await mustStart();
    const slow = open(harness, { ...everything }, { key: "k1" });
    const quick = open(harness, { ...everything });
    slow.room = 100_000;
    const value = "x".repeat(50_000);
    await putAll(harness, 400, value);
    const live = revisionsOf(messagesOf(quick));
    expect(live).toEqual(numbers(2, 401));
    const bound = 4_194_304 + 8_388_608 + 200_000; // what may be in flight, and one batch of history
    expect(slow.sentBytes).toBeLessThan(bound);
    const got: PlainMessage[] = [];
    for (let step = 0; step < 200; step++) {
      const before = slow.sentBytes;
      got.push(...messagesOf(slow));
      slow.drain();
      await harness.advance(20);
      expect(slow.sentBytes - before).toBeLessThan(bound);
      if (step < 20) await putAll(harness, 5, value);
    }
    got.push(...messagesOf(slow));
    const byWatcher = Object.groupBy(got, ({ watchId }) => String(watchId));
    expect(revisionsOf(byWatcher["0"] ?? [])).toEqual(numbers(2, 501));
    const ofOneKey = revisionsOf(byWatcher["1"] ?? []);
    const expected = await harness.must("KV/Range", { key: "k1" });
    expect(ofOneKey.length).toBe(Number((expected.kvs as readonly PlainMessage[])[0]?.version));
    expect(ofOneKey).toEqual([...new Set(ofOneKey)].sort((a, b) => a - b));
  });

  it("is not asked for more requests until it has read the answers", async () => {
    const harness = await mustStart();
    const watch = open(harness, { ...everything });
    await harness.settle();
    watch.room = 1000;
    let sent = 0;
    for (; !watch.isPaused && sent < 1000; sent++) send(watch, { kind: "progressRequest", value: {} });
    expect(sent).toBeLessThan(100);
    watch.drain();
    expect(watch.isPaused).toBe(false);
    expect(messagesOf(watch).length).toBe(sent + 1);
    send(watch, { kind: "cancelRequest", value: { watchId: 0n } });
    expect(messagesOf(watch)).toMatchObject([{ canceled: true, watchId: 0n }]);
  });

  it("is told when what it has not had yet is compacted", async () => {
    const harness = await mustStart();
    const slow = open(harness, { ...everything });
    slow.room = 100_000;
    await putAll(harness, 400, "x".repeat(50_000));
    await harness.must("KV/Compact", { revision: 401n, physical: true });
    for (let step = 0; step < 50; step++) {
      slow.drain();
      await harness.advance(20);
    }
    const messages = messagesOf(slow);
    const last = messages.at(-1) as PlainMessage;
    expect(last).toMatchObject({ canceled: true, compactRevision: 401n, watchId: 0n, cancelReason: "" });
    expect((last.header as PlainMessage).revision).toBe(0n);
    const had = revisionsOf(messages);
    expect(had).toEqual(numbers(2, had.length + 1));
    expect(had.length).toBeLessThan(400);
    send(slow, { kind: "progressRequest", value: {} }); // the dead watcher silences it
    await harness.settle();
    expect(messagesOf(slow)).toEqual([]);
    send(slow, { kind: "cancelRequest", value: { watchId: 0n } });
    send(slow, { kind: "createRequest", value: everything });
    send(slow, { kind: "progressRequest", value: {} });
    await harness.settle();
    expect(messagesOf(slow)).toMatchObject([
      { canceled: true },
      { created: true, watchId: 1n },
      { watchId: -1n, events: [] },
    ]);
  });
});

describe("progress", () => {
  it("is told on time to watchers that asked for it and had nothing else", async () => {
    const harness = await mustStart({ options: { watchProgressMs: 1000 } });
    const watch = open(
      harness,
      { key: "a", progressNotify: true },
      { key: "b", progressNotify: true },
      { key: "c" },
      { key: "d", progressNotify: true, startRevision: 50n },
    );
    await harness.settle();
    watch.take();
    for (let round = 0; round < 3; round++) {
      await harness.must("KV/Put", { key: "b", value: `${round}` });
      const sentBefore = messagesOf(watch);
      expect(sentBefore.map(({ watchId }) => watchId)).toEqual([1n]);
      await harness.advance(1099);
      const messages = messagesOf(watch).filter(({ watchId }) => watchId === 0n);
      expect(messages).toMatchObject([{ watchId: 0n, events: [], header: { revision: BigInt(round + 2) } }]);
    }
    await harness.advance(3000);
    expect(new Set(messagesOf(watch).map(({ watchId }) => watchId))).toEqual(new Set([0n, 1n]));
  });
});

describe("a watch stream", () => {
  it("goes on after its client has ended its side, and ends its watchers with the call", async () => {
    const harness = await mustStart();
    const watch = open(harness, { ...everything });
    watch.halfClose();
    await harness.must("KV/Put", { key: "a" });
    expect([revisionsOf(messagesOf(watch)), watch.status]).toEqual([[2], undefined]);
    expect(harness.member.hub.stats().watchers).toBe(1);
    watch.cancel();
    await harness.must("KV/Put", { key: "a" });
    expect([watch.take(), harness.member.hub.stats().watchers, harness.member.core.watchStreams]).toEqual([[], 0, 0]);
  });
});
