import { afterEach } from "vitest";
import { ClusterHarness, type ClusterHarnessOptions } from "./cluster-harness.js";

/** Clusters for the tests of one file; they are ended after each test. */
export function clusters(): (given?: ClusterHarnessOptions) => Promise<ClusterHarness> {
  const running: ClusterHarness[] = [];
  afterEach(async () => {
    for (const harness of running.splice(0)) await harness.dispose();
  });
  return async (given = {}) => {
    const harness = new ClusterHarness(given);
    running.push(harness);
    await harness.start(...harness.founders);
    return harness;
  };
}
