import { abortedError, ClientError } from "../client-error.js";
import { bytes, type Bytes, prefixed, text, toBytes } from "../codec.js";
import type { Leases } from "../lease/leases.js";
import { Keyspace, type KeyspacePorts } from "../kv/keyspace.js";
import { commitTxn } from "../kv/txn.js";
import { prefix } from "../span.js";

/** What lines of waiters need of their client. */
export type LinePorts = KeyspacePorts & { readonly leases: Leases };

/**
 * A line of waiters: keys under `<name>/`, one per lease, in the order of their creation. Who created the oldest key is first.
 * The same keys as etcd's own lock and election services use, so both kinds of clients can stand in one line.
 */
export class WaitingLine {
  readonly space: Keyspace<string, Uint8Array>;
  readonly #ports: LinePorts;

  constructor(ports: LinePorts, name: Bytes) {
    this.#ports = ports;
    const start = toBytes(name);
    const slash = new Uint8Array(start.length + 1);
    slash.set(start);
    slash[start.length] = 0x2f;
    this.space = new Keyspace({ key: prefixed(slash, text), value: bytes }, ports);
  }

  /** Takes a place, or finds the one that this lease has already. @returns the place's create revision, and its value. */
  async enter(lease: bigint, value: Uint8Array, signal: AbortSignal | undefined) {
    const key = keyOf(lease);
    const { op, compare } = this.space;
    const answer = await commitTxn(
      this.#ports.caller,
      { if: [compare.missing(key)], success: [op.put(key, value, { lease })], failure: [op.get(key)] },
      // Putting the same key of the same lease twice leaves one place: the second finds the first.
      { signal, retryWrites: "always" },
    );
    if (answer.succeeded) return { key, createRevision: answer.header.revision, value };
    const [mine] = answer.results;
    if (mine === undefined) throw sessionOver(key);
    return { key, createRevision: mine.createRevision, value: mine.value };
  }

  /** Waits until every older key is gone. @throws ClientError "client/lock-lost" if the own key goes first. */
  async waitForTurn(place: { key: string; createRevision: bigint }, signal: AbortSignal): Promise<void> {
    for (;;) {
      const before = await this.space.read(prefix(""), {
        maxCreateRevision: place.createRevision - 1n,
        sort: { by: "create", order: "descend" },
        limit: 1,
        keysOnly: true,
        signal,
      });
      const [rival] = before.entries;
      if (rival === undefined) break;
      await this.#waitForDeletion(rival.key, before.header.revision + 1n, signal);
    }
    const mine = await this.space.get(place.key, { signal, keysOnly: true });
    if (mine === undefined || mine.createRevision !== place.createRevision) throw sessionOver(place.key);
  }

  /** Deletes the place unless it has become another's. To do it twice does no harm. */
  async leave(place: { key: string; createRevision: bigint }): Promise<void> {
    const { op, compare } = this.space;
    const isMine = compare.createRevision(place.key, "=", place.createRevision);
    await commitTxn(this.#ports.caller, { if: [isMine], success: [op.delete(place.key)] }, { retryWrites: "always" });
  }

  async #waitForDeletion(key: string, startRevision: bigint, signal: AbortSignal): Promise<void> {
    const watch = this.space.watch(key, { startRevision, only: "delete", signal });
    try {
      for await (const _deletion of watch) return;
    } catch (error) {
      // What happened since was compacted away: look at the line again.
      if (!(error instanceof ClientError) || error.code !== "etcd/compacted") throw error;
    } finally {
      watch.cancel();
    }
    if (signal.aborted) throw abortedError(signal, {}, false);
  }
}

/** The part of a place's key behind the name: the lease's id in hexadecimal. */
export function keyOf(lease: bigint): string {
  return BigInt.asUintN(64, lease).toString(16);
}

function sessionOver(key: string): ClientError {
  return new ClientError({ code: "client/lock-lost", message: `the key "${key}" is gone: its lease has ended` });
}
