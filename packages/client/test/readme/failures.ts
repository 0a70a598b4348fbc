import { ClientError, createClient } from "../../src/index.js";

await using client = createClient({ endpoints: "http://127.0.0.1:1", attemptsMax: 2 });
try {
  await client.text.put("a", "1", { timeoutMs: 5_000, signal: new AbortController().signal });
} catch (error) {
  if (!(error instanceof ClientError)) throw error;
  console.log(error.code, error.mayHaveRun ? "look before you write again" : "nothing was written");
}
