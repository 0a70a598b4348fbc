import { describe, expect, it } from "vitest";
import { ClientError } from "../src/index.js";
import { buildClient, errorOf, until } from "./build.js";
import { FakeMember } from "./fake/fake-member.js";
import { FakeStore, Refusal } from "./fake/fake-store.js";
import { FaultyProxy } from "./fake/proxy.js";

const rangePath = "/etcdserverpb.KV/Range";
const putPath = "/etcdserverpb.KV/Put";
const unavailable = () => {
  throw new Refusal(14, "etcdserver: request timed out");
};

/** Refuses so many calls, then answers as usual. */
function refuseFirst(member: FakeMember, path: string, times: number, refusal: Refusal): void {
  let left = times;
  member.handlers.set(path, () => {
    if (--left === 0) member.handlers.delete(path);
    throw refusal;
  });
}

describe("a read", () => {
  it("is repeated while members are unavailable", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    refuseFirst(member, rangePath, 3, new Refusal(14, "etcdserver: leader changed"));
    expect(await client.text.get("a")).toBeUndefined();
    expect(member.count(rangePath)).toBe(4);
  });

  it("is not repeated after a refusal", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const error = await errorOf(client.text.get("a", { revision: 99n }));
    expect(error).toBeInstanceOf(ClientError);
    expect(error).toMatchObject({
      code: "etcd/future-revision",
      status: 11,
      message: "etcdserver: mvcc: required revision is a future revision",
      mayHaveRun: false,
      method: rangePath,
      endpoint: member.url,
    });
    expect(member.count(rangePath)).toBe(1);
  });

  it("gives up after so many attempts", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member, { attemptsMax: 3 });
    member.handlers.set(rangePath, unavailable);
    expect(await errorOf(client.text.get("a"))).toMatchObject({ code: "etcd/timeout", mayHaveRun: false });
    expect(member.count(rangePath)).toBe(3);
  });
});

describe("a call", () => {
  it("goes to another member when a learner refuses it, a write too", async () => {
    const store = new FakeStore();
    await using learner = await FakeMember.start({ store });
    await using voter = await FakeMember.start({ store });
    for (const path of [rangePath, putPath]) {
      learner.handlers.set(path, () => {
        throw new Refusal(9, "etcdserver: rpc not supported for learner");
      });
    }
    await using client = buildClient([learner, voter]);
    for (let index = 0; index < 4; index += 1) await client.text.put("a", String(index));
    expect(await client.text.get("a")).toMatchObject({ value: "3" });
    const pinned = errorOf(client.text.put("a", "4", { endpoint: learner.url }));
    expect(await pinned).toMatchObject({ code: "etcd/learner", mayHaveRun: false });
    await using alone = buildClient(learner);
    expect(await errorOf(alone.text.get("a"))).toMatchObject({ code: "etcd/learner" });
  });

  it("is repeated when a member has too much to do", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    refuseFirst(member, putPath, 3, new Refusal(2, "etcdserver: too many requests"));
    await client.text.put("a", "1");
    expect([member.count(putPath), member.store.revision]).toEqual([4, 2n]);
  });
});

describe("a write", () => {
  it("tells at once that the cluster cannot bear it", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    refuseFirst(member, putPath, 1, new Refusal(14, "etcdserver: unhealthy cluster"));
    expect(await errorOf(client.text.put("a", "1"))).toMatchObject({
      code: "etcd/unhealthy-cluster",
      mayHaveRun: false,
    });
    expect(member.count(putPath)).toBe(1);
  });

  it("is not repeated when it may have been carried out", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    member.handlers.set(putPath, unavailable);
    expect(await errorOf(client.text.put("a", "1"))).toMatchObject({ code: "etcd/timeout", mayHaveRun: true });
    expect(member.count(putPath)).toBe(1);
  });

  it("is repeated then only when the caller says so", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    refuseFirst(member, putPath, 2, new Refusal(14, "etcdserver: request timed out"));
    await client.text.put("a", "1", { retryWrites: "always" });
    expect(member.count(putPath)).toBe(3);
  });

  it("is repeated when a member refused it before it did anything", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    refuseFirst(member, putPath, 2, new Refusal(14, "etcdserver: no leader"));
    await client.text.put("a", "1");
    expect(member.count(putPath)).toBe(3);
    expect(member.store.revision).toBe(2n);
  });

  it("is not repeated at all when the caller says so", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member, { retryWrites: "never" });
    refuseFirst(member, putPath, 1, new Refusal(14, "etcdserver: no leader"));
    expect(await errorOf(client.text.put("a", "1"))).toMatchObject({ code: "etcd/no-leader", mayHaveRun: false });
  });

  it("that is lost with its connection may have been carried out, and is sent once", async () => {
    await using member = await FakeMember.start();
    await using proxy = await FaultyProxy.start(member.port);
    await using client = buildClient(proxy);
    member.handlers.set(putPath, () => "silent");
    const failed = errorOf(client.text.put("a", "1"));
    await until(() => member.count(putPath) === 1);
    proxy.reset();
    expect(await failed).toMatchObject({ code: "etcd/unavailable", mayHaveRun: true });
    expect(member.count(putPath)).toBe(1);
  });

  it("that never left is repeated, on another member too", async () => {
    await using member = await FakeMember.start();
    const gone = await FakeMember.start();
    gone.stop();
    await using client = buildClient([gone, member]);
    for (let index = 0; index < 5; index += 1) await client.text.put(`a/${index}`, "1");
    expect(member.count(putPath)).toBe(5);
    expect(client.endpoints().map((one) => one.isHealthy)).toEqual([false, true]);
  });

  it("that never left says so", async () => {
    const gone = await FakeMember.start();
    gone.stop();
    await using client = buildClient(gone, { attemptsMax: 2 });
    const error = await errorOf(client.text.put("a", "1"));
    expect(error).toMatchObject({ code: "client/unreachable", status: 14, mayHaveRun: false });
    expect((error as Error).message).toContain("ECONNREFUSED");
  });

  it("beyond the quota may have been carried out", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    refuseFirst(member, putPath, 1, new Refusal(8, "etcdserver: mvcc: database space exceeded"));
    expect(await errorOf(client.text.put("a", "1"))).toMatchObject({ code: "etcd/no-space", mayHaveRun: true });
  });
});

