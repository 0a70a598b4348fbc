import { defineConfig } from "vitest/config";

// Random histories with real files: minutes of patience on a busy machine, a second on a quiet one. No test asserts time.
export default defineConfig({ test: { testTimeout: 60_000 } });
