import { describe, expect, it } from "vitest";
import { json, prefixed, text } from "../../src/index.js";
import { buildClient, errorOf } from "../build.js";
import { FakeMember } from "../fake/fake-member.js";

describe("transact", () => {
  it("moves money between accounts without making or losing any", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const accounts = client.keyspace({ key: prefixed("accounts/", text), value: json<number>() });
    const names = ["a", "b", "c"];
    for (const name of names) await accounts.put(name, 100);
    const move = (from: string, to: string) =>
      client.transact(
        async (view) => {
          const [left = 0, right = 0] = [await view.get(accounts, from), await view.get(accounts, to)];
          view.put(accounts, from, left - 1);
          view.put(accounts, to, right + 1);
        },
        { runsMax: 1_000 },
      );
    const turns = Array.from(
      { length: 30 },
      (_, index) => [names[index % 3] ?? "", names[(index + 1) % 3] ?? ""] as const,
    );
    await Promise.all(turns.map(([from, to]) => move(from, to)));
    const values = await Promise.all(names.map(async (name) => (await accounts.get(name))?.value));
    expect(values).toEqual([100, 100, 100]);
    expect(member.store.revision).toBe(34n);
  });

  it("sees its own writes, and reads at one revision", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    await client.text.put("a", "1");
    await client.text.put("b", "1");
    let runs = 0;
    const seen = await client.transact(async (view) => {
      const before = await view.get(client.text, "a");
      if (++runs === 1) await client.text.put("b", "2"); // another's write
      const late = await view.get(client.text, "b");
      if (runs === 1) expect(late).toBe("1");
      view.put(client.text, "c", "3");
      view.delete(client.text, "a");
      return [before, late, await view.get(client.text, "c"), await view.get(client.text, "a")];
    });
    // The first run read b at 1 while it became 2, so it was run again.
    expect(seen).toEqual(["1", "2", "3", undefined]);
    expect(runs).toBe(2);
    expect(await client.text.get("a")).toBeUndefined();
  });

  it("writes nothing when the block throws, and gives up on endless conflicts", async () => {
    await using member = await FakeMember.start();
    await using client = buildClient(member);
    const failed = client.transact((view) => {
      view.put(client.text, "a", "1");
      throw new Error("no");
    });
    expect(await errorOf(failed)).toMatchObject({ message: "no" });
    expect(member.store.revision).toBe(1n);
    let runs = 0;
    const crowded = client.transact(
      async (view) => {
        await view.get(client.text, "a");
        runs += 1;
        await client.text.put("a", String(runs));
        view.put(client.text, "a", "mine");
      },
      { runsMax: 3 },
    );
    expect(await errorOf(crowded)).toMatchObject({ code: "client/conflict", mayHaveRun: false });
    expect(runs).toBe(3);
  });
});
