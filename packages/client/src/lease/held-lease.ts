import type { CallOptions } from "../call-options.js";
import type { ClientError } from "../client-error.js";

/** What a held lease does with itself. */
export type HeldLeaseActions = {
  /** Ends the renewals. */
  readonly forget: () => void;
  readonly revoke: (options: CallOptions | undefined) => Promise<unknown>;
};

/**
 * A lease that this client keeps alive until it is released, or lost: it expired, was revoked, or no member could be reached for
 * its whole lifetime. A loss is loud. It aborts `signal` and calls `onLost`; if nobody has asked for either, it is an unhandled
 * rejection, which ends a Node process that does not say otherwise.
 */
export class HeldLease implements AsyncDisposable {
  readonly id: bigint;
  /** As it was granted. */
  readonly ttlSeconds: number;
  readonly #actions: HeldLeaseActions;
  readonly #onLost: ((error: ClientError) => void) | undefined;
  readonly #controller = new AbortController();
  #isWatched = false;
  #isOver = false;

  constructor(
    lease: { readonly id: bigint; readonly ttlSeconds: number },
    actions: HeldLeaseActions,
    onLost?: (error: ClientError) => void,
  ) {
    this.id = lease.id;
    this.ttlSeconds = lease.ttlSeconds;
    this.#actions = actions;
    this.#onLost = onLost;
  }

  /** Aborted when the lease is lost, with the error as its reason. Pass it to whatever must not outlive the lease. */
  get signal(): AbortSignal {
    this.#isWatched = true;
    return this.#controller.signal;
  }

  get isLost(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Revokes the lease and deletes its keys. Safe to repeat. @throws ClientError */
  async release(options?: CallOptions): Promise<void> {
    if (this.#isOver) return;
    this.abandon();
    await this.#actions.revoke(options);
  }

  /** Ends the renewals only: the keys go when the lease expires. */
  abandon(): void {
    this.#isOver = true;
    this.#actions.forget();
  }

  /** @internal */
  lose(error: ClientError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller.abort(error);
    this.#onLost?.(error);
    // Who closes the client knows that its leases are not renewed any more.
    const isExpected = error.code === "client/closed" || this.#onLost !== undefined || this.#isWatched;
    if (!isExpected) void Promise.reject(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}
