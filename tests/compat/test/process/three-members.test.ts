import { afterEach, describe, expect, it } from "vitest";
import { Metadata } from "@grpc/grpc-js";
import { GrpcSession } from "../../src/api/grpc-session.js";
import { Http1Exchange } from "../../src/http/http1-exchange.js";
import { decodeMessage, encodeMessage, findFreePort, MemberProcess, productSchema } from "../../src/index.js";
import type { Json, JsonObject } from "../../src/json.js";

const ready = "ready to serve client requests";
const withinMs = 30_000;

async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function get(port: number, path: string): Promise<string> {
  const exchange = await Http1Exchange.open(port, {});
  exchange.send(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
  await exchange.until(() => exchange.answer.isComplete, withinMs);
  exchange.close();
  return exchange.answer.body.toString();
}

/** Calls a method like "KV/Put". @throws the status as an Error. */
async function call(member: MemberProcess, method: string, request: Json, timeoutMs = 10_000): Promise<JsonObject> {
  const schema = productSchema();
  const rpc = `etcdserverpb.${method}`;
  const shape = schema.methods.get(rpc);
  if (shape === undefined) throw new Error(`no method ${rpc}`);
  const session = new GrpcSession(`127.0.0.1:${member.clientPort}`);
  try {
    const bytes = encodeMessage(schema, shape.request, request);
    const answer = await session.unary(rpc, bytes, { metadata: new Metadata(), timeoutMs });
    if (answer.kind === "error") throw new Error(`${answer.error.code}: ${answer.error.message}`);
    return decodeMessage(schema, shape.response, answer.bytes);
  } finally {
    session.close();
  }
}

async function valueAt(member: MemberProcess, key: string): Promise<unknown> {
  const { kvs } = await call(member, "KV/Range", { key });
  return ((kvs as JsonObject[] | undefined) ?? [])[0]?.value;
}

const idOf = async (member: MemberProcess): Promise<string> => {
  const { header } = await call(member, "Maintenance/Status", {});
  return String((header as JsonObject).member_id);
};

/** Changes the members. @returns false while it is refused since members have not been connected for long enough. */
async function isChanged(member: MemberProcess, method: string, request: Json): Promise<boolean> {
  try {
    await call(member, `Cluster/${method}`, request);
    return true;
  } catch (error) {
    if (String(error).includes("unhealthy cluster")) return false;
    throw error;
  }
}

const made: MemberProcess[] = [];

afterEach(async () => {
  await Promise.all(made.splice(0).map((member) => member.dispose()));
});

/** Members of one cluster, not started. */
async function prepare(count: number): Promise<MemberProcess[]> {
  const ports = await Promise.all(Array.from({ length: count }, () => findFreePort()));
  const cluster = ports.map((port, at) => `m${at + 1}=http://127.0.0.1:${port}`).join(",");
  for (const [at, peerPort] of ports.entries()) {
    made.push(await MemberProcess.prepare({ name: `m${at + 1}`, peerPort, flags: [`--initial-cluster=${cluster}`] }));
  }
  return made.slice(-count);
}

/** The same member with other flags and the same ports; its directory is another one unless it is named. */
async function again(member: MemberProcess, name: string, flags: readonly string[]): Promise<MemberProcess> {
  const { clientPort, peerPort } = member;
  const next = await MemberProcess.prepare({ name, clientPort, peerPort, flags });
  made.push(next);
  return next;
}

async function started(members: readonly MemberProcess[]): Promise<void> {
  for (const member of members) member.start();
  for (const member of members) await until(() => member.log.includes(ready), "a member that serves");
}

describe("three members", () => {
  it("serve when two of them are there, and not before", async () => {
    const [first, second, third] = (await prepare(3)) as [MemberProcess, MemberProcess, MemberProcess];
    first.start();
    await until(() => first.log.includes("now serving peer/client/metrics"), "an open port");
    expect(JSON.parse(await get(first.peerPort, "/version"))).toMatchObject({ etcdcluster: "not_decided" });
    expect(JSON.parse(await get(first.peerPort, "/members"))).toHaveLength(3);
    await expect(call(first, "Maintenance/Status", {}, 1000)).rejects.toThrow(/DeadlineExceeded/);
    expect(first.log).not.toContain(ready);
    await started([second]);
    await until(() => first.log.includes(ready), "the first that serves");
    await call(first, "KV/Put", { key: "a", value: "1" });
    expect(await valueAt(second, "a")).toBe("1");
    await started([third]);
    expect(await valueAt(third, "a")).toBe("1");
    // While one cannot be asked for its version the cluster has the lowest there is.
    await until(async () => (await get(third.peerPort, "/version")).includes('"etcdcluster":"3.7.0"'), "one version");
    expect(JSON.parse(await get(third.peerPort, "/health"))).toEqual({ health: "true", reason: "" });
  });

  it("remove one of theirs, which ends and does not start again, and take in another", async () => {
    const members = (await prepare(3)) as [MemberProcess, MemberProcess, MemberProcess];
    await started(members);
    const [first, second, third] = members;
    await call(first, "KV/Put", { key: "a", value: "1" });
    const ID = await idOf(third);
    await until(() => isChanged(first, "MemberRemove", { ID }), "a removed member");
    expect(await third.exit).toEqual({ code: 0, signal: undefined });
    expect(third.log).toContain("the member has been permanently removed from the cluster");
    expect(third.log).toContain("data-dir used by this member must be removed");
    third.start();
    expect(await third.exit).toEqual({ code: 0, signal: undefined });
    expect(third.log.split(ready)).toHaveLength(2);

    const cluster = `m1=${first.peerUrl},m2=${second.peerUrl},m3=${third.peerUrl}`;
    const early = await again(third, "m3", [`--initial-cluster=${cluster}`, "--initial-cluster-state=existing"]);
    early.start();
    expect((await early.exit).code).toBe(1);
    expect(early.log).toContain("member count is unequal");

    await until(() => isChanged(first, "MemberAdd", { peerURLs: [third.peerUrl] }), "an added member");
    const later = await again(third, "m3", [`--initial-cluster=${cluster}`, "--initial-cluster-state=existing"]);
    await started([later]);
    expect(await valueAt(later, "a")).toBe("1");
    expect(await idOf(later)).not.toBe(ID);
  });

  it("go on as one when the other two are lost", async () => {
    const members = (await prepare(3)) as [MemberProcess, MemberProcess, MemberProcess];
    await started(members);
    const [first, second, third] = members;
    await call(second, "KV/Put", { key: "a", value: "1" });
    expect(await valueAt(first, "a")).toBe("1");
    await Promise.all(members.map((member) => member.stop("SIGKILL")));
    const forced = await again(first, "m1", [
      `--data-dir=${first.directory}/data`,
      `--initial-cluster=m1=${first.peerUrl},m2=${second.peerUrl},m3=${third.peerUrl}`,
      "--force-new-cluster",
    ]);
    await started([forced]);
    expect(await valueAt(forced, "a")).toBe("1");
    const { members: left } = await call(forced, "Cluster/MemberList", { linearizable: true });
    expect(left).toMatchObject([{ name: "m1", peerURLs: [first.peerUrl] }]);
    await forced.stop("SIGTERM");
    first.start();
    await until(() => first.log.split(ready).length === 3, "a start without the flag");
    await call(first, "KV/Put", { key: "b", value: "2" });
  });
});
