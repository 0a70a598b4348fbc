import type { Json, JsonObject } from "../json.js";

/** One step of `clients/script.json`; which fields it has depends on `op`. */
export type ScriptStep = {
  readonly title: string;
  readonly op:
    | "put"
    | "get"
    | "delete"
    | "txn"
    | "grant"
    | "keepAlive"
    | "timeToLive"
    | "revoke"
    | "watch"
    | "events"
    | "unwatch"
    | "compact";
  readonly key?: string;
  readonly value?: string;
  readonly prev?: boolean;
  readonly prefix?: boolean;
  readonly serializable?: boolean;
  readonly rev?: number;
  readonly limit?: number;
  readonly countOnly?: boolean;
  readonly keysOnly?: boolean;
  readonly sort?: readonly [target: "VALUE" | "CREATE" | "MOD" | "KEY" | "VERSION", order: "ASCEND" | "DESCEND"];
  /** A name, or the id of a lease that does not exist. */
  readonly lease?: string | number;
  readonly ttl?: number;
  readonly name?: string;
  readonly count?: number;
  readonly if?: readonly (readonly [
    key: string,
    target: "VALUE" | "VERSION" | "CREATE" | "MOD",
    operator: "=" | "!=" | "<" | ">",
    value: string | number,
  ])[];
  readonly then?: readonly ScriptOperation[];
  readonly else?: readonly ScriptOperation[];
};

/** `["put", key, value]`, `["get", key]`, `["delete", key]`. */
export type ScriptOperation = readonly [kind: "put" | "get" | "delete", key: string, value?: string];

/** Names of leases by their id: ids differ from run to run, so answers show names. */
export class LeaseNames {
  readonly #names = new Map<string, string>([["0", ""]]);
  readonly #ids = new Map<string, string>();

  add(name: string, id: string): void {
    this.#names.set(id, name);
    this.#ids.set(name, id);
  }

  nameOf(id: string): string {
    return this.#names.get(id) ?? "(unknown)";
  }

  /** Decimal id of a lease that the script names, by its name or its id. */
  idOf(lease: string | number): string {
    const id = typeof lease === "number" ? String(lease) : this.#ids.get(lease);
    if (id === undefined) throw new Error(`no lease ${lease}`);
    return id;
  }
}

/** etcd's own words in whatever a client made of an error. */
export function etcdWords(text: string): JsonObject {
  const words = /etcdserver: [^"\n\\)]*/.exec(text)?.[0].trim() ?? text;
  return { error: words.replace(/ is expired or revoked$/, "") }; // etcd3 adds to one of them
}

/** Runs a driver's steps and prints an answer a line. An error of one step is its answer; the next step goes on. */
export async function printAnswers(
  steps: readonly ScriptStep[],
  run: (step: ScriptStep) => Promise<JsonObject>,
  print: (answer: Json) => void,
): Promise<void> {
  for (const step of steps) {
    try {
      print(await run(step));
    } catch (error) {
      print(etcdWords(error instanceof Error ? error.message : String(error)));
    }
  }
}
