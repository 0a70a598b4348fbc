import { afterEach } from "vitest";
import { Harness, type HarnessOptions } from "./harness.js";

/** Members for the tests of one file; they are ended after each test. */
export function harnesses(): (given?: HarnessOptions) => Promise<Harness> {
  const running: Harness[] = [];
  afterEach(async () => {
    for (const harness of running.splice(0)) await harness.dispose();
  });
  return async (given = {}) => {
    const harness = new Harness(given);
    running.push(harness);
    await harness.start();
    return harness;
  };
}
