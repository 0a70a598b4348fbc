import { type LogIndex, type MemberId, silentLogger, type SnapshotSource, type Term } from "@quorate/common";
import type { Backup } from "@quorate/mvcc";
import { emptyConfState, type Envelope, MemoryLog, type RaftInput } from "@quorate/raft";
import { SimulatedClock, SimulatedRandom } from "@quorate/testkit";
import { describe, expect, it } from "vitest";
import { decodeSnapshotHeader } from "../../src/core/snapshot-header.js";
import { SnapshotSender } from "../../src/core/snapshot-sender.js";

const [one, two, three] = [1n, 2n, 3n] as [MemberId, MemberId, MemberId];
const confState = { ...emptyConfState, voters: [one, two, three] };
const asked = { index: 5 as LogIndex, term: 2 as Term, confState, data: new Uint8Array(0) };
const envelope = (to: MemberId, term = 7): Envelope => ({
  from: one,
  to,
  message: { kind: "snapshot", term: term as Term, snapshot: asked },
});

/** A sender over a store whose copies are of `copyBytes`, or cannot be made. */
function buildSender(options: { copyBytes?: number; isBroken?: boolean } = {}) {
  const clock = new SimulatedClock();
  const log = new MemoryLog();
  const made: { index: number; isClosed: boolean }[] = [];
  const sent: { to: MemberId; source: SnapshotSource; done(isDelivered: boolean): void }[] = [];
  const pushed: RaftInput[] = [];
  const store = { applied: { index: 10 as LogIndex, term: 3 as Term } };
  const backup = async (): Promise<Backup> => {
    const copy = { index: store.applied.index, isClosed: false };
    made.push(copy);
    if (options.isBroken === true) throw new Error("no space");
    const sizeBytes = options.copyBytes ?? 1000;
    return {
      sizeBytes,
      applied: store.applied,
      bucket: () => new Map(),
      async *chunks(bytes: number, fromByte = 0) {
        const piece = new Uint8Array(bytes);
        for (let at = fromByte; at < sizeBytes; at += bytes) yield piece.subarray(0, Math.min(bytes, sizeBytes - at));
      },
      close: () => {
        copy.isClosed = true;
      },
    };
  };
  const sender = new SnapshotSender(
    {
      member: one,
      log,
      raft: { term: 7 as Term, confState },
      mvcc: Object.assign(store, { backup }),
      network: { sendSnapshot: (to, source, done) => void sent.push({ to, source, done }) },
      push: (input) => void pushed.push(input),
    },
    { clock, random: new SimulatedRandom(1), logger: silentLogger },
  );
  return { sender, clock, log, store, made, sent, pushed };
}

describe("sending a snapshot", () => {
  it("sends what is there when it is sent, under its own index and term, and tells the core how it went", async () => {
    const { sender, clock, sent, pushed, made } = buildSender();
    sender.send(envelope(two));
    await clock.advance(1);
    const header = decodeSnapshotHeader(sent[0]?.source.header as Uint8Array);
    expect(header?.message).toMatchObject({ term: 7, snapshot: { index: 10, term: 3, confState } });
    sent[0]?.done(true);
    expect(pushed).toEqual([{ kind: "snapshot-status", peer: two, isDelivered: true }]);
    expect(made).toEqual([{ index: 10, isClosed: false }]);
    await clock.advance(31_000);
    expect(made[0]?.isClosed).toBe(true);
  });

  it("shares a copy while the log goes on from it, and holds the log there", async () => {
    const { sender, clock, log, store, made, sent } = buildSender();
    log.append(
      Array.from({ length: 30 }, (_, i) => ({
        index: (i + 1) as LogIndex,
        term: 3 as Term,
        kind: "normal",
        data: new Uint8Array(1),
      })),
    );
    sender.send(envelope(two));
    expect(sender.pinnedIndex).toBe(10);
    await clock.advance(1);
    store.applied = { index: 20 as LogIndex, term: 3 as Term };
    sender.send(envelope(three));
    await clock.advance(1);
    expect([made.length, sent.map(({ to }) => to)]).toEqual([1, [two, three]]);
    log.compact(15 as LogIndex);
    sender.send(envelope(two));
    await clock.advance(1);
    expect(made.map(({ index }) => index)).toEqual([10, 20]);
    expect(sender.pinnedIndex).toBe(10);
    for (const { done } of sent) done(false);
    await clock.advance(31_000);
    expect([sender.pinnedIndex, made.map(({ isClosed }) => isClosed)]).toEqual([undefined, [true, true]]);
  });

  it("does not try again at once to make a copy that could not be made", async () => {
    const { sender, clock, made, pushed } = buildSender({ isBroken: true });
    for (let i = 0; i < 40; i++) {
      sender.send(envelope(two));
      await clock.advance(100);
    }
    expect([made.length, pushed.length]).toEqual([1, 40]);
    expect(pushed[39]).toMatchObject({ isDelivered: false });
    await clock.advance(5000);
    sender.send(envelope(two));
    expect(made.length).toBe(2);
    await clock.advance(10_000);
  });

  it("keeps a pace, and goes faster when that would take more than a minute", async () => {
    for (const [copyBytes, seconds] of [
      [2 * 33_554_432, 2],
      [90 * 33_554_432, 60],
    ] as const) {
      const { sender, clock, sent } = buildSender({ copyBytes });
      sender.send(envelope(two));
      await clock.advance(1);
      let received = 0;
      const [first] = sent;
      if (first === undefined) throw new Error("nothing was sent");
      const reading = (async () => {
        for await (const piece of first.source.chunks(0)) received += piece.length;
      })();
      await clock.advance(seconds * 500);
      expect(received / copyBytes).toBeGreaterThan(0.4);
      expect(received / copyBytes).toBeLessThan(0.6);
      await clock.advance(seconds * 600);
      await reading;
      expect(received).toBe(copyBytes);
    }
  });

  it("sends none for a term that is over, no more than its bound at once, and nothing once it has stopped", async () => {
    const { sender, clock, sent, pushed } = buildSender();
    sender.send(envelope(two, 6));
    await clock.advance(1);
    expect([sent.length, pushed]).toEqual([0, [{ kind: "snapshot-status", peer: two, isDelivered: false }]]);
    for (let i = 0; i < 20; i++) sender.send(envelope(BigInt(i + 10) as MemberId));
    await clock.advance(1);
    expect([sent.length, pushed.length]).toEqual([16, 5]);
    sender.stop();
    for (const { done } of sent) done(false);
    sender.send(envelope(two));
    await clock.advance(40_000);
    expect([sent.length, pushed.length]).toEqual([16, 5]);
  });
});
