import type { MemberId } from "@quorate/common";
import { describe, expect, it } from "vitest";
import { introduce, startPeer, startRelay, until, untilLinked } from "./support.js";

const text = (value: string): Uint8Array => Buffer.from(value);
const two = 2n as MemberId;

describe("createPeerNetwork", () => {
  it("carries messages in order, in parts, both ways", async () => {
    const [a, b] = [await startPeer(1), await startPeer(2)];
    introduce(a, b);
    await Promise.all([untilLinked(a, b), untilLinked(b, a)]);
    const expected: string[] = [];
    for (let turn = 0; turn < 500; turn++) {
      expect(a.network.send(two, [text("m"), text(String(turn)), new Uint8Array(0)])).toBe(true);
      expected.push(`1:m${turn}`);
    }
    expect(b.network.send(a.id, [])).toBe(true);
    await until(() => b.messages.length === 500 && a.messages.length === 1);
    expect(b.messages).toEqual(expected);
    expect(a.messages).toEqual(["2:"]);
  });

  it("drops what is for members without a link", async () => {
    const a = await startPeer(1);
    expect(a.network.send(two, [text("x")])).toBe(false);
    expect(a.network.status(two)).toBeUndefined();
    a.network.setPeers([{ member: two, urls: ["http://127.0.0.1:1"] }]);
    expect(a.network.send(two, [text("x")])).toBe(false);
    expect(a.network.status(two)).toMatchObject({ isConnected: false, activeSinceMs: undefined });
  });

  it("asks and is answered, refused and told of unknown members", async () => {
    const a = await startPeer(1);
    const b = await startPeer(2, {
      receiver: {
        answer: async (_, question) => {
          if (question.length === 0) throw new Error("not the leader: élsewhere");
          return Buffer.from(question).reverse();
        },
      },
    });
    introduce(a, b);
    await untilLinked(a, b);
    expect(String(await a.network.ask(two, text("abc"), { timeoutMs: 5000 }))).toBe("cba");
    await expect(a.network.ask(two, text(""), { timeoutMs: 5000 })).rejects.toMatchObject({
      fault: { code: "peer/refused", member: two, reason: "not the leader: élsewhere" },
    });
    await expect(a.network.ask(3n as MemberId, text(""), { timeoutMs: 5000 })).rejects.toMatchObject({
      fault: { code: "peer/unknown", member: 3n },
    });
  });

  it("gives up a question that is not answered in time, or whose link breaks", async () => {
    const a = await startPeer(1);
    const b = await startPeer(2, { receiver: { answer: () => new Promise(() => {}) } });
    introduce(a, b);
    await untilLinked(a, b);
    await expect(a.network.ask(two, text("?"), { timeoutMs: 20 })).rejects.toMatchObject({
      fault: { code: "peer/timeout", member: two },
    });
    const asked = a.network.ask(two, text("?"), { timeoutMs: 60_000 });
    a.network.setPeers([]);
    await expect(asked).rejects.toMatchObject({ fault: { code: "peer/unreachable" } });
  });

  it("reports a link that broke, and connects again by itself", async () => {
    const [a, b] = [await startPeer(1), await startPeer(2)];
    const relay = await startRelay(b.port);
    a.network.setPeers([{ member: b.id, urls: [relay.url] }]);
    await untilLinked(a, b);
    expect(a.lost).toEqual([]);
    relay.cut();
    await until(() => a.lost.length > 0);
    expect(a.lost).toEqual([two]);
    await untilLinked(a, b);
    expect(a.network.send(two, [text("again")])).toBe(true);
    await until(() => b.messages.length === 1);
    expect(b.messages).toEqual(["1:again"]);
  });

  it("tries each URL of a peer in turn, and goes to new ones", async () => {
    const [a, b] = [await startPeer(1), await startPeer(2)];
    a.network.setPeers([{ member: b.id, urls: ["http://127.0.0.1:1", "nonsense", b.url] }]);
    await untilLinked(a, b);
    const relay = await startRelay(b.port);
    a.network.setPeers([{ member: b.id, urls: [relay.url] }]);
    await until(() => relay.taken > 0);
    await untilLinked(a, b);
    expect(a.lost).toEqual([two]);
    a.network.setPeers([{ member: b.id, urls: [relay.url] }]);
    expect(a.network.status(two)?.isConnected).toBe(true);
  });

  it("answers a member that it cannot reach on the stream on which that member speaks", async () => {
    const [a, b] = [await startPeer(1), await startPeer(2)];
    a.network.setPeers([{ member: b.id, urls: [b.url] }]);
    await untilLinked(a, b);
    expect(b.network.send(a.id, [text("b"), text("ack")])).toBe(true);
    await until(() => a.messages.length === 1);
    expect(a.messages).toEqual(["2:back"]);
  });

  it("stops", async () => {
    const [a, b] = [await startPeer(1), await startPeer(2)];
    introduce(a, b);
    await untilLinked(a, b);
    await a.stop();
    expect(a.network.send(two, [text("x")])).toBe(false);
    await until(() => b.lost.length > 0);
    expect(a.network.stats()).toEqual({ links: 0, linksUp: 0, queuedBytes: 0 });
  });
});
