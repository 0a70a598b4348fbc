// node bench/load.mjs --port P --op put|get|getser|range|rangeser|list|txn [--n 100000 | --seconds 5] [--inflight 400] [--connections 4]
//   [--keys 100000] [--span 100] [--value 256] [--limit 100] [--seed 1] [--sequential] [--tls] [--host 127.0.0.1]
// Puts load on a running member. Prints one line of JSON: op, done, errors, perSecond, p50us, p99us, loadCores. Keys are /bench/000000000000 and so
// on; `sequential` means each key once, in an order that only looks random; `--keys 1` is one key again and again.
import { parseArgs } from "node:util";
import { runLoad } from "./load/unary.mjs";

const text = { type: "string" };
const flag = { type: "boolean" };
const numbers = ["port", "n", "seconds", "inflight", "connections", "keys", "span", "value", "limit", "seed"];
const options = { host: text, op: text, sequential: flag, tls: flag };
for (const name of numbers) options[name] = text;
const { values } = parseArgs({ options });
for (const name of numbers) if (values[name] !== undefined) values[name] = Number(values[name]);
const result = await runLoad({ op: "put", ...values });
console.log(JSON.stringify(result, (_, value) => (typeof value === "number" ? Number(value.toFixed(2)) : value)));
