import type { Clock, LeaseId, Logger, LogIndex, Span, Term, Timer } from "@quorate/common";
import type { LeaseCheckpoint } from "@quorate/lease";
import { LeaseWork } from "@quorate/proto";
import type { CoreObserver } from "./core-options.js";
import { EntryField } from "./entry-codec.js";
import type { MemberState } from "./member-state.js";
import type { Proposer } from "./proposer.js";
import { MessageBuilder } from "./reply-writer.js";
import type { Tracing } from "./tracing.js";

const lookMs = 500;

/**
 * Watches over the leases while this member leads: ends those that are overdue, and writes down how long the others have. Both go through the log;
 * nothing changes here before the entry is applied.
 */
export class LeaseKeeper {
  readonly #state: MemberState;
  readonly #proposer: Proposer;
  readonly #seen: () => { term: Term; applied: LogIndex };
  readonly #observe: CoreObserver;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #tracing: Tracing;
  #timer: Timer | undefined;
  #isLeading = false;
  /** Renewals that wait for an entry: of overdue leases for the end of the lease, of others until their checkpoint is cleared. */
  readonly #waiting = new Map<LeaseId, ((ttlSeconds: number | undefined) => void)[]>();

  /** @param parts `seen`: the term this member leads in and the last entry it applied. */
  constructor(
    parts: {
      state: MemberState;
      proposer: Proposer;
      seen(): { term: Term; applied: LogIndex };
    },
    ports: { clock: Clock; logger: Logger; tracing: Tracing; observe: CoreObserver },
  ) {
    this.#state = parts.state;
    this.#proposer = parts.proposer;
    this.#seen = () => parts.seen();
    this.#observe = ports.observe;
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#tracing = ports.tracing;
  }

  get isLeading(): boolean {
    return this.#isLeading;
  }

  has(id: LeaseId): boolean {
    return this.#state.lessor.has(id);
  }

  /** This member leads and has applied its first entry. @param extendMs what each lease gets on top, for the time without a leader. */
  lead(extendMs: number): void {
    if (this.#isLeading) return;
    this.#isLeading = true;
    this.#state.lessor.promote(this.#clock.monotonicMs(), extendMs);
    this.#timer = this.#clock.after(lookMs, () => this.#look());
  }

  /** This member leads no more: no lease ends by its clock, and who waits has to ask the new leader. */
  follow(): void {
    if (!this.#isLeading) return;
    this.stop();
    this.#state.lessor.demote();
    for (const waiters of this.#waiting.values()) for (const tell of waiters) tell(undefined);
    this.#waiting.clear();
  }

  stop(): void {
    this.#isLeading = false;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Puts the rest of every lease into the log, so that a restart renews nothing. For a member that is about to stop. */
  checkpointAll(): void {
    if (!this.#isLeading) return;
    for (const checkpoints of this.#state.lessor.checkpointAll(this.#clock.monotonicMs()))
      this.#propose([], checkpoints);
  }

  /** An entry that may have ended leases or cleared checkpoints has been applied. */
  applied(): void {
    if (this.#waiting.size === 0) return;
    for (const [id, waiters] of [...this.#waiting]) {
      if (this.#state.lessor.has(id)) {
        const again = this.#state.lessor.renew(id, this.#clock.monotonicMs());
        if (again.kind !== "renewed" || again.clearsCheckpoint) continue;
        this.#waiting.delete(id);
        for (const tell of waiters) tell(again.ttlSeconds);
      } else {
        this.#waiting.delete(id);
        for (const tell of waiters) tell(0);
      }
    }
  }

  /** Gives a lease its whole time again. @returns the TTL now granted, undefined when that cannot be done or said at once: then `renew` says how it goes. */
  renewNow(id: LeaseId): number | undefined {
    if (!this.#isLeading || !this.#state.lessor.has(id) || this.#waiting.has(id)) return undefined;
    const renewed = this.#state.lessor.renew(id, this.#clock.monotonicMs());
    if (renewed.kind !== "renewed" || renewed.clearsCheckpoint) return undefined;
    return renewed.ttlSeconds;
  }

  /**
   * Gives a lease its whole time again.
   * @param answer gets the TTL now granted, 0 for a lease that is unknown or over, undefined when this member does not lead.
   */
  renew(id: LeaseId, answer: (ttlSeconds: number | undefined) => void): void {
    if (!this.#isLeading) return answer(undefined);
    const renewed = this.#state.lessor.renew(id, this.#clock.monotonicMs());
    if (renewed.kind === "not-found") return answer(0);
    if (renewed.kind === "renewed" && !renewed.clearsCheckpoint) return answer(renewed.ttlSeconds);
    const waiters = this.#waiting.get(id);
    if (waiters !== undefined) {
      waiters.push(answer);
      return;
    }
    this.#waiting.set(id, [answer]);
    // A new leader would count from the checkpoint: the renewal holds only once that is gone.
    if (renewed.kind === "renewed") this.#propose([], [{ id, remainingTtlSeconds: 0 }]);
  }

  /** The encoded `LeaseTimeToLiveResponse` but for its header. A lease that is unknown has a TTL of -1. */
  timeToLive(id: LeaseId, wantsKeys: boolean): Uint8Array {
    const message = new MessageBuilder().wide(2, id);
    const found = this.#state.lessor.timeToLive(id, this.#clock.monotonicMs());
    if (found === undefined) return message.wide(3, -1n).take();
    message.number(3, found.remainingSeconds).number(4, found.grantedSeconds);
    if (wantsKeys) for (const key of this.#state.lessor.keysOf(id) ?? []) message.bytes(5, key);
    return message.take();
  }

  #look(): void {
    const { expired, checkpoints } = this.#state.lessor.tick(this.#clock.monotonicMs());
    let span: Span | undefined;
    if (expired.length > 0) {
      span = this.#tracing.start("core.lease-expiry", { "lease.count": expired.length });
      this.#logger.debug("leases expired", { "lease.count": expired.length });
      this.#observe.leasesExpired(expired.length);
    }
    if (expired.length > 0 || checkpoints.length > 0) this.#propose(expired, checkpoints, span);
    this.#timer = this.#clock.after(lookMs, () => this.#look());
  }

  #propose(expired: readonly LeaseId[], checkpoints: readonly LeaseCheckpoint[], span?: Span): void {
    const { term, applied } = this.#seen();
    const work = {
      expired: [...expired],
      checkpoints: checkpoints.map(({ id, remainingTtlSeconds }) => ({
        ID: id,
        remainingTTL: BigInt(remainingTtlSeconds),
      })),
      term: BigInt(term),
      seenIndex: BigInt(applied),
    };
    this.#proposer.propose(EntryField.leaseWork, LeaseWork.encode(work), span);
  }
}

/** The encoded `LeaseKeepAliveResponse`. @param header field 1, made before the renewal. */
export function encodeKeepAlive(header: Uint8Array, id: LeaseId, ttlSeconds: number): Uint8Array {
  return new MessageBuilder().raw(header).wide(2, id).number(3, ttlSeconds).take();
}

/** The encoded `LeaseLeasesResponse`. */
export function encodeLeases(header: Uint8Array, ids: readonly LeaseId[]): Uint8Array {
  const message = new MessageBuilder().raw(header);
  for (const id of ids) message.bytes(2, new MessageBuilder().wide(1, id).take());
  return message.take();
}
