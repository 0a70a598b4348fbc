// Runs the shared script through Debian's etcdctl. Arguments: client URL, path of the script.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { isObject, type Json, type JsonObject, parseJson } from "../json.js";
import { LeaseNames, printAnswers, type ScriptOperation, type ScriptStep } from "./answers.js";

const [url = "", scriptPath = ""] = process.argv.slice(2);
const names = new LeaseNames();
const watches = new Map<string, { child: ChildProcess; events: JsonObject[] }>();
const eventsWithinMs = 20_000;
const environment = { ...process.env, ETCDCTL_API: "3" };

/** Runs one command. @throws with what it wrote on standard error when it fails */
function etcdctl(words: readonly string[], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("etcdctl", ["--endpoints", url, "--write-out", "json", ...words], { env: environment });
    let output = "";
    let errors = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      errors += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0 ? resolve(output) : reject(new Error(/^Error: (.*)$/m.exec(errors)?.[1] ?? errors)),
    );
    child.stdin.end(input);
  });
}

const text = (value: Json | undefined) => Buffer.from(String(value ?? ""), "base64").toString();
const field = (value: Json | undefined, name: string) => (isObject(value) ? value[name] : undefined);
const list = (value: Json | undefined) => (Array.isArray(value) ? value : []);
const revisionOf = (response: Json) => Number(field(field(response, "header"), "revision"));
const hex = (lease: string | number) => BigInt(names.idOf(lease)).toString(16);

function kvOf(kv: Json): JsonObject {
  return {
    key: text(field(kv, "key")),
    value: text(field(kv, "value")),
    create: Number(field(kv, "create_revision") ?? 0),
    mod: Number(field(kv, "mod_revision") ?? 0),
    version: Number(field(kv, "version") ?? 0),
    lease: names.nameOf(String(field(kv, "lease") ?? 0)),
  };
}

async function put(step: ScriptStep): Promise<JsonObject> {
  const words = ["put", step.key ?? ""];
  if (step.lease !== undefined) words.push(`--lease=${hex(step.lease)}`);
  if (step.prev === true) words.push("--prev-kv");
  const response = parseJson(await etcdctl([...words, "--", step.value ?? ""]));
  const previous = field(response, "prev_kv");
  return { revision: revisionOf(response), ...(previous === undefined ? {} : { prev: kvOf(previous) }) };
}

async function get(step: ScriptStep): Promise<JsonObject> {
  const words = ["get", step.key ?? ""];
  if (step.prefix === true) words.push("--prefix");
  if (step.rev !== undefined) words.push(`--rev=${step.rev}`);
  if (step.limit !== undefined) words.push(`--limit=${step.limit}`);
  if (step.countOnly === true) return { skipped: "etcdctl 3.4 has no --count-only" };
  if (step.keysOnly === true) words.push("--keys-only");
  if (step.serializable === true) words.push("--consistency=s");
  if (step.sort !== undefined)
    words.push(`--sort-by=${step.sort[0] === "MOD" ? "MODIFY" : step.sort[0]}`, `--order=${step.sort[1]}`);
  const response = parseJson(await etcdctl(words));
  return {
    revision: revisionOf(response),
    count: Number(field(response, "count") ?? 0),
    more: field(response, "more") === true,
    kvs: list(field(response, "kvs")).map(kvOf),
  };
}

async function remove(step: ScriptStep): Promise<JsonObject> {
  const words = ["del", step.key ?? ""];
  if (step.prefix === true) words.push("--prefix");
  if (step.prev === true) words.push("--prev-kv");
  const response = parseJson(await etcdctl(words));
  const previous = step.prev === true ? { prev: list(field(response, "prev_kvs")).map(kvOf) } : {};
  return { revision: revisionOf(response), deleted: Number(field(response, "deleted") ?? 0), ...previous };
}

