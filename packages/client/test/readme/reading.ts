import { createClient, prefix } from "../../src/index.js";

await using client = createClient({ endpoints: process.env.ENDPOINTS ?? "http://127.0.0.1:2379" });
for (const name of ["a", "b", "c", "d", "e"]) await client.text.put(`letters/${name}`, name.toUpperCase());

// One answer, with what etcd says about it.
const first = await client.text.read(prefix("letters/"), { limit: 2 });
console.log(first.entries.length, first.count, first.more);

// Any number of entries, all as of one revision, a page at a time. `stream` lets the member choose the pages.
let letters = "";
for await (const entry of client.text.entries(prefix("letters/"), { pageSize: 2 })) letters += entry.value;
console.log(letters);
