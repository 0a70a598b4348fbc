import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { prefix } from "../../src/index.js";
import { buildClient, errorOf } from "../build.js";
import { FakeMember } from "../fake/fake-member.js";
import { Refusal } from "../fake/fake-store.js";
import { AlarmRequest, AuthRoleGrantPermissionRequest, MemberAddRequest, MemberListRequest } from "@quorate/proto";

const snapshotPath = "/etcdserverpb.Maintenance/Snapshot";

/** What a member streams: data in pieces, then its digest. */
function* snapshotOf(data: Buffer, options: { digest?: Buffer; cutAfter?: number } = {}) {
  for (let at = 0; at < data.length; at += 32_768) {
    if (options.cutAfter !== undefined && at >= options.cutAfter) throw new Refusal(14, "etcdserver: server stopped");
    const blob = data.subarray(at, at + 32_768);
    yield { blob, remainingBytes: BigInt(data.length - at - blob.length), version: "3.7.0" };
  }
  yield { blob: options.digest ?? createHash("sha256").update(data).digest(), remainingBytes: 0n };
}

describe("snapshot", () => {
  const data = Buffer.alloc(100_000, "quorate");

  it("gives the file in pieces, its checked digest last", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    member.streams.set(snapshotPath, () => snapshotOf(data));
    const pieces: Uint8Array[] = [];
    const digests: boolean[] = [];
    for await (const { bytes, isDigest } of client.maintenance.snapshot()) {
      pieces.push(bytes);
      digests.push(isDigest);
    }
    const whole = Buffer.concat(pieces);
    expect(whole.subarray(0, -32).equals(data)).toBe(true);
    expect(whole.length % 512).toBe((data.length + 32) % 512);
    expect(digests).toEqual([false, false, false, false, true]);
  });

  it("that does not fit its digest, or has none, is refused", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const read = async () => {
      for await (const _piece of client.maintenance.snapshot());
    };
    member.streams.set(snapshotPath, () => snapshotOf(data, { digest: Buffer.alloc(32) }));
    expect(await errorOf(read())).toMatchObject({ code: "client/snapshot-damaged" });
    member.streams.set(snapshotPath, () => [...snapshotOf(data)].slice(0, -1));
    expect(await errorOf(read())).toMatchObject({ code: "client/snapshot-damaged" });
    member.streams.set(snapshotPath, () => [...snapshotOf(data)].slice(0, 2));
    expect(await errorOf(read())).toMatchObject({ code: "client/snapshot-damaged" });
    member.streams.set(snapshotPath, () => snapshotOf(data, { cutAfter: 40_000 }));
    expect(await errorOf(read())).toMatchObject({ code: "etcd/server-stopped" });
  });
});

describe("Maintenance", () => {
  it("disarms the alarms that are on", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    let on = [
      { memberID: 1n, alarm: 1 },
      { memberID: 2n, alarm: 2 },
      { memberID: 2n, alarm: 9 },
    ];
    member.handlers.set("/etcdserverpb.Maintenance/Alarm", (message) => {
      const { action, memberID, alarm } = AlarmRequest.decode(message);
      if (action === 0) return { alarms: on };
      const ended = on.filter((one) => one.memberID === memberID && one.alarm === alarm);
      on = on.filter((one) => !ended.includes(one));
      return { alarms: ended };
    });
    expect(await client.maintenance.alarms()).toEqual([
      { memberId: 1n, alarm: "no-space" },
      { memberId: 2n, alarm: "corrupt" },
      { memberId: 2n, alarm: 9 },
    ]);
    await client.maintenance.disarm({ memberId: 2n, alarm: "corrupt" });
    expect(await client.maintenance.disarm()).toEqual([
      { memberId: 1n, alarm: "no-space" },
      { memberId: 2n, alarm: 9 },
    ]);
    expect(on).toEqual([]);
  });

  it("shows a member's status and hashes", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    member.handlers.set("/etcdserverpb.Maintenance/Status", () => ({
      header: member.store.header,
      version: "3.7.1",
      dbSize: 20_480n,
      leader: 0xfeed_0000_0000_0001n,
      errors: ["etcdserver: no leader"],
      downgradeInfo: { enabled: true, targetVersion: "3.6" },
    }));
    expect(await client.maintenance.status({ endpoint: member.url })).toMatchObject({
      version: "3.7.1",
      dbSizeBytes: 20_480n,
      leader: 0xfeed_0000_0000_0001n,
      errors: ["etcdserver: no leader"],
      downgrade: { isEnabled: true, targetVersion: "3.6" },
    });
    member.handlers.set("/etcdserverpb.Maintenance/HashKV", () => ({
      hash: 0xffff_ffff,
      compactRevision: -1n,
      hashRevision: 7n,
    }));
    expect(await client.maintenance.hashKv()).toMatchObject({ hash: 4_294_967_295, compactRevision: -1n });
  });

  it("compacts once, and is told when that was done before", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    for (let index = 0; index < 3; index += 1) await client.text.put("a", String(index));
    await client.maintenance.compact(3n);
    expect(await errorOf(client.maintenance.compact(3n))).toMatchObject({ code: "etcd/compacted", mayHaveRun: false });
    expect(await errorOf(client.text.get("a", { revision: 2n }))).toMatchObject({ code: "etcd/compacted" });
  });
});

describe("Cluster", () => {
  it("lists and adds members", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const one = { ID: 0xfeed_0000_0000_0001n, name: "one", peerURLs: ["http://p:1"], clientURLs: [], isLearner: false };
    let wasLinearizable: boolean | undefined;
    member.handlers.set("/etcdserverpb.Cluster/MemberList", (message) => {
      wasLinearizable = MemberListRequest.decode(message).linearizable;
      return { members: [one] };
    });
    member.handlers.set("/etcdserverpb.Cluster/MemberAdd", (message) => {
      const { peerURLs, isLearner } = MemberAddRequest.decode(message);
      return { member: { ID: 2n, peerURLs, isLearner, name: "", clientURLs: [] }, members: [one] };
    });
    expect((await client.cluster.members()).members).toMatchObject([{ id: one.ID, peerUrls: ["http://p:1"] }]);
    expect(wasLinearizable).toBe(true);
    await client.cluster.members({ serializable: true });
    expect(wasLinearizable).toBe(false);
    const added = await client.cluster.add(["http://p:2"], { isLearner: true });
    expect(added.member).toEqual({ id: 2n, name: "", peerUrls: ["http://p:2"], clientUrls: [], isLearner: true });
  });
});

describe("Auth", () => {
  it("grants permissions on keys and spans", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const granted: unknown[] = [];
    member.handlers.set("/etcdserverpb.Auth/RoleGrantPermission", (message) => {
      const { name, perm } = AuthRoleGrantPermissionRequest.decode(message);
      granted.push([
        name,
        perm?.permType,
        Buffer.from(perm?.key ?? []).toString(),
        Buffer.from(perm?.rangeEnd ?? []).toString(),
      ]);
      return {};
    });
    await client.auth.grantPermission("reader", "read", prefix("a/"));
    await client.auth.grantPermission("writer", "readwrite", "k");
    expect(granted).toEqual([
      ["reader", 0, "a/", "a0"],
      ["writer", 2, "k", ""],
    ]);
  });

  it("names refusals", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    member.handlers.set("/etcdserverpb.Auth/UserAdd", () => {
      throw new Refusal(9, "etcdserver: user name already exists");
    });
    expect(await errorOf(client.auth.addUser("ann", "x"))).toMatchObject({ code: "etcd/user-exists", status: 9 });
  });
});
