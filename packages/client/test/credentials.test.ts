import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createClient } from "../src/index.js";
import { buildClient, errorOf } from "./build.js";
import { FakeMember } from "./fake/fake-member.js";
import { Refusal } from "./fake/fake-store.js";

const authenticatePath = "/etcdserverpb.Auth/Authenticate";
const path = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const file = (name: string) => readFileSync(path(name));

describe("user and password", () => {
  it("fetch one token for all calls that start together", async () => {
    await using member = await FakeMember.start();
    member.password = "secret";
    await using client = buildClient(member, { credentials: { user: "ann", password: "secret" } });
    await Promise.all(["a", "b", "c"].map((key) => client.text.put(key, "1")));
    await client.text.get("a");
    expect(member.count(authenticatePath)).toBe(1);
    expect(new Set(member.calls.slice(1).map(({ metadata }) => metadata.get("token")[0]))).toEqual(
      new Set(["token-0"]),
    );
  });

  it("get a new token when the old one is refused, also for a write: that was not carried out", async () => {
    await using member = await FakeMember.start();
    member.password = "secret";
    await using client = buildClient(member, { credentials: { user: "ann", password: "secret" } });
    await client.text.put("a", "1");
    for (const message of ["etcdserver: invalid auth token", "etcdserver: revision of auth store is old"]) {
      member.handlers.set("/etcdserverpb.KV/Put", () => {
        member.handlers.clear();
        throw new Refusal(message.includes("token") ? 16 : 3, message);
      });
      await client.text.put("a", "2");
    }
    expect(member.count(authenticatePath)).toBe(3);
    expect(member.store.revision).toBe(4n);
  });

  it("do not go on for ever with tokens that are never good enough", async () => {
    await using member = await FakeMember.start();
    member.password = "secret";
    await using client = buildClient(member, { credentials: { user: "ann", password: "secret" } });
    member.handlers.set("/etcdserverpb.KV/Put", () => {
      throw new Refusal(16, "etcdserver: invalid auth token");
    });
    expect(await errorOf(client.text.put("a", "1"))).toMatchObject({ code: "etcd/invalid-token", mayHaveRun: false });
    expect(member.count(authenticatePath)).toBe(3);
  });

  it("that are wrong are named as such, for calls, watches and streams", async () => {
    await using member = await FakeMember.start();
    member.password = "secret";
    await using client = buildClient(member, { credentials: { user: "ann", password: "guess" } });
    const wrong = { code: "etcd/authentication-failed", status: 3 };
    expect(await errorOf(client.text.get("a"))).toMatchObject(wrong);
    expect(await errorOf(client.text.watch("a").ready)).toMatchObject(wrong);
    expect(await errorOf(client.maintenance.snapshot().next())).toMatchObject(wrong);
  });

  it("are not needed while authentication is off", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member, { credentials: { user: "ann", password: "secret" } });
    await client.text.put("a", "1");
    await client.text.put("a", "2");
    expect(member.count(authenticatePath)).toBe(1);
    expect(member.calls.at(-1)?.metadata.get("token")).toEqual([]);
  });

  it("do not hold a call beyond its own time", async () => {
    await using member = await FakeMember.start();
    member.handlers.set(authenticatePath, () => "silent");
    await using client = buildClient(member, { credentials: { user: "ann", password: "secret" } });
    const error = await errorOf(client.text.put("a", "1", { timeoutMs: 10 }));
    expect(error).toMatchObject({ code: "client/deadline", mayHaveRun: false, method: authenticatePath });
  });
});

describe("a given token", () => {
  it("is sent as it is, and not renewed", async () => {
    await using member = await FakeMember.start();
    member.password = "secret";
    await using client = buildClient(member, { credentials: { token: "token-0" } });
    await client.text.put("a", "1");
    member.validToken = "token-1";
    expect(await errorOf(client.text.put("a", "2"))).toMatchObject({ code: "etcd/invalid-token" });
    expect(member.count(authenticatePath)).toBe(0);
  });
});

describe("TLS", () => {
  const tls = { cert: file("server.crt"), key: file("server.key"), ca: file("ca.crt") };

  it("connects with certificates on both sides, given as text, bytes or files", async () => {
    await using member = await FakeMember.start({ tls });
    const endpoints = `https://127.0.0.1:${member.port}`;
    await using client = createClient({
      endpoints,
      tls: { ca: file("ca.crt").toString(), cert: file("client.crt"), key: { file: path("client.key") } },
    });
    await client.text.put("a", "1");
    expect(await client.text.get("a")).toMatchObject({ value: "1" });
  });

  it("is what an address without a scheme means when there are settings for it", async () => {
    await using member = await FakeMember.start({ tls: { cert: tls.cert, key: tls.key } });
    const ca = file("ca.crt");
    await using client = createClient({ endpoints: `localhost:${member.port}`, tls: { ca } });
    await client.text.put("a", "1");
    expect(member.store.revision).toBe(2n);
  });

  it("does not trust a stranger, unless told to", async () => {
    await using member = await FakeMember.start({ tls: { cert: tls.cert, key: tls.key } });
    const endpoints = `https://127.0.0.1:${member.port}`;
    await using careful = createClient({ endpoints, attemptsMax: 1 });
    const error = await errorOf(careful.text.put("a", "1"));
    expect(error).toMatchObject({ code: "client/unreachable", mayHaveRun: false });
    expect((error as Error).message).toContain("certificate");
    await using careless = createClient({ endpoints, tls: { insecureSkipVerify: true } });
    await careless.text.put("a", "1");
  });

  it("does not take one member's certificate for another's", async () => {
    await using member = await FakeMember.start({ tls: { cert: tls.cert, key: tls.key } });
    const endpoints = `https://127.0.0.1:${member.port}`;
    const ca = file("ca.crt");
    await using client = createClient({ endpoints, tls: { ca, serverName: "elsewhere.test" }, attemptsMax: 1 });
    expect(await errorOf(client.text.get("a"))).toMatchObject({ code: "client/unreachable" });
    await using named = createClient({ endpoints, tls: { ca, serverName: "localhost" } });
    expect(await named.text.get("a")).toBeUndefined();
  });

  it("with a client that speaks plain text fails as unreachable or lost, and says where", async () => {
    await using member = await FakeMember.start({ tls: { cert: tls.cert, key: tls.key } });
    await using client = createClient({
      endpoints: `http://127.0.0.1:${member.port}`,
      attemptsMax: 1,
      timeoutMs: 2_000,
    });
    expect(await errorOf(client.text.get("a"))).toMatchObject({ endpoint: `http://127.0.0.1:${member.port}` });
  });

  it("refuses settings that contradict each other", () => {
    const badOption = expect.objectContaining({ code: "client/bad-option" });
    const refused = (make: () => unknown) => {
      try {
        make();
      } catch (error) {
        return error;
      }
      return undefined;
    };
    const ca = file("ca.crt");
    const cert = file("client.crt");
    expect(refused(() => createClient({ endpoints: "http://a:1", tls: { ca } }))).toEqual(badOption);
    expect(refused(() => createClient({ endpoints: "https://a:1", tls: { cert } }))).toEqual(badOption);
    const missing = { file: path("none.crt") };
    expect(refused(() => createClient({ endpoints: "https://a:1", tls: { ca: missing } }))).toEqual(badOption);
    const wrongKey = { cert, key: file("server.key") };
    expect(refused(() => createClient({ endpoints: "https://a:1", tls: wrongKey }))).toEqual(badOption);
    expect(refused(() => createClient({ endpoints: [] }))).toEqual(badOption);
  });
});
