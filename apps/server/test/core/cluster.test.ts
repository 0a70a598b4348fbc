import { describe, expect, it } from "vitest";
import { ClusterHarness } from "../support/cluster-harness.js";

describe("three members in one world", () => {
  it("elect a leader and replicate a put", async () => {
    const harness = await ClusterHarness.started();
    const leader = await harness.led();
    await harness.must(leader, "KV/Put", { key: "a", value: "1" });
    await harness.level();
    for (const id of harness.founders) {
      const { kvs } = await harness.must(id, "KV/Range", { key: "a", serializable: true });
      expect(kvs).toMatchObject([{ key: "a", value: "1" }]);
    }
    await harness.dispose();
  });
});
