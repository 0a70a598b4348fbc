import { connect } from "node:net";
import { Client, credentials, Metadata, type StatusObject } from "@grpc/grpc-js";
import type { ClusterId, MemberId, PeerReceiver } from "@quorate/common";
import { describe, expect, it } from "vitest";
import { Code } from "../../src/index.js";
import { sealBatch } from "../../src/peers/batch.js";
import { callHeaders } from "../../src/peers/handshake.js";
import { encodeSenderFrame } from "../../src/peers/snapshot-frames.js";
import { ManualClock } from "../support/manual-clock.js";
import {
  atEnd,
  cluster,
  introduce,
  startPeer,
  startRelay,
  type TestPeer,
  until,
  untilLinked,
  version,
} from "./support.js";

const asIs = (bytes: Buffer): Buffer => bytes;
const one = 1n as MemberId;
const two = 2n as MemberId;

function headersOf(from: bigint, to: bigint, changes: Record<string, string> = {}): Metadata {
  const metadata = new Metadata();
  const identity = { self: from as MemberId, cluster, version };
  for (const [name, value] of callHeaders(identity, to as MemberId)) metadata.set(name, value);
  for (const [name, value] of Object.entries(changes)) metadata.set(name, value);
  return metadata;
}

/** Calls a streaming method by hand. @returns its status. */
function speak(peer: TestPeer, method: string, frames: readonly Buffer[], metadata: Metadata): Promise<StatusObject> {
  const client = new Client(`127.0.0.1:${peer.port}`, credentials.createInsecure());
  atEnd(() => client.close());
  const call = client.makeBidiStreamRequest(`/quorate.peer.v1.Peer/${method}`, asIs, asIs, metadata);
  call.on("error", () => {});
  call.on("data", () => {});
  for (const frame of frames) call.write(frame);
  return new Promise((resolve) => call.on("status", resolve));
}

const warnings = (peer: TestPeer): string[] =>
  peer.lines.filter(({ level }) => level === "warn").map(({ message }) => message);

