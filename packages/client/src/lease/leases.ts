import { LeaseKeepAliveRequest, LeaseKeepAliveResponse } from "@quorate/proto";
import type { CallOptions, StreamOptions } from "../call-options.js";
import type { Caller } from "../caller.js";
import { ClientError } from "../client-error.js";
import { type Header, headerOf } from "../kv/header.js";
import { rpcs, streamPaths } from "../rpc.js";
import { readStream } from "../server-stream.js";
import { HeldLease } from "./held-lease.js";
import { KeepAliveHub } from "./keep-alive-hub.js";

/** A lease as it was granted. */
export type GrantedLease = { readonly header: Header; readonly id: bigint; readonly ttlSeconds: number };

/** How a lease stands. */
export type LeaseState = {
  readonly header: Header;
  readonly id: bigint;
  /** Whole seconds left. `undefined`: there is no such lease. */
  readonly remainingSeconds: number | undefined;
  readonly grantedSeconds: number;
  /** Keys attached to it, if they were asked for. */
  readonly keys: readonly Uint8Array[];
};

/** What can be asked of a grant. */
export type GrantOptions = CallOptions & {
  /** Default: the member chooses. */
  readonly id?: bigint | undefined;
};

/** What can be asked of a lease that is kept alive. */
export type HoldOptions = GrantOptions & {
  readonly ttlSeconds: number;
  /** Called once if the lease is lost; not when it is released. */
  readonly onLost?: ((error: ClientError) => void) | undefined;
  /** Called after each renewal that a member has confirmed. */
  readonly onRenewed?: ((renewal: { readonly header: Header; readonly ttlSeconds: number }) => void) | undefined;
};

/** Leases: keys that go away with whoever put them. */
export class Leases {
  readonly #caller: Caller;
  readonly #hub: KeepAliveHub;

  constructor(caller: Caller, options: StreamOptions = {}) {
    this.#caller = caller;
    this.#hub = new KeepAliveHub(caller, options);
  }

  /** A lease that nobody renews. Members raise a TTL that is too short for them. @throws ClientError */
  async grant(ttlSeconds: number, options: GrantOptions = {}): Promise<GrantedLease> {
    const answer = await this.#caller.call(
      rpcs.leaseGrant,
      { TTL: BigInt(Math.ceil(ttlSeconds)), ID: options.id ?? 0n },
      options,
    );
    return { header: headerOf(answer), id: answer.ID, ttlSeconds: Number(answer.TTL) };
  }

  /** A lease that is renewed until it is released. @throws ClientError */
  async hold(options: HoldOptions): Promise<HeldLease> {
    const sentMs = this.#caller.ports.clock.nowMs();
    const granted = await this.grant(options.ttlSeconds, options);
    return this.#keep(granted, sentMs, options);
  }

  /** Renews a lease that is there already, from now on. @throws ClientError "etcd/lease-not-found" */
  async keepAlive(
    id: bigint,
    options: CallOptions & Pick<HoldOptions, "onLost" | "onRenewed"> = {},
  ): Promise<HeldLease> {
    const sentMs = this.#caller.ports.clock.nowMs();
    const ttlSeconds = await this.keepAliveOnce(id, options);
    return this.#keep({ id, ttlSeconds }, sentMs, options);
  }

  /** Renews a lease once. @returns its TTL in seconds. @throws ClientError "etcd/lease-not-found" */
  async keepAliveOnce(id: bigint, options: CallOptions = {}): Promise<number> {
    const message = LeaseKeepAliveRequest.encode({ ID: id });
    const request = { path: streamPaths.leaseKeepAlive, message, kind: "once" } as const;
    const timeoutMs = options.timeoutMs ?? this.#caller.timeoutMs;
    for await (const bytes of readStream(this.#caller, request, { ...options, timeoutMs })) {
      const answer = LeaseKeepAliveResponse.decode(bytes);
      if (answer.TTL > 0n) return Number(answer.TTL);
      const text = "etcdserver: requested lease not found";
      throw new ClientError({ code: "etcd/lease-not-found", message: text, status: 5, method: request.path });
    }
    throw new ClientError({ code: "client/bad-answer", message: "the renewal was not answered", method: request.path });
  }

  /** Ends a lease and deletes its keys. @throws ClientError "etcd/lease-not-found" */
  async revoke(id: bigint, options: CallOptions = {}): Promise<Header> {
    return headerOf(await this.#caller.call(rpcs.leaseRevoke, { ID: id }, options));
  }

  /** How a lease stands. One that does not exist is no error. @throws ClientError */
  async state(id: bigint, options: CallOptions & { readonly keys?: boolean } = {}): Promise<LeaseState> {
    const answer = await this.#caller.call(rpcs.leaseTimeToLive, { ID: id, keys: options.keys ?? false }, options);
    return {
      header: headerOf(answer),
      id: answer.ID,
      remainingSeconds: answer.TTL < 0n ? undefined : Number(answer.TTL),
      grantedSeconds: Number(answer.grantedTTL),
      keys: answer.keys.map((key) => new Uint8Array(key)),
    };
  }

  /** Ids of all leases the asked member knows. @throws ClientError */
  async list(options: CallOptions = {}): Promise<bigint[]> {
    const answer = await this.#caller.call(rpcs.leaseLeases, {}, options);
    return answer.leases.map((lease) => lease.ID);
  }

  /** @internal */
  close(error: ClientError): void {
    this.#hub.close(error);
  }

  #keep(
    lease: { id: bigint; ttlSeconds: number },
    sentMs: number,
    options: Pick<HoldOptions, "onLost" | "onRenewed">,
  ): HeldLease {
    const held = new HeldLease(
      lease,
      { forget: () => this.#hub.remove(lease.id), revoke: (call) => this.#revokeReleased(lease.id, call) },
      options.onLost,
    );
    const ttlMs = lease.ttlSeconds * 1_000;
    this.#hub.add(
      lease.id,
      { ttlMs, aliveUntilMs: sentMs + ttlMs },
      {
        lost: (error) => held.lose(error),
        renewed: (header, ttlSeconds) => options.onRenewed?.({ header, ttlSeconds }),
      },
    );
    return held;
  }

  /** To revoke twice does no harm: a lease that is gone is what was wanted. */
  async #revokeReleased(id: bigint, options: CallOptions | undefined): Promise<void> {
    try {
      await this.revoke(id, { retryWrites: "always", ...options });
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== "etcd/lease-not-found") throw error;
    }
  }
}
