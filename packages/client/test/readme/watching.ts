import { ClientError, createClient, prefix } from "../../src/index.js";

await using client = createClient({ endpoints: process.env.ENDPOINTS ?? "http://127.0.0.1:2379" });

const watch = client.text.watch(prefix("jobs/"));
await watch.ready; // what happens from here on is seen
await client.text.put("jobs/1", "sweep");
await client.text.delete("jobs/1");

try {
  for await (const event of watch) {
    console.log(event.type, event.key, event.type === "put" ? event.entry.value : "");
    if (event.type === "delete") break; // leaving the loop ends the watch
  }
} catch (error) {
  // Broken connections are not seen here. A compaction is: events are gone, and nobody can give them.
  if (!(error instanceof ClientError) || error.code !== "etcd/compacted") throw error;
  console.log("read everything again, then watch from", error.compactRevision);
}
console.log("next time, go on after revision", typeof watch.resumeRevision);
