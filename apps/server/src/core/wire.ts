import type { LeaseId, Revision } from "@quorate/common";
import { keyRangeFromWire, type RangeQuery } from "@quorate/mvcc";
import type { RangeRequest } from "@quorate/proto";

const orders = ["none", "ascend", "descend"] as const;
const targets = ["key", "version", "create", "mod", "value"] as const;
const greatest = BigInt(Number.MAX_SAFE_INTEGER);

/** Reads a revision a client asks for. Any int64 is legal: zero and below mean "the latest", a huge one "in the future". */
export function requestedRevision(value: bigint): Revision | undefined {
  if (value <= 0n) return undefined;
  return Number(value > greatest ? greatest : value) as Revision;
}

/** Reads a limit or a revision filter a client sets: zero and below switch it off. */
export function requestedBound(value: bigint): number | undefined {
  return requestedRevision(value);
}

/** Reads a revision that is compared, not looked up: any int64, brought into the range where a number is exact. Below -1 all are alike. */
export function clampedRevision(value: bigint): Revision {
  return Number(value > greatest ? greatest : value < -2n ? -2n : value) as Revision;
}

/** Reads a lease a client names; 0 means none. */
export function requestedLease(value: bigint): LeaseId | undefined {
  return value === 0n ? undefined : (value as LeaseId);
}

const noBytes = new Uint8Array(0);
const byKey = { order: "none", target: "key" } as const;

/** A client's range as the store understands it. The keys are copied, so that no buffer of a socket is held. */
export function rangeQueryFromWire(request: RangeRequest): RangeQuery {
  return {
    // Most ask for one key: what is empty need not be copied.
    range: keyRangeFromWire(request.key.slice(), request.rangeEnd.length === 0 ? noBytes : request.rangeEnd.slice()),
    revision: requestedRevision(request.revision),
    limit: requestedBound(request.limit),
    sort: sortFromWire(request),
    keysOnly: request.keysOnly,
    countOnly: request.countOnly,
    minMod: filter(request.minModRevision),
    maxMod: filter(request.maxModRevision),
    minCreate: filter(request.minCreateRevision),
    maxCreate: filter(request.maxCreateRevision),
  };
}

function sortFromWire({ sortOrder, sortTarget }: RangeRequest): RangeQuery["sort"] {
  if (sortOrder === 0 && sortTarget === 0) return byKey;
  return { order: orders[sortOrder] ?? "none", target: targets[sortTarget] ?? "key" };
}

/** A filter of 0 is off. A negative one is on: as a lower bound it lets everything through, as an upper bound nothing. */
function filter(value: bigint): Revision | undefined {
  if (value === 0n) return undefined;
  const bounded = value > greatest ? greatest : value < -greatest ? -greatest : value;
  return Number(bounded) as Revision;
}
