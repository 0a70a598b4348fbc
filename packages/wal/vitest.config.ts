import { defineConfig } from "vitest/config";

// Other processes are started and real disks are synced: a busy machine takes its time.
export default defineConfig({ test: { testTimeout: 30_000 } });
