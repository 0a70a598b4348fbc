import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Each case starts a member: two at a time, and one file after the other, is what two cores carry.
    maxConcurrency: 2,
    fileParallelism: false,
    testTimeout: 120_000,
    setupFiles: ["test/end-members.ts"],
  },
});
