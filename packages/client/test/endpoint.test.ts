import { describe, expect, it } from "vitest";
import { ClientError, createClient, parseEndpoint } from "../src/index.js";
import { buildClient, errorOf } from "./build.js";
import { FakeMember } from "./fake/fake-member.js";
import { FakeStore } from "./fake/fake-store.js";

describe("parseEndpoint", () => {
  for (const [url, isTls, target] of [
    ["http://h:1", false, "dns:h:1"],
    ["https://h:80", true, "dns:h:80"],
    ["http://h:80/", false, "dns:h:80"],
    ["h:2379", false, "dns:h:2379"],
    ["h", false, "dns:h:2379"],
    ["https://[::1]:2379", true, "dns:[::1]:2379"],
    ["unix:///run/q.sock", false, "unix:/run/q.sock"],
    ["unixs://q.sock", true, "unix:q.sock"],
  ] as const) {
    it(`reads ${url}`, () => {
      expect(parseEndpoint(url, false)).toMatchObject({ url, isTls, target });
    });
  }

  for (const url of [
    "",
    "ftp://h:1",
    "http://",
    "http://h:1/path",
    "http://u@h:1",
    "http://h:1?a=b",
    "h:x",
    "unix://",
  ]) {
    it(`refuses "${url}"`, () => {
      expect(() => parseEndpoint(url, false)).toThrow(ClientError);
    });
  }
});

describe("endpoints", () => {
  it("take turns", async () => {
    const store = new FakeStore();
    await using first = await FakeMember.start({ store });
    await using second = await FakeMember.start({ store });
    await using client = buildClient([first, second]);
    for (let index = 0; index < 10; index += 1) await client.text.get("a");
    expect([first.calls.length, second.calls.length]).toEqual([5, 5]);
  });

  it("are asked by name when a call says so", async () => {
    const store = new FakeStore();
    await using first = await FakeMember.start({ store });
    await using second = await FakeMember.start({ store });
    await using client = buildClient([first, second]);
    for (let index = 0; index < 3; index += 1) await client.text.get("a", { endpoint: second.url });
    expect([first.calls.length, second.calls.length]).toEqual([0, 3]);
    expect(await errorOf(client.text.get("a", { endpoint: "http://other:1" }))).toMatchObject({
      code: "client/bad-endpoint",
    });
  });

  it("come back after they failed", async () => {
    const store = new FakeStore();
    await using first = await FakeMember.start({ store });
    const second = await FakeMember.start({ store });
    await using client = buildClient([first, second], { attemptsMax: 1_000 }); // grpc-js waits, too, before it connects again
    second.stop();
    for (let index = 0; index < 4; index += 1) await client.text.get("a");
    expect(client.endpoints().map((one) => one.isHealthy)).toEqual([true, false]);
    expect(client.endpoints()[1]?.lastError).toContain("ECONNREFUSED");
    await using again = await FakeMember.start({ store, port: second.port });
    await client.text.get("a", { endpoint: again.url });
    expect(client.endpoints().map((one) => one.isHealthy)).toEqual([true, true]);
  });

  it("are those that members have published, after a sync", async () => {
    const store = new FakeStore();
    await using first = await FakeMember.start({ store });
    await using second = await FakeMember.start({ store });
    await using client = buildClient(first);
    first.handlers.set("/etcdserverpb.Cluster/MemberList", () => ({
      members: [{ ID: 1n, name: "s", peerURLs: [], clientURLs: [second.url], isLearner: false }],
    }));
    await client.syncEndpoints();
    expect(client.endpoints().map((one) => one.url)).toEqual([second.url]);
    await client.text.get("a");
    expect(second.calls.length).toBe(1);
  });

  it("may be a unix socket's path", async () => {
    const client = createClient({ endpoints: "unix:///does/not/exist.sock", attemptsMax: 1 });
    expect(await errorOf(client.text.get("a"))).toMatchObject({ code: "client/unreachable" });
    client.close();
  });
});

describe("Maintenance.health", () => {
  it("tells for each endpoint whether it answers, and why not", async () => {
    await using first = await FakeMember.start();
    const second = await FakeMember.start();
    second.stop();
    await using client = buildClient([first, second], { attemptsMax: 1 });
    const health = await client.maintenance.health();
    expect(health.map(({ endpoint, isHealthy }) => [endpoint, isHealthy])).toEqual([
      [first.url, true],
      [second.url, false],
    ]);
    expect(health[1]?.error).toMatchObject({ code: "client/unreachable" });
  });
});