describe("a peer that is not what it should be", () => {
  const cases: readonly (readonly [string, Record<string, string>, string, string])[] = [
    ["another cluster", { "quorate-cluster-id": "c2" }, "cluster ID mismatch", "request cluster ID mismatch"],
    [
      "another member",
      { "quorate-to": "3" },
      "cannot process message to mismatch member",
      "ignored streaming request; ID mismatch",
    ],
    [
      "us",
      { "quorate-from": "2" },
      "cannot process message to mismatch member",
      "ignored streaming request; ID mismatch",
    ],
    [
      "an old version",
      { "quorate-server-version": "2.3.8" },
      "incompatible version",
      "failed to check version compatibility",
    ],
    [
      "a version that needs newer ones",
      { "quorate-min-cluster-version": "4.0.0" },
      "incompatible version",
      "failed to check version compatibility",
    ],
    [
      "nobody",
      { "quorate-from": "x" },
      "malformed peer headers",
      "rejected stream from remote peer because its headers are malformed",
    ],
  ];
  for (const [title, change, told, logged] of cases) {
    it(`is refused when it means or is ${title}`, async () => {
      const b = await startPeer(2);
      for (const method of ["Messages", "Snapshot"]) {
        const status = await speak(b, method, [], headersOf(1n, 2n, change));
        expect([status.code, status.details]).toEqual([Code.FailedPrecondition, told]);
      }
      expect(warnings(b)).toEqual([logged]); // once in a while, not for each call
    });
  }

  it("is not called hotly when it refuses, and says why", async () => {
    const clock = new ManualClock();
    const a = await startPeer(1, { cluster: 0xc2n as ClusterId, limits: { refusedMs: 4000 }, clock });
    const b = await startPeer(2);
    const relay = await startRelay(b.port);
    a.network.setPeers([{ member: two, urls: [relay.url] }]);
    const line = "request sent was ignored by remote peer due to cluster ID mismatch";
    await until(() => warnings(a).includes(line));
    const before = relay.taken;
    clock.advance(1999);
    await until(() => {
      clock.advance(10);
      return relay.taken > before;
    });
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(1_002_000);
  });

  it("is told that it was removed", async () => {
    const told: bigint[] = [];
    const a = await startPeer(1, { onRemoved: (by) => told.push(by) });
    const removed = new Set<bigint>();
    const b = await startPeer(2, { isRemoved: (member) => removed.has(member) });
    introduce(a, b);
    await Promise.all([untilLinked(a, b), untilLinked(b, a)]);
    removed.add(1n);
    b.network.setPeers([]);
    await until(() => told.length > 0);
    expect(told[0]).toBe(2n);
    expect(b.network.send(one, [Buffer.from("x")])).toBe(false);
    expect(warnings(b)).toContain("rejected stream from remote peer because it was removed");
  });

  it("speaks garbage, and is cut off without harm to the others", async () => {
    const [a, b] = [await startPeer(1), await startPeer(2)];
    a.network.setPeers([{ member: two, urls: [b.url] }]);
    await untilLinked(a, b);
    const sound = sealBatch(Buffer.from([0, 0, 0, 0, 0, 0, 0, 1, 65]));
    const flipped = Buffer.from(sound).fill(66, 8);
    const tooLong = sealBatch(Buffer.from([0, 0, 0, 0, 0, 0, 0, 9, 1]));
    const tooMany = sealBatch(Buffer.from([0, 0, 0, 0, 255, 255, 255, 255]));
    for (const garbage of [flipped, tooLong, tooMany, sealBatch(Buffer.alloc(7)), Buffer.from("xyz")]) {
      const status = await speak(b, "Messages", [garbage], headersOf(3n, 2n));
      expect([status.code, status.details]).toEqual([Code.InvalidArgument, "malformed batch"]);
    }
    expect(a.network.send(two, [Buffer.from("fine")])).toBe(true);
    await until(() => b.messages.length > 0);
    expect([b.messages, a.lost]).toEqual([["1:fine"], []]);
  });

  it("sends bytes that are not HTTP/2 at all", async () => {
    const [a, b] = [await startPeer(1), await startPeer(2)];
    a.network.setPeers([{ member: two, urls: [b.url] }]);
    await untilLinked(a, b);
    const closed = await new Promise((resolve) => {
      const socket = connect(b.port, "127.0.0.1", () => socket.write(Buffer.alloc(100_000, 7)));
      socket.on("error", () => {});
      socket.on("close", () => resolve("closed"));
    });
    expect([closed, a.network.status(two)?.isConnected]).toEqual(["closed", true]);
  });

  it("sends a snapshot that makes no sense", async () => {
    const aborted: (boolean | undefined)[] = [];
    let written = 0;
    const snapshot: PeerReceiver["snapshot"] = () => ({
      receivedBytes: 0,
      async write(chunk) {
        written += chunk.length;
      },
      finish: () => Promise.reject(new Error("must not be finished")),
      abort: (options) => void aborted.push(options?.isCorrupt),
    });
    const b = await startPeer(2, { receiver: { snapshot } });
    const begin = encodeSenderFrame({ kind: "begin", sizeBytes: 4, header: Buffer.from("h") });
    const chunk = encodeSenderFrame({ kind: "chunk", offset: 0, data: Buffer.from("data") });
    const end = encodeSenderFrame({ kind: "end", digestFrom: 0, digest: Buffer.alloc(32) });
    const late = encodeSenderFrame({ kind: "chunk", offset: 1, data: Buffer.from("dat") });
    const corrupt = Buffer.from(chunk).fill(0, 13);
    const told = async (...frames: Buffer[]): Promise<string> =>
      (await speak(b, "Snapshot", frames, headersOf(1n, 2n))).details;
    expect(await told(chunk)).toBe("chunk out of place");
    expect(await told(begin, late)).toBe("chunk out of place");
    expect(await told(begin, begin)).toBe("a second beginning");
    expect(await told(begin, corrupt)).toBe("corrupt chunk");
    expect(await told(begin, Buffer.from([9]))).toBe("malformed frame");
    expect(await told(begin, end)).toBe("the snapshot's checksum is wrong");
    expect(await told(begin, chunk, chunk)).toBe("chunk out of place");
    expect(aborted.slice(-2)).toEqual([true, false]);
    expect(await told(begin, chunk, end)).toBe("the snapshot's checksum is wrong");
    expect(aborted.at(-1)).toBe(true);
    expect([aborted.length, written]).toEqual([7, 8]);
  });
});
