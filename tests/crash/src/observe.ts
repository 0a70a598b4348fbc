import type { Observation } from "./history.js";
import type { MemberClient } from "./member-client.js";

/**
 * Everything a client can see at one revision. Leases may run out meanwhile, which makes a new revision: then it is looked again.
 * @throws when it does not come to rest
 */
export async function observe(client: MemberClient, compactRevision: number): Promise<Observation> {
  let compact = compactRevision;
  for (let attempt = 0; attempt < 50; attempt++) {
    const leases = await client.leases();
    const { revision, keys } = await client.allKeys();
    const isEmpty = revision === 1 || compact >= revision; // of a new store, or all compacted away
    const seen = isEmpty ? ({ kind: "history", history: [] } as const) : await client.history(compact + 1, revision);
    if (seen.kind === "compacted") {
      compact = seen.at; // a compaction that was not acknowledged has happened
      continue;
    }
    if ((await client.allKeys()).revision !== revision || (await client.leases()).size !== leases.size) continue;
    return { revision, compactRevision: compact, history: seen.history, keys, leases, atMs: performance.now() };
  }
  throw new Error("the member does not come to rest");
}
