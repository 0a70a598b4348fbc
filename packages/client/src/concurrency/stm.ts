import type { CallOptions } from "../call-options.js";
import type { Caller } from "../caller.js";
import { ClientError } from "../client-error.js";
import type { Comparison } from "../kv/comparison.js";
import type { Entry } from "../kv/entry.js";
import type { Keyspace } from "../kv/keyspace.js";
import type { Operation } from "../kv/operation.js";
import { commitTxn } from "../kv/txn.js";

/** What can be asked of a block that is run as a transaction. */
export type StmOptions = CallOptions & {
  /** Runs the block at most so often before it gives up with "client/conflict". Default 32. */
  readonly runsMax?: number | undefined;
};

/** Reads of a run, all as of one revision, and its writes, which happen together at the end or not at all. */
export interface StmView {
  /** Sees what this run has written. @throws ClientError */
  get<K, V>(space: Keyspace<K, V>, key: K): Promise<V | undefined>;
  put<K, V>(space: Keyspace<K, V>, key: K, value: V, options?: { readonly lease?: bigint }): void;
  delete<K, V>(space: Keyspace<K, V>, key: K): void;
}

const runsMaxDefault = 32;

/**
 * Runs `block` against a snapshot and commits what it has written if nothing that it has read was changed meanwhile; otherwise
 * runs it again. Serializable, and optimistic: the block must do no harm when it is run several times.
 * @returns what the run that was committed returned.
 * @throws ClientError "client/conflict"; whatever `block` throws, and then nothing is written.
 */
export async function runStm<T>(
  caller: Caller,
  block: (view: StmView) => Promise<T> | T,
  options: StmOptions,
): Promise<T> {
  const runsMax = options.runsMax ?? runsMaxDefault;
  for (let run = 1; run <= runsMax; run += 1) {
    const view = new View(options);
    let result: T;
    try {
      result = await block(view);
    } catch (error) {
      // The snapshot was compacted away under the run: a newer one is as good.
      if (error instanceof ClientError && error.code === "etcd/compacted") continue;
      throw error;
    }
    if (view.writes.size === 0) return result; // reads of one revision are consistent by themselves
    const answer = await commitTxn(caller, { if: view.conditions(), success: view.operations() }, options);
    if (answer.succeeded) return result;
  }
  const message = `others changed what was read, ${runsMax} times in a row`;
  throw new ClientError({ code: "client/conflict", message });
}

type Read = { readonly entry: Entry<unknown, unknown> | undefined; readonly condition: Comparison };
type Write = { readonly operation: Operation<unknown>; readonly value: unknown };

class View implements StmView {
  readonly writes = new Map<string, Write>();
  readonly #reads = new Map<string, Read>();
  readonly #options: CallOptions;
  #revision: bigint | undefined;

  constructor(options: CallOptions) {
    this.#options = options;
  }

  async get<K, V>(space: Keyspace<K, V>, key: K): Promise<V | undefined> {
    const name = nameOf(space, key);
    const written = this.writes.get(name);
    if (written !== undefined) return written.value as V | undefined;
    const known = this.#reads.get(name);
    if (known !== undefined) return known.entry?.value as V | undefined;
    const found = await space.read(key, { ...this.#options, revision: this.#revision });
    this.#revision ??= found.header.revision;
    const [entry] = found.entries;
    const condition = space.compare.modRevision(key, "=", entry?.modRevision ?? 0n);
    this.#reads.set(name, { entry, condition });
    return entry?.value;
  }

  put<K, V>(space: Keyspace<K, V>, key: K, value: V, options: { readonly lease?: bigint } = {}): void {
    this.writes.set(nameOf(space, key), { operation: space.op.put(key, value, options), value });
  }

  delete<K, V>(space: Keyspace<K, V>, key: K): void {
    this.writes.set(nameOf(space, key), { operation: space.op.delete(key), value: undefined });
  }

  conditions(): Comparison[] {
    return [...this.#reads.values()].map((read) => read.condition);
  }

  operations(): Operation<unknown>[] {
    return [...this.writes.values()].map((write) => write.operation);
  }
}

/** A key's bytes as a text, one character a byte: keyspaces that overlap name the same key alike. */
function nameOf<K, V>(space: Keyspace<K, V>, key: K): string {
  let name = "";
  for (const byte of space.keyBytes(key)) name += String.fromCharCode(byte);
  return name;
}
