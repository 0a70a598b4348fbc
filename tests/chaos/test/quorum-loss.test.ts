import { expect, it } from "vitest";
import { ChaosCluster } from "../src/index.js";

const put = (key: string, value: string) => [{ key, value, lease: "0" }];

it("goes on with three of five members", async () => {
  await using cluster = await ChaosCluster.start({ size: 5 });
  const { leader } = await cluster.waitForLeader();
  const other = cluster.members.find((member) => member !== leader);
  const survivors = cluster.members.filter((member) => member !== leader && member !== other);
  const before = cluster.clientOf(leader);
  const revision = await before.put(put("a", "before"));
  before.close();
  await Promise.all([leader, other].map((member) => (member === undefined ? undefined : cluster.kill(member))));
  await cluster.waitForLeader();
  for (const member of survivors) {
    await cluster.waitUntilServing(member);
    const client = cluster.clientOf(member);
    expect((await client.get("a")).state).toMatchObject({ value: "before", modRevision: revision });
    expect(await client.put(put(member.name, "after"))).toBeGreaterThan(revision);
    client.close();
  }
  await cluster.heal();
  const hashes = await Promise.all(
    cluster.members.map(async (member) => {
      const client = cluster.clientOf(member);
      await client.get("a");
      const hash = await client.hashKv(revision + 3);
      client.close();
      return hash;
    }),
  );
  expect(new Set(hashes).size).toBe(1);
});

it("refuses writes without a majority, reads what it has, and goes on when one member returns", async () => {
  await using cluster = await ChaosCluster.start({ size: 3 });
  const [one, two, three] = cluster.members;
  if (one === undefined || two === undefined || three === undefined) throw new Error("three members were asked for");
  const client = cluster.clientOf(one);
  const revision = await client.put(put("a", "before"));
  await Promise.all([cluster.kill(two), cluster.kill(three)]);

  // One request of each kind, while nobody leads; the deadline of this client is later than that of the member.
  await expect(client.put(put("a", "lost"))).rejects.toThrow(/etcdserver: (request timed out|no leader)/);
  await expect(client.get("a")).rejects.toThrow(/etcdserver: (request timed out|leader changed|no leader)/);
  expect(await client.get("a", { isSerializable: true })).toMatchObject({ revision, state: { value: "before" } });

  two.process.start();
  await cluster.waitUntilServing(two);
  await cluster.waitUntilServing(one);
  expect(await client.put(put("b", "after"))).toBeGreaterThan(revision);
  expect((await client.get("a")).state?.modRevision).toBeGreaterThanOrEqual(revision);
  client.close();
});
