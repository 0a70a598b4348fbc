import { createClient, json, prefixed, text } from "../../src/index.js";

type User = { name: string; age: number };

await using client = createClient({ endpoints: process.env.ENDPOINTS ?? "http://127.0.0.1:2379" });

// Keys and values as text. `client.bytes` takes and gives bytes.
await client.text.put("greeting", "hello");
const greeting = await client.text.get("greeting");
console.log(greeting?.value, typeof greeting?.modRevision); // 64-bit numbers are bigint and exact

// Or through codecs: here keys under "users/", and values as JSON.
const users = client.keyspace({ key: prefixed("users/", text), value: json<User>() });

// A transaction is one step for the whole cluster. Each result has the type of its operation.
const signUp = await client.txn({
  if: [users.compare.missing("ann")],
  success: [users.op.put("ann", { name: "Ann", age: 31 })],
  failure: [users.op.get("ann")],
});
if (signUp.succeeded) console.log("created");
else console.log("exists since revision", signUp.results[0]?.createRevision);
console.log((await users.get("ann"))?.value.age);
