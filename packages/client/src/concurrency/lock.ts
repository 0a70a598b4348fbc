import type { CallOptions } from "../call-options.js";
import { abortedError, ClientError } from "../client-error.js";
import { type Bytes, toBytes } from "../codec.js";
import type { HeldLease } from "../lease/held-lease.js";
import { type LinePorts, WaitingLine } from "./queue.js";

/** What can be asked of a lock. */
export type LockOptions = Pick<CallOptions, "signal"> & {
  /** Waits at most so long, in milliseconds. Default: for ever. */
  readonly timeoutMs?: number | undefined;
  /** The lock goes when its holder has been gone for so long. Default 15. Not used with `lease`. */
  readonly ttlSeconds?: number | undefined;
  /** A lease that is held already: several locks can live with one. It is not released with the lock. */
  readonly lease?: HeldLease | undefined;
};

/** A lock that is held. */
export class Lock implements AsyncDisposable {
  /** The key that stands for it in the store. */
  readonly key: Uint8Array;
  /**
   * Grows from holder to holder: a fencing token. Send it along with what the lock protects, and refuse older ones there; or make it
   * a condition of transactions: the key's create revision.
   */
  readonly revision: bigint;
  readonly #release: () => Promise<void>;
  readonly #signal: AbortSignal;
  #isWatched = false;

  /** @internal */
  constructor(place: { key: Uint8Array; revision: bigint }, signal: AbortSignal, release: () => Promise<void>) {
    this.key = place.key;
    this.revision = place.revision;
    this.#signal = signal;
    this.#release = release;
  }

  /** Aborted when the lease is lost, and the lock with it. Who never asks for it gets an unhandled rejection instead. */
  get signal(): AbortSignal {
    this.#isWatched = true;
    return this.#signal;
  }

  /** @throws ClientError */
  release(): Promise<void> {
    return this.#release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  /** @internal */
  lose(error: ClientError): void {
    if (!this.#isWatched && error.code !== "client/closed") void Promise.reject(error);
  }
}

/** Waits for a lock. @throws ClientError "client/aborted", "client/deadline", "client/lease-lost", "client/lock-lost" */
export async function acquireLock(ports: LinePorts, name: Bytes, options: LockOptions): Promise<Lock> {
  const { signal, timeoutMs, ttlSeconds = 15 } = options;
  const late = timeoutMs === undefined ? undefined : AbortSignal.timeout(Math.min(timeoutMs, 2_147_483_647));
  let lock: Lock | undefined;
  const onLost = (error: ClientError) => lock?.lose(error);
  const lease = options.lease ?? (await ports.leases.hold({ ttlSeconds, signal, onLost, timeoutMs }));
  const whole = AbortSignal.any([lease.signal, signal, late].filter((one) => one !== undefined));
  const line = new WaitingLine(ports, name);
  let place: { key: string; createRevision: bigint } | undefined;
  const release = async () => {
    if (options.lease === undefined) await lease.release();
    else if (place !== undefined) await line.leave(place);
  };
  try {
    place = await line.enter(lease.id, new Uint8Array(0), whole);
    await line.waitForTurn(place, whole);
  } catch (error) {
    // The wait has failed; that a place is left behind as well is worth no second error: it goes with its lease.
    await release().catch(() => {});
    if (lease.isLost) throw lease.signal.reason;
    if (late?.aborted === true) throw lateError(name);
    throw signal?.aborted === true ? abortedError(signal, {}, false) : error;
  }
  const key = joined(toBytes(name), toBytes(`/${place.key}`));
  lock = new Lock({ key, revision: place.createRevision }, lease.signal, release);
  return lock;
}

function lateError(name: Bytes): ClientError {
  const shown = typeof name === "string" ? name : new TextDecoder().decode(name);
  return new ClientError({ code: "client/deadline", message: `the lock "${shown}" was not free in time` });
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return whole;
}
