import { defineConfig } from "vitest/config";

// Some tests run a member through hours of its time. On a busy machine that takes a while; none of them asserts how long.
export default defineConfig({ test: { testTimeout: 30_000 } });
