import { LeaseKeepAliveRequest, LeaseKeepAliveResponse, ProtoError } from "@quorate/proto";
import type { StreamOptions } from "../call-options.js";
import type { Caller } from "../caller.js";
import { ClientError } from "../client-error.js";
import { type Header, headerOf } from "../kv/header.js";
import { PersistentStream } from "../persistent-stream.js";
import { streamPaths } from "../rpc.js";
import { StatusCode } from "../status-code.js";

/** A lease that is kept alive. Times are the client's clock's. */
type Kept = {
  readonly id: bigint;
  ttlMs: number;
  /** The lease certainly lives until here: so long after the moment its last confirmed renewal was sent. */
  aliveUntilMs: number;
  /** When the requests that are not answered yet were sent, oldest first. Members answer in order. */
  unanswered: number[];
  timer: { cancel(): void } | undefined;
  readonly listener: LeaseListener;
};

/** Who is told about a lease. */
export type LeaseListener = {
  /** Called once, when it is gone or may be. */
  readonly lost: (error: ClientError) => void;
  readonly renewed: (header: Header, ttlSeconds: number) => void;
};

/** Renewals per lifetime of a lease. */
const renewalsPerTtl = 3;
/** A stream that has not answered for so long is replaced. At least; a third of the TTL if that is longer. */
const silenceMinMs = 1_000;

/** Renews leases, all on one stream. Each is lost at the latest when its time has passed without a renewal that was confirmed. */
export class KeepAliveHub {
  readonly #caller: Caller;
  readonly #stream: PersistentStream;
  readonly #leases = new Map<bigint, Kept>();

  constructor(caller: Caller, options: StreamOptions) {
    this.#caller = caller;
    this.#stream = new PersistentStream(caller, streamPaths.leaseKeepAlive, options, {
      onOpen: () => this.#renewAll(),
      onMessage: (message) => this.#receive(message),
      onBroken: (error, isFinal) => this.#broken(error, isFinal),
    });
  }

  /** @param times `aliveUntilMs`: the lease is known to live until here. */
  add(id: bigint, times: { ttlMs: number; aliveUntilMs: number }, listener: LeaseListener): void {
    const lease: Kept = { id, ...times, unanswered: [], timer: undefined, listener };
    this.#leases.set(id, lease);
    if (this.#stream.isOpen) this.#renew(lease);
    else {
      this.#schedule(lease);
      this.#stream.start();
    }
  }

  /** The lease is left to itself. */
  remove(id: bigint): void {
    const lease = this.#leases.get(id);
    if (lease === undefined) return;
    lease.timer?.cancel();
    this.#leases.delete(id);
    if (this.#leases.size === 0) this.#stream.stop();
  }

  close(error: ClientError): void {
    for (const lease of [...this.#leases.values()]) this.#lose(lease, error);
  }

  #renewAll(): void {
    for (const lease of this.#leases.values()) this.#renew(lease);
  }

  #renew(lease: Kept): void {
    lease.unanswered.push(this.#caller.ports.clock.nowMs());
    this.#stream.send(LeaseKeepAliveRequest.encode({ ID: lease.id }));
    this.#schedule(lease);
  }

  #schedule(lease: Kept): void {
    const { clock } = this.#caller.ports;
    lease.timer?.cancel();
    const leftMs = lease.aliveUntilMs - clock.nowMs();
    lease.timer = clock.after(Math.max(0, Math.min(leftMs, lease.ttlMs / renewalsPerTtl)), () => this.#tick(lease));
  }

  #tick(lease: Kept): void {
    const nowMs = this.#caller.ports.clock.nowMs();
    if (nowMs >= lease.aliveUntilMs) {
      this.#lose(lease, notRenewed(lease));
      return;
    }
    const [oldest] = lease.unanswered;
    const isSilent = oldest !== undefined && nowMs - oldest >= Math.max(silenceMinMs, lease.ttlMs / renewalsPerTtl);
    if (isSilent) this.#stream.restart(silence());
    if (this.#stream.isOpen) this.#renew(lease);
    else this.#schedule(lease);
  }

  #receive(message: Uint8Array): void {
    let answer: LeaseKeepAliveResponse;
    try {
      answer = LeaseKeepAliveResponse.decode(message);
    } catch (error) {
      if (!(error instanceof ProtoError)) throw error;
      this.#stream.restart(badAnswer(error));
      return;
    }
    this.#stream.proved();
    const lease = this.#leases.get(answer.ID);
    const sentMs = lease?.unanswered.shift();
    if (lease === undefined || sentMs === undefined) return;
    if (answer.TTL <= 0n) {
      this.#lose(lease, expired(lease));
      return;
    }
    lease.ttlMs = Number(answer.TTL) * 1_000;
    lease.aliveUntilMs = sentMs + lease.ttlMs;
    lease.listener.renewed(headerOf(answer), Number(answer.TTL));
  }

  #broken(error: ClientError, isFinal: boolean): void {
    for (const lease of [...this.#leases.values()]) {
      lease.unanswered = [];
      if (isFinal) this.#lose(lease, refused(lease, error));
    }
  }

  #lose(lease: Kept, error: ClientError): void {
    this.remove(lease.id);
    lease.listener.lost(error);
  }
}

function lostError(lease: Kept, why: string, cause?: unknown): ClientError {
  return new ClientError({
    code: "client/lease-lost",
    message: `lease ${lease.id.toString(16)} is lost: ${why}`,
    method: streamPaths.leaseKeepAlive,
    cause,
  });
}

const expired = (lease: Kept) => lostError(lease, "it has expired or was revoked");
const notRenewed = (lease: Kept) => lostError(lease, "no member confirmed a renewal in time");
const refused = (lease: Kept, error: ClientError) => lostError(lease, `renewals are refused: ${error.message}`, error);

function silence(): ClientError {
  const message = "a renewal was not answered";
  const method = streamPaths.leaseKeepAlive;
  return new ClientError({ code: "etcd/unavailable", message, status: StatusCode.Unavailable, method });
}

function badAnswer(cause: unknown): ClientError {
  const message = "an answer is not a LeaseKeepAliveResponse";
  return new ClientError({ code: "client/bad-answer", message, method: streamPaths.leaseKeepAlive, cause });
}
