import { describe, expect, it } from "vitest";
import { ClusterHarness } from "../support/cluster-harness.js";

describe("members that join one after the other", () => {
  it("are not sent a copy of the database from before they were taken in", async () => {
    const harness = await ClusterHarness.started({ options: { snapshotCount: 5, catchUpEntries: 1 } });
    const leader = await harness.led();
    for (let i = 0; i < 20; i++) await harness.must(leader, "KV/Put", { key: "a", value: `${i}` });
    // The copy made for the first one is fresh enough for the second, but does not know it.
    const joined = [await harness.join(leader), await harness.join(leader)];
    await harness.level();
    for (const id of joined) {
      const { kvs } = await harness.must(id, "KV/Range", { key: "a" });
      expect(kvs).toMatchObject([{ value: "19" }]);
    }
    await harness.dispose();
  });
});
