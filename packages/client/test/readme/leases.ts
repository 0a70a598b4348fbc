import { createClient } from "../../src/index.js";

await using client = createClient({ endpoints: process.env.ENDPOINTS ?? "http://127.0.0.1:2379" });

// Renewed until it is released. A loss aborts `signal`; if nobody listens, it is an unhandled rejection.
await using lease = await client.leases.hold({ ttlSeconds: 10 });
await client.text.put("workers/7", "here", { lease: lease.id, signal: lease.signal });

{
  await using lock = await client.lock("nightly", { lease, timeoutMs: 5_000 });
  // A write that happens only while the lock is held: its key is as old as when it was taken.
  const key = new TextDecoder().decode(lock.key);
  const { succeeded } = await client.txn({
    if: [client.text.compare.createRevision(key, "=", lock.revision)],
    success: [client.text.op.put("report", "done")],
  });
  console.log("with the lock:", succeeded);
}