describe("a signal", () => {
  it("ends a call that is under way", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    member.handlers.set(putPath, () => "silent");
    const controller = new AbortController();
    const failed = errorOf(client.text.put("a", "1", { signal: controller.signal }));
    await until(() => member.count(putPath) === 1);
    const reason = new Error("changed my mind");
    controller.abort(reason);
    expect(await failed).toMatchObject({ code: "client/aborted", mayHaveRun: true, cause: reason });
  });

  it("that was aborted before stops the call before anything is sent", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const error = await errorOf(client.text.put("a", "1", { signal: AbortSignal.abort() }));
    expect(error).toMatchObject({ code: "client/aborted", mayHaveRun: false });
    expect(member.count(putPath)).toBe(0);
  });

  it("ends the wait between attempts", async () => {
    const gone = await FakeMember.start();
    gone.stop();
    await using client = buildClient(gone, { retryBackoff: { firstMs: 3_600_000, maxMs: 3_600_000 }, timeoutMs: 1e9 });
    const controller = new AbortController();
    const failed = errorOf(client.text.get("a", { signal: controller.signal }));
    await until(() => client.endpoints()[0]?.isHealthy === false);
    controller.abort();
    expect(await failed).toMatchObject({ code: "client/aborted" });
  });
});

describe("a deadline", () => {
  it("ends a call, and leaves open what became of a write", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    await client.text.get("a"); // connected
    member.handlers.set(putPath, () => "silent");
    const error = await errorOf(client.text.put("a", "1", { timeoutMs: 20 }));
    expect(error).toMatchObject({ code: "client/deadline", status: 4, mayHaveRun: true });
  });

  it("is not waited for when the next attempt would come too late", async () => {
    const gone = await FakeMember.start();
    gone.stop();
    await using client = buildClient(gone, { retryBackoff: { firstMs: 1e9, maxMs: 1e9 } });
    const error = await errorOf(client.text.put("a", "1"));
    expect(error).toMatchObject({ code: "client/deadline", mayHaveRun: false });
    expect((error as Error).message).toContain("ECONNREFUSED");
  });
});

describe("close", () => {
  it("ends calls under way and refuses new ones", async () => {
    await using member = await FakeMember.start();
    const client = buildClient(member);
    member.handlers.set(putPath, () => "silent");
    const failed = errorOf(client.text.put("a", "1"));
    await until(() => member.count(putPath) === 1);
    client.close();
    client.close();
    expect(await failed).toMatchObject({ code: "client/closed", mayHaveRun: true });
    expect(await errorOf(client.text.get("a"))).toMatchObject({ code: "client/closed" });
  });
});

describe("an answer that is no message", () => {
  it("is named, and leaves open what became of a write", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    member.handlers.set(putPath, () => new Uint8Array([0x0a, 0x7f]));
    const error = await errorOf(client.text.put("a", "1"));
    expect(error).toMatchObject({ code: "client/bad-answer", mayHaveRun: true });
  });
});

describe("metadata", () => {
  it("says the API's version, asks for a leader when told to, and carries what the caller adds", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    await client.text.get("a", { hasLeader: true, metadata: { "x-team": "blue" } });
    await client.text.get("a");
    const sent = member.calls.map(({ metadata }) => [
      metadata.get("client-api-version"),
      metadata.get("hasleader"),
      metadata.get("x-team"),
    ]);
    expect(sent).toEqual([
      [["3.7"], ["true"], ["blue"]],
      [["3.7"], [], []],
    ]);
  });

  it("that cannot be sent is refused", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    for (const metadata of [{ "X-Team": "a" }, { "x-bin": "a" }, { x: "\u00e4" }, { x: "a\n" }]) {
      expect(await errorOf(client.text.get("a", { metadata } as object))).toMatchObject({ code: "client/bad-option" });
    }
    expect(member.calls).toEqual([]);
  });
});
