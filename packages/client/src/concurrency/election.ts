import type { CallOptions } from "../call-options.js";
import { abortedError, ClientError } from "../client-error.js";
import { type Bytes, toBytes } from "../codec.js";
import type { Entry } from "../kv/entry.js";
import { commitTxn } from "../kv/txn.js";
import type { HeldLease } from "../lease/held-lease.js";
import { prefix } from "../span.js";
import { type LinePorts, WaitingLine } from "./queue.js";

/** One place in an election that was won. It is lost with its lease: see the lease's `signal`. */
export type Leadership = {
  /** Of the leader's key: grows from leader to leader. */
  readonly revision: bigint;
  /** Says something new to those who observe. @throws ClientError "client/not-leader" */
  proclaim(value: Bytes, options?: CallOptions): Promise<void>;
  /** Lets the next one lead. @throws ClientError */
  resign(): Promise<void>;
};

/** An election by name: of all who campaign, one leads at a time. */
export class Election {
  readonly #ports: LinePorts;
  readonly #line: WaitingLine;

  constructor(ports: LinePorts, name: Bytes) {
    this.#ports = ports;
    this.#line = new WaitingLine(ports, name);
  }

  /** Waits until this lease leads. @throws ClientError "client/aborted", "client/lock-lost" */
  async campaign(lease: HeldLease, value: Bytes, options: Pick<CallOptions, "signal"> = {}): Promise<Leadership> {
    const signal = AbortSignal.any([lease.signal, ...(options.signal === undefined ? [] : [options.signal])]);
    const place = await this.#line.enter(lease.id, toBytes(value), signal);
    const leadership = this.#leadership(place, lease);
    try {
      if (!isEqual(place.value, toBytes(value))) await leadership.proclaim(value, { signal });
      await this.#line.waitForTurn(place, signal);
    } catch (error) {
      await leadership.resign().catch(() => {}); // it goes with its lease in any case
      throw signal.aborted ? abortedError(signal, {}, false) : error;
    }
    return leadership;
  }

  /** Who leads and what it says; `undefined` while nobody does. @throws ClientError */
  async leader(options: CallOptions = {}): Promise<Entry<string, Uint8Array> | undefined> {
    const sort = { by: "create", order: "ascend" } as const;
    return (await this.#line.space.read(prefix(""), { ...options, sort, limit: 1 })).entries[0];
  }

  /** The leader, and again whenever that or its value changes. What changes faster than it is read is left out. */
  async *observe(options: CallOptions = {}): AsyncGenerator<Entry<string, Uint8Array>, void, undefined> {
    let shown = 0n;
    for (;;) {
      const sort = { by: "create", order: "ascend" } as const;
      const now = await this.#line.space.read(prefix(""), { ...options, sort, limit: 1 });
      const [leader] = now.entries;
      if (leader !== undefined && leader.modRevision !== shown) {
        shown = leader.modRevision;
        yield leader;
      }
      await this.#waitForChange(now.header.revision + 1n, options.signal);
      if (options.signal?.aborted === true) throw abortedError(options.signal, {}, false);
    }
  }

  async #waitForChange(startRevision: bigint, signal: AbortSignal | undefined): Promise<void> {
    const watch = this.#line.space.watch(prefix(""), { startRevision, signal });
    try {
      for await (const _change of watch.batches()) return;
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== "etcd/compacted") throw error;
    } finally {
      watch.cancel();
    }
  }

  #leadership(place: { key: string; createRevision: bigint }, lease: HeldLease): Leadership {
    const { op, compare } = this.#line.space;
    return {
      revision: place.createRevision,
      proclaim: async (value, options) => {
        const answer = await commitTxn(
          this.#ports.caller,
          {
            if: [compare.createRevision(place.key, "=", place.createRevision)],
            success: [op.put(place.key, toBytes(value), { lease: lease.id })],
          },
          options,
        );
        if (answer.succeeded) return;
        throw new ClientError({
          code: "client/not-leader",
          message: "this lease does not stand for election any more",
        });
      },
      resign: () => this.#line.leave(place),
    };
  }
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
