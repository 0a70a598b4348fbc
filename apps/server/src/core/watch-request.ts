import type { Revision } from "@quorate/common";
import { compareBytes } from "@quorate/common";
import { type KeyRange, keyRangeFromWire } from "@quorate/mvcc";
import { WatchCreateRequest_FilterType as FilterType, type WatchCreateRequest } from "@quorate/proto";
import { requestedRevision } from "./wire.js";

const zero = new Uint8Array([0]);

/** A watcher as a client asks for it. */
export type WatchPlan = Readonly<{
  range: KeyRange;
  startRevision: Revision | undefined;
  noPut: boolean;
  noDelete: boolean;
  previous: boolean;
  progressNotify: boolean;
  fragment: boolean;
}>;

/** Reads a request for a watcher. @returns the plan, or etcd's words for what is wrong with it. */
export function planWatch(request: WatchCreateRequest): WatchPlan | { reason: string } {
  if (request.startRevision < 0n) return { reason: "etcdserver: mvcc: required revision has been compacted" };
  const key = request.key.length === 0 ? zero : request.key.slice();
  const rangeEnd = request.rangeEnd.slice();
  const isOpen = rangeEnd.length === 0 || compareBytes(rangeEnd, zero) === 0;
  if (!isOpen && compareBytes(key, rangeEnd) >= 0) return { reason: "mvcc: watcher range is empty" };
  return {
    range: keyRangeFromWire(key, rangeEnd),
    startRevision: requestedRevision(request.startRevision),
    noPut: request.filters.includes(FilterType.NOPUT),
    noDelete: request.filters.includes(FilterType.NODELETE),
    previous: request.prevKv,
    progressNotify: request.progressNotify,
    fragment: request.fragment,
  };
}
