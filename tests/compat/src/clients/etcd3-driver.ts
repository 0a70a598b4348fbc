// Runs the shared script through npm's etcd3. Arguments: client URL, path of the script.
import { readFileSync } from "node:fs";
import {
  Etcd3,
  type IDeleteRangeResponse,
  type IKeyValue,
  type IOperation,
  type IPutResponse,
  type IRangeResponse,
  type Lease,
  type Watcher,
} from "etcd3";
import type { JsonObject } from "../json.js";
import { LeaseNames, printAnswers, type ScriptOperation, type ScriptStep } from "./answers.js";

const [url = "", scriptPath = ""] = process.argv.slice(2);
const client = new Etcd3({ hosts: url });
const names = new LeaseNames();
const leases = new Map<string, Lease>();
const watches = new Map<string, { watcher: Watcher; events: JsonObject[] }>();
const eventsWithinMs = 20_000;

function kvOf(kv: IKeyValue): JsonObject {
  return {
    key: kv.key.toString(),
    value: kv.value.toString(),
    create: Number(kv.create_revision),
    mod: Number(kv.mod_revision),
    version: Number(kv.version),
    lease: names.nameOf(kv.lease),
  };
}

const revisionOf = ({ header }: { header: { revision: string } }) => Number(header.revision);
const rangeOf = (response: IRangeResponse): JsonObject => ({
  count: Number(response.count),
  more: response.more,
  kvs: response.kvs.map(kvOf),
});

async function put(step: ScriptStep): Promise<JsonObject> {
  let builder = client.put(step.key ?? "").value(step.value ?? "");
  if (step.lease !== undefined) builder = builder.lease(names.idOf(step.lease));
  if (step.prev === true) {
    const { header, ...previous } = await builder.getPrevious();
    return { revision: revisionOf({ header }), prev: kvOf(previous as IKeyValue) };
  }
  return { revision: revisionOf(await builder.exec()) };
}

async function get(step: ScriptStep): Promise<JsonObject> {
  if (step.prefix !== true) {
    let builder = client.get(step.key ?? "");
    if (step.serializable === true) builder = builder.serializable(true);
    if (step.rev !== undefined) builder = builder.revision(step.rev);
    const response = await builder.exec();
    return { revision: revisionOf(response), ...rangeOf(response) };
  }
  let builder = step.key === "" ? client.getAll() : client.getAll().prefix(step.key ?? "");
  if (step.rev !== undefined) builder = builder.revision(step.rev);
  if (step.limit !== undefined) builder = builder.limit(step.limit);
  if (step.sort !== undefined) {
    const targets = { KEY: "Key", VERSION: "Version", CREATE: "Create", MOD: "Mod", VALUE: "Value" } as const;
    builder = builder.sort(targets[step.sort[0]], step.sort[1] === "ASCEND" ? "Ascend" : "Descend");
  }
  if (step.countOnly === true) return { count: await builder.count() };
  if (step.keysOnly === true) return { keys: await builder.keys() };
  const response = await builder.exec();
  return { revision: revisionOf(response), ...rangeOf(response) };
}

async function remove(step: ScriptStep): Promise<JsonObject> {
  const builder = step.prefix === true ? client.delete().prefix(step.key ?? "") : client.delete().key(step.key ?? "");
  if (step.prev === true) return { prev: (await builder.getPrevious()).map(kvOf) };
  const response = await builder.exec();
  return { revision: revisionOf(response), deleted: Number(response.deleted) };
}

function operation([kind, key, value]: ScriptOperation): IOperation {
  if (kind === "put") return client.put(key).value(value ?? "");
  return kind === "get" ? client.get(key) : client.delete().key(key);
}

async function txn(step: ScriptStep): Promise<JsonObject> {
  const operators = { "=": "==", "!=": "!==", "<": "<", ">": ">" } as const;
  const targets = { VALUE: "Value", VERSION: "Version", CREATE: "Create", MOD: "Mod" } as const;
  const [first, ...more] = step.if ?? [];
  // Every txn of this client has a comparison; version > -1 always holds.
  const [key, target, operator, value] = first ?? ["\0", "VERSION", ">", -1];
  let builder = client.if(key, targets[target], operators[operator], value);
  for (const [nextKey, nextTarget, nextOperator, nextValue] of more) {
    builder = builder.and(nextKey, targets[nextTarget], operators[nextOperator], nextValue);
  }
  const response = await builder
    .then(...(step.then ?? []).map(operation))
    .else(...(step.else ?? []).map(operation))
    .commit();
  type Responses = {
    response_put?: IPutResponse;
    response_range?: IRangeResponse;
    response_delete_range?: IDeleteRangeResponse;
  };
  const responses = (response.responses as Responses[]).map(({ response_range, response_delete_range }): JsonObject => {
    if (response_range) return { get: response_range.kvs.map(kvOf) };
    return response_delete_range ? { delete: Number(response_delete_range.deleted) } : { put: {} };
  });
  return { revision: revisionOf(response), succeeded: response.succeeded, responses };
}

async function lease(step: ScriptStep): Promise<JsonObject> {
  const name = String(step.lease);
  if (step.op === "grant") {
    const granted = client.lease(step.ttl ?? 0, { autoKeepAlive: false });
    granted.on("lost", () => {});
    names.add(name, await granted.grant());
    leases.set(name, granted);
    return {};
  }
  const held = leases.get(name);
  if (held === undefined) throw new Error(`no lease ${name}`);
  if (step.op === "keepAlive") return { ttl: Number((await held.keepaliveOnce()).TTL) };
  if (step.op === "revoke") {
    await held.revoke();
    return {};
  }
  const response = await client.leaseClient.leaseTimeToLive({ ID: names.idOf(name), keys: true });
  return {
    granted: Number(response.grantedTTL),
    keys: response.keys.map(String).sort(),
    isAlive: Number(response.TTL) > 0,
  };
}

async function watch(step: ScriptStep): Promise<JsonObject> {
  let builder = client.watch().startRevision(String(step.rev));
  builder = step.prefix === true ? builder.prefix(step.key ?? "") : builder.key(step.key ?? "");
  if (step.prev === true) builder = builder.withPreviousKV();
  const watcher = builder.watcher();
  const events: JsonObject[] = [];
  const note = (type: string) => (kv: IKeyValue, previous?: IKeyValue) => {
    events.push({ type, kv: kvOf(kv), ...(previous ? { prev: kvOf(previous) } : {}) });
  };
  watcher.on("put", note("PUT"));
  watcher.on("delete", note("DELETE"));
  await new Promise<void>((resolve, reject) => {
    watcher.on("connected", () => resolve());
    watcher.on("error", reject);
  });
  watches.set(step.name ?? "", { watcher, events });
  return {};
}

async function events(step: ScriptStep): Promise<JsonObject> {
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
      return events(step);
    case "unwatch":
      await watches.get(step.name ?? "")?.watcher.cancel();
      return {};
    case "compact":
      return { revision: revisionOf(await client.kv.compact({ revision: String(step.rev) })) };
    default:
      return lease(step);
  }
}

await printAnswers(JSON.parse(readFileSync(scriptPath, "utf8")), run, (answer) => console.log(JSON.stringify(answer)));
client.close();
process.exit(0); // the client keeps its connections for a while
