import type { MemberId, PeerReceiver, SnapshotSink, SnapshotSource } from "@quorate/common";
import { describe, expect, it } from "vitest";
import { ManualClock } from "../support/manual-clock.js";
import { startPeer, startRelay, type TestPeer, until, untilLinked } from "./support.js";

const two = 2n as MemberId;
const header = Buffer.from("snapshot at 7");

/** Bytes that differ everywhere, so that a piece in the wrong place shows. */
function contents(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = (at * 31 + (at >> 8) * 7 + (at >> 16)) & 255;
  return bytes;
}

type Source = SnapshotSource & { readonly asked: number[]; closed: number };

function sourceOf(bytes: Buffer, pieceBytes = 300_000): Source {
  const asked: number[] = [];
  return {
    header,
    sizeBytes: bytes.length,
    asked,
    closed: 0,
    async *chunks(fromByte) {
      asked.push(fromByte);
      for (let at = fromByte; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
    },
    close() {
      this.closed++;
    },
  };
}

/** A receiver that keeps what came, over broken attempts too. */
class Shelf {
  parts: Buffer[] = [];
  finished = 0;
  readonly finishErrors: Error[] = [];
  readonly aborted: boolean[] = [];
  isWanted = true;
  beforeWrite: () => Promise<void> = () => Promise.resolve();
  onBytes: (received: number) => void = () => {};

  get bytes(): Buffer {
    return Buffer.concat(this.parts);
  }

  readonly snapshot: PeerReceiver["snapshot"] = (_, given): SnapshotSink | undefined => {
    if (!this.isWanted) return undefined;
    expect(Buffer.from(given)).toEqual(header);
    const shelf = this;
    return {
      receivedBytes: this.bytes.length,
      async write(chunk) {
        await shelf.beforeWrite();
        shelf.parts.push(Buffer.from(chunk));
        shelf.onBytes(shelf.bytes.length);
      },
      async finish() {
        const error = shelf.finishErrors.shift();
        if (error !== undefined) throw error;
        shelf.finished++;
      },
      abort: (options) => void shelf.aborted.push(options?.isCorrupt === true),
    };
  };
}

async function startPair(
  shelf: Shelf,
  limits: Parameters<typeof startPeer>[1] = {},
): Promise<{ a: TestPeer; b: TestPeer; relay: Awaited<ReturnType<typeof startRelay>> }> {
  const a = await startPeer(1, limits);
  const b = await startPeer(2, { ...limits, receiver: { snapshot: shelf.snapshot } });
  const relay = await startRelay(b.port);
  a.network.setPeers([{ member: two, urls: [relay.url] }]);
  await untilLinked(a, b);
  return { a, b, relay };
}

function send(peer: TestPeer, source: SnapshotSource): Promise<boolean> {
  return new Promise((resolve) => peer.network.sendSnapshot(two, source, resolve));
}

describe("sendSnapshot", () => {
  for (const length of [0, 1, 131_072, 1_000_000]) {
    it(`delivers ${length} bytes`, async () => {
      const shelf = new Shelf();
      const { a } = await startPair(shelf);
      const source = sourceOf(contents(length));
      expect(await send(a, source)).toBe(true);
      expect(shelf.bytes.equals(contents(length))).toBe(true);
      expect([shelf.finished, shelf.aborted, source.closed, source.asked]).toEqual([1, [], 1, [0]]);
    });
  }

  it("goes on where it broke, with the digest of the whole", async () => {
    const shelf = new Shelf();
    const { a, relay } = await startPair(shelf);
    let cuts = 0;
    shelf.onBytes = (received) => {
      if (cuts >= 3 || received < (cuts + 1) * 600_000) return;
      cuts++;
      relay.cut();
    };
    const source = sourceOf(contents(3_000_000));
    expect(await send(a, source)).toBe(true);
    expect(shelf.bytes.equals(contents(3_000_000))).toBe(true);
    expect(source.asked.length).toBe(4);
    expect(Math.min(...source.asked.slice(1))).toBeGreaterThanOrEqual(600_000);
    expect([shelf.finished, shelf.aborted, source.closed]).toEqual([1, [false, false, false], 1]);
  });

  it("goes on from what the receiver has after its restart, too", async () => {
    const shelf = new Shelf();
    shelf.parts.push(contents(1_000_000).subarray(0, 400_000));
    const { a } = await startPair(shelf);
    const source = sourceOf(contents(1_000_000));
    expect(await send(a, source)).toBe(true);
    expect(shelf.bytes.equals(contents(1_000_000))).toBe(true);
    expect(source.asked).toEqual([400_000]);
  });

  it("finds corrupt bytes, and sends them again", async () => {
    const shelf = new Shelf();
    const { a, b, relay } = await startPair(shelf);
    let seen = 0;
    let isDone = false;
    relay.corrupt((bytes) => {
      seen += bytes.length;
      if (isDone || seen < 300_000 || bytes.length < 5000) return bytes;
      isDone = true;
      bytes[4000] = (bytes[4000] as number) ^ 1;
      return bytes;
    });
    expect(await send(a, sourceOf(contents(1_000_000)))).toBe(true);
    expect(isDone).toBe(true);
    expect(shelf.bytes.equals(contents(1_000_000))).toBe(true);
    expect(b.lines.some(({ message }) => message === "failed to receive database snapshot")).toBe(true);
  });

  it("is told when it is not wanted, and does not try again", async () => {
    const shelf = new Shelf();
    shelf.isWanted = false;
    const { a } = await startPair(shelf);
    const source = sourceOf(contents(10));
    expect(await send(a, source)).toBe(false);
    expect([source.closed, source.asked]).toEqual([1, []]);
  });

  it("gives up after so many attempts that bring nothing", async () => {
    const shelf = new Shelf();
    shelf.beforeWrite = () => Promise.reject(new Error("disk full"));
    const { a } = await startPair(shelf, { limits: { snapshotAttemptsMax: 3 } });
    const source = sourceOf(contents(10));
    expect(await send(a, source)).toBe(false);
    expect([source.closed, source.asked, shelf.aborted]).toEqual([1, [0, 0, 0], [false, false, false]]);
  });

  it("tries again when the receiver could not take it over, without an abort behind its back", async () => {
    const shelf = new Shelf();
    shelf.finishErrors.push(new Error("no space"));
    const { a } = await startPair(shelf);
    const source = sourceOf(contents(10));
    expect(await send(a, source)).toBe(true);
    expect([source.asked, shelf.finished, shelf.aborted]).toEqual([[0, 10], 1, []]);
  });

  it("gives up a source that cannot be read, or is not as long as it says", async () => {
    const shelf = new Shelf();
    const { a } = await startPair(shelf);
    const broken: SnapshotSource = {
      ...sourceOf(contents(10)),
      // biome-ignore lint/correctness/useYield: it fails before it has anything
      async *chunks() {
        throw new Error("read error");
      },
    };
    expect(await send(a, broken)).toBe(false);
    expect(await send(a, { ...sourceOf(contents(10)), sizeBytes: 11 })).toBe(false);
    expect(shelf.finished).toBe(0);
  });

  it("is over when the peer is unknown or taken from the list", async () => {
    const shelf = new Shelf();
    const { a } = await startPair(shelf);
    const nobody = sourceOf(contents(10));
    const isDelivered = await new Promise((resolve) => a.network.sendSnapshot(9n as MemberId, nobody, resolve));
    expect([isDelivered, nobody.closed]).toEqual([false, 1]);
    shelf.beforeWrite = () => new Promise(() => {});
    const source = sourceOf(contents(10));
    const sent = send(a, source);
    await until(() => source.asked.length > 0);
    a.network.setPeers([]);
    expect([await sent, source.closed]).toEqual([false, 1]);
  });

  it("sends no faster than it may", async () => {
    const shelf = new Shelf();
    const clock = new ManualClock();
    const { a } = await startPair(shelf, {
      clock,
      limits: { snapshotBytesPerSecondMax: 1_000_000, snapshotChunkBytes: 50_000 },
    });
    const sent = send(a, sourceOf(contents(150_000)));
    for (const received of [50_000, 100_000, 150_000]) {
      await until(() => shelf.bytes.length >= received);
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(shelf.bytes.length).toBe(received); // the clock stands still, so no more may come
      clock.advance(50);
    }
    expect(await sent).toBe(true);
  });

  it("keeps no more on the way than the window, and messages go on meanwhile", async () => {
    const shelf = new Shelf();
    let release: () => void = () => {};
    shelf.beforeWrite = () => new Promise((resolve) => (release = resolve));
    const limits = { snapshotWindowBytes: 200_000, snapshotChunkBytes: 50_000 };
    const { a, b } = await startPair(shelf, { limits });
    let read = 0;
    const bytes = contents(2_000_000);
    const source: SnapshotSource = {
      ...sourceOf(bytes),
      async *chunks(fromByte) {
        for (let at = fromByte; at < bytes.length; at += 50_000) {
          read += 50_000;
          yield bytes.subarray(at, at + 50_000);
        }
      },
    };
    const sent = send(a, source);
    await until(() => read >= 200_000);
    for (let turn = 0; turn < 20; turn++) {
      a.network.send(two, [Buffer.from("tick")]);
      await until(() => b.messages.length === turn + 1);
    }
    expect(read).toBeLessThanOrEqual(250_000);
    shelf.beforeWrite = () => Promise.resolve();
    release();
    expect(await sent).toBe(true);
    expect(shelf.bytes.equals(bytes)).toBe(true);
    expect(shelf.parts.length).toBeLessThan(40); // what came while one was written was written together
  });
});