async function txn(step: ScriptStep): Promise<JsonObject> {
  const targets = { VALUE: "val", VERSION: "ver", CREATE: "c", MOD: "mod" };
  const compares = (step.if ?? []).map(
    ([key, target, operator, value]) =>
      `${targets[target]}(${JSON.stringify(key)}) ${operator} ${JSON.stringify(String(value))}`,
  );
  const line = ([kind, key, value]: ScriptOperation) =>
    kind === "put" ? `put ${key} ${value}` : `${kind === "delete" ? "del" : kind} ${key}`;
  const blocks = [compares, (step.then ?? []).map(line), (step.else ?? []).map(line)];
  const input = `${blocks.map((block) => [...block, ""].join("\n")).join("\n")}\n`;
  const response = parseJson(await etcdctl(["txn"], input));
  const responses = list(field(response, "responses")).map((one): JsonObject => {
    const inner = field(one, "Response");
    const range = field(inner, "ResponseRange");
    if (range !== undefined) return { get: list(field(range, "kvs")).map(kvOf) };
    const deleted = field(inner, "ResponseDeleteRange");
    return deleted === undefined ? { put: {} } : { delete: Number(field(deleted, "deleted") ?? 0) };
  });
  return { revision: revisionOf(response), succeeded: field(response, "succeeded") === true, responses };
}

async function lease(step: ScriptStep): Promise<JsonObject> {
  if (step.op === "grant") {
    const response = parseJson(await etcdctl(["lease", "grant", String(step.ttl)]));
    names.add(String(step.lease), String(field(response, "id") ?? field(response, "ID")));
    return { ttl: Number(field(response, "ttl") ?? field(response, "TTL")) };
  }
  const id = hex(step.lease ?? "");
  if (step.op === "revoke") {
    await etcdctl(["lease", "revoke", id]);
    return {};
  }
  if (step.op === "keepAlive") {
    const response = parseJson(await etcdctl(["lease", "keep-alive", "--once", id]));
    return { ttl: Number(field(response, "ttl") ?? field(response, "TTL")) };
  }
  const response = parseJson(await etcdctl(["lease", "timetolive", "--keys", id]));
  return {
    granted: Number(field(response, "granted-ttl") ?? 0),
    keys: list(field(response, "keys")).map(text).sort(),
    isAlive: Number(field(response, "ttl")) > 0,
  };
}

function watch(step: ScriptStep): JsonObject {
  const words = ["--endpoints", url, "--write-out", "json", "watch", step.key ?? "", `--rev=${step.rev}`];
  if (step.prefix === true) words.push("--prefix");
  if (step.prev === true) words.push("--prev-kv");
  const child = spawn("etcdctl", words, { env: environment, stdio: ["ignore", "pipe", "inherit"] });
  const events: JsonObject[] = [];
  let rest = "";
  child.stdout.on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      for (const event of list(field(parseJson(line), "Events"))) {
        const previous = field(event, "prev_kv");
        const type = field(event, "type") === 1 ? "DELETE" : "PUT";
        events.push({
          type,
          kv: kvOf(field(event, "kv") ?? {}),
          ...(previous === undefined ? {} : { prev: kvOf(previous) }),
        });
      }
    }
  });
  watches.set(step.name ?? "", { child, events });
  return {};
}

async function eventsOf(step: ScriptStep): Promise<JsonObject> {
  const open = watches.get(step.name ?? "");
  if (open === undefined) throw new Error(`no watch ${step.name}`);
  const until = performance.now() + eventsWithinMs;
  while (open.events.length < (step.count ?? 0) && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 10));
  return { events: open.events.splice(0, step.count) };
}

async function run(step: ScriptStep): Promise<JsonObject> {
  switch (step.op) {
    case "put":
      return put(step);
    case "get":
      return get(step);
    case "delete":
      return remove(step);
    case "txn":
      return txn(step);
    case "watch":
      return watch(step);
    case "events":
      return eventsOf(step);
    case "unwatch":
      watches.get(step.name ?? "")?.child.kill();
      return {};
    case "compact":
      await etcdctl(["compact", String(step.rev)]);
      return {};
    default:
      return lease(step);
  }
}

await printAnswers(JSON.parse(readFileSync(scriptPath, "utf8")), run, (answer) => console.log(JSON.stringify(answer)));
for (const { child } of watches.values()) child.kill();
