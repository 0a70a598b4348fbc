import { describe, expect, it } from "vitest";
import { everything, json, nested, prefix, prefixed, streamRpcs, text } from "../../src/index.js";
import { buildClient, errorOf } from "../build.js";
import { FakeMember } from "../fake/fake-member.js";
import { Refusal } from "../fake/fake-store.js";

type User = { name: string; age: number };

describe("Keyspace", () => {
  it("puts, gets, touches and deletes", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const kv = client.text;
    expect((await kv.put("a", "1")).previous).toBeUndefined();
    expect((await kv.put("a", "2", { previous: true })).previous).toMatchObject({ value: "1", version: 1n });
    expect((await kv.touch("a")).header.revision).toBe(4n);
    expect(await kv.get("a")).toEqual({
      key: "a",
      value: "2",
      createRevision: 2n,
      modRevision: 4n,
      version: 3n,
      lease: 0n,
    });
    expect(await kv.get("a", { revision: 2n })).toMatchObject({ value: "1" });
    expect(await kv.delete("a", { previous: true })).toMatchObject({ deleted: 1n, previous: [{ value: "2" }] });
    expect(await kv.get("a")).toBeUndefined();
  });

  it("keeps identities of 64 bits exact", async () => {
    await using member = await FakeMember.start(); // its first lease is 7587870152021180417, which no double can hold
    await using client = buildClient(member);
    const lease = await client.leases.grant(60);
    expect(lease.id).toBe(7_587_870_152_021_180_417n);
    await client.text.put("a", "1", { lease: lease.id });
    expect((await client.text.get("a"))?.lease).toBe(lease.id);
    expect((await client.text.read("a")).header.clusterId).toBe(0xc1a5_0000_0000_0001n);
  });

  it("takes and gives bytes", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const [key, value] = [new Uint8Array([0, 255]), new Uint8Array([254, 0])];
    await client.bytes.put(key, value);
    expect(await client.bytes.get(key)).toMatchObject({ key, value });
    expect((await errorOf(client.text.get("\u0000").then(() => client.text.read(everything)))) as Error).toMatchObject({
      code: "client/bad-value",
    });
  });

  it("sees the store through codecs, within a prefix", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const users = client.keyspace({ key: prefixed("users/", text), value: json<User>() });
    await users.put("ann", { name: "Ann", age: 31 });
    await client.text.put("v", "not a user");
    expect((await users.read(prefix(""))).entries.map(({ key, value }) => [key, value.age])).toEqual([["ann", 31]]);
    expect(await client.text.get("users/ann")).toMatchObject({ value: '{"name":"Ann","age":31}' });
    expect(await users.count(prefix(""))).toBe(1n);
  });
});

describe("txn", () => {
  it("gives each result its own type, from several keyspaces", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const users = client.keyspace({ key: prefixed("users/", text), value: json<User>() });
    const create = () =>
      client.txn({
        if: [users.compare.missing("ann"), client.text.compare.value("on", "!=", "no")],
        success: [users.op.put("ann", { name: "Ann", age: 31 }), client.text.op.get("on")],
        failure: [users.op.get("ann")],
      });
    await client.text.put("on", "yes");
    const first = await create();
    if (!first.succeeded) throw new Error("the user was there before");
    expect(first.results[0].header.revision).toBe(3n);
    expect(first.results[1]?.value).toBe("yes");
    const second = await create();
    if (second.succeeded) throw new Error("the user was created twice");
    const age: number | undefined = second.results[0]?.value.age;
    expect(age).toBe(31);
  });

  it("takes one transaction as a step of another", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const { op, compare } = client.text;
    const inner = nested({ if: [compare.exists("a")], success: [op.delete("a")], failure: [op.get("a"), op.get("b")] });
    const outer = await client.txn({ success: [inner] });
    if (!outer.succeeded) throw new Error("no condition, and refused");
    const [result] = outer.results;
    if (result.succeeded) throw new Error("the key was there");
    expect(result.results).toEqual([undefined, undefined]);
  });

  it("is repeated like a read when it only reads", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const path = "/etcdserverpb.KV/Txn";
    const failOnce = () =>
      member.handlers.set(path, () => {
        member.handlers.delete(path);
        throw new Refusal(14, "etcdserver: request timed out");
      });
    failOnce();
    expect(await client.txn({ success: [client.text.op.get("a")] })).toMatchObject({ succeeded: true });
    failOnce();
    const error = await errorOf(client.txn({ success: [client.text.op.put("a", "1")] }));
    expect(error).toMatchObject({ code: "etcd/timeout", mayHaveRun: true });
  });
});

