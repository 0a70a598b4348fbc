import { defineConfig } from "vitest/config";

// Benchmarks measure what is shipped: built files are loaded by Node itself, not through the test runner's module wrappers.
export default defineConfig({
  // Machines under load are slow, not wrong.
  test: { testTimeout: 60_000, server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } } },
});
