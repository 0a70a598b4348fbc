import type { LeaseId } from "@quorate/common";
import type { Lessor } from "@quorate/lease";

/** Keys that join and leave leases by one entry. They are carried out after its commit, so that a refused entry leaves nothing behind. */
export class LeaseMoves {
  readonly #moves: { key: Uint8Array; from: LeaseId | undefined; to: LeaseId | undefined }[] = [];

  /** A put: the key leaves the lease it had and joins the one it names. */
  moved(key: Uint8Array, from: LeaseId | undefined, to: LeaseId | undefined): void {
    if (from !== to) this.#moves.push({ key, from, to });
  }

  /** A deletion: each key leaves its lease. */
  deleted(leases: readonly { key: Uint8Array; lease: LeaseId }[]): void {
    for (const { key, lease } of leases) this.#moves.push({ key, from: lease, to: undefined });
  }

  carryOut(lessor: Lessor): void {
    for (const { key, from, to } of this.#moves) {
      if (from !== undefined) lessor.detach(from, [key]);
      if (to !== undefined) lessor.attach(to, [key]);
    }
  }
}