describe("pages", () => {
  it("walks over all entries at one revision, whatever is written meanwhile", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    for (let index = 0; index < 25; index += 1) await client.text.put(`k/${index + 10}`, String(index));
    const seen: string[] = [];
    const sizes: number[] = [];
    for await (const page of client.text.pages(prefix("k/"), { pageSize: 10 })) {
      sizes.push(page.entries.length);
      seen.push(...page.entries.map((entry) => entry.key));
      await client.text.put(`k/${99 - sizes.length}`, "late");
      await client.text.delete("k/34");
    }
    expect(sizes).toEqual([10, 10, 5]);
    expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => `k/${index + 10}`));
  });

  it("says it when the revision was compacted away on the way", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    for (let index = 0; index < 4; index += 1) await client.text.put(`k/${index}`, "");
    const walk = async () => {
      for await (const page of client.text.pages(prefix("k/"), { pageSize: 2 })) {
        await client.text.put("x", "");
        await client.maintenance.compact(page.revision + 1n);
      }
    };
    expect(await errorOf(walk())).toMatchObject({ code: "etcd/compacted" });
  });
});

describe("stream", () => {
  const path = "/etcdserverpb.KV/RangeStream";
  const entry = (key: string) => ({ key: Buffer.from(key), value: Buffer.from("v") });

  it("reads the chunks that a member sends", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    member.streams.set(path, () =>
      Array.from({ length: 50 }, (_, index) => ({ rangeResponse: { kvs: [entry(`a${index}`), entry(`b${index}`)] } })),
    );
    const keys: string[] = [];
    for await (const { key } of client.text.stream(prefix(""))) keys.push(key);
    expect(keys.length).toBe(100);
    expect(keys.slice(0, 3)).toEqual(["a0", "b0", "a1"]);
  });

  it("gives the messages as they are on the wire, and what refuses them", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    member.streams.set(path, function* () {
      yield { rangeResponse: { kvs: [entry("a")], count: 2n, more: true } };
      throw new Refusal(12, "no such order");
    });
    const counts: unknown[] = [];
    const read = async () => {
      const request = { key: Buffer.from("a"), limit: 1n };
      for await (const { rangeResponse } of client.stream(streamRpcs.rangeStream, request)) {
        counts.push(rangeResponse?.count, rangeResponse?.more);
      }
    };
    expect(await errorOf(read())).toMatchObject({ code: "etcd/unimplemented", message: "no such order" });
    expect(counts).toEqual([2n, true]);
  });

  it("reads pages from members that do not know the method", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    for (let index = 0; index < 5; index += 1) await client.text.put(`k/${index}`, "");
    const keys: string[] = [];
    for await (const { key } of client.text.stream(prefix("k/"), { pageSize: 2 })) keys.push(key);
    expect(keys).toEqual(["k/0", "k/1", "k/2", "k/3", "k/4"]);
  });

  it("throws what ends it on the way, and repeats nothing", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    member.streams.set(path, function* () {
      yield { rangeResponse: { kvs: [entry("a")] } };
      throw new Refusal(11, "etcdserver: mvcc: required revision has been compacted");
    });
    const keys: string[] = [];
    const read = async () => {
      for await (const { key } of client.text.stream(prefix(""))) keys.push(key);
    };
    expect(await errorOf(read())).toMatchObject({ code: "etcd/compacted" });
    expect(keys).toEqual(["a"]);
    expect(member.count(path)).toBe(1);
  });
});
