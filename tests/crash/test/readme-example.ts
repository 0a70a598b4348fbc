import { CrashModel } from "../src/index.js";

export function judge(): string[] {
  const model = new CrashModel();
  model.acknowledge({ changes: [{ key: "a", value: "1", lease: "0" }] }, 2);
  return model.check({ revision: 1, compactRevision: 0, history: [], keys: new Map(), leases: new Set(), atMs: 0 });
}
