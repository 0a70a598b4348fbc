import { describe, expect, it } from "vitest";
import { harnesses } from "../support/harnesses.js";

const mustStart = harnesses();

describe("openMember", () => {
  it.each(["stop", "process", "power"] as const)("has every acknowledged write after an end by %s", async (end) => {
    const harness = await mustStart({ options: { snapshotCount: 7 } });
    for (let i = 0; i < 25; i++) {
      await harness.must("KV/Put", { key: `k${i % 3}`, value: `${i}` });
      if (i % 5 !== 4) continue;
      if (end === "stop") await harness.stop();
      else await harness.crash(end);
      await harness.start();
    }
    const { kvs, header } = await harness.must("KV/Range", { key: "k", rangeEnd: "l" });
    expect(kvs).toMatchObject([
      { key: "k0", value: "24", createRevision: 2n, modRevision: 26n, version: 9n },
      { key: "k1", value: "22", createRevision: 3n, modRevision: 24n, version: 8n },
      { key: "k2", value: "23", createRevision: 4n, modRevision: 25n, version: 8n },
    ]);
    expect(header).toMatchObject({ revision: 26n });
  });

  it("builds a database that was deleted again from its log, as long as that is whole", async () => {
    const harness = await mustStart();
    for (let i = 0; i < 5; i++) await harness.must("KV/Put", { key: "a", value: `${i}` });
    await harness.stop();
    harness.loseDatabase();
    await harness.start();
    const { kvs, header } = await harness.must("KV/Range", { key: "a" });
    expect(kvs).toMatchObject([{ value: "4", version: 5n, modRevision: 6n }]);
    expect(header).toMatchObject({ revision: 6n });
  });

  it("does not acknowledge what a power loss takes, and has it whole or not at all", async () => {
    const harness = await mustStart({ syncMs: () => 5 });
    await harness.must("KV/Put", { key: "kept", value: "1" });
    const lost = harness.begin("KV/Put", { key: "lost", value: "1" });
    await harness.advance(2); // written, and not yet synced
    expect(lost.isOver).toBe(false);
    await harness.crash("power");
    await harness.start();
    const { kvs } = await harness.must("KV/Range", { key: "\0", rangeEnd: "\0", keysOnly: true });
    const keys = (kvs as readonly { key: string }[]).map(({ key }) => key);
    expect([["kept"], ["kept", "lost"]]).toContainEqual(keys);
  });

  it("answers what waits when it stops, and ends its streams", async () => {
    const harness = await mustStart({ syncMs: () => 50 });
    const waiting = harness.begin("KV/Range", { key: "a" });
    const watch = harness.stream("/etcdserverpb.Watch/Watch");
    const stopping = harness.stop();
    await stopping;
    expect(waiting.status).toEqual({ code: 0, message: "" });
    expect(watch.status).toEqual({ code: 14, message: "etcdserver: server stopped" });
  });
});
