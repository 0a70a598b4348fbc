import { SimFailure } from "./sim-failure.js";
import type { LeaseJudge } from "./truth.js";

type Known = { readonly id: bigint; ttlMs: number; renewedAtMs: number };

/** What clients know of their leases: until when each has been promised to live at least. */
export class LeaseBook implements LeaseJudge {
  readonly #leases = new Map<bigint, Known>();
  readonly #driftMax: number;
  /** Leases whose keys went because their time was over. */
  expirations = 0;

  /** @param driftMax a member's clock may run fast by this part. */
  constructor(driftMax: number) {
    this.#driftMax = driftMax;
  }

  /** The server has said that the lease lives for so long, to a question that was put at that time. Nobody can count on more. */
  renewed(id: bigint, ttlSeconds: number, askedAtMs: number): void {
    const ttlMs = ttlSeconds * 1000;
    const known = this.#leases.get(id);
    if (known === undefined) this.#leases.set(id, { id, ttlMs, renewedAtMs: askedAtMs });
    else known.renewedAtMs = Math.max(known.renewedAtMs, askedAtMs);
  }

  expired(id: bigint, atMs: number): void {
    this.expirations += 1;
    const known = this.#leases.get(id);
    if (known === undefined) return;
    const dueMs = known.renewedAtMs + known.ttlMs * (1 - this.#driftMax) - 1;
    if (atMs >= dueMs) return;
    throw new SimFailure("leases never early", `lease ${id} ends at ${atMs}, promised until ${dueMs}`);
  }

  /** When the last lease has to be over, whatever happens, in true time; `graceMs` is for elections and looking. */
  lastEndMs(graceMs: number): number {
    let endMs = 0;
    for (const { renewedAtMs, ttlMs } of this.#leases.values()) endMs = Math.max(endMs, renewedAtMs + ttlMs);
    return endMs + graceMs;
  }
}
