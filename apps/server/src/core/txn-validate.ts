import type { Revision } from "@quorate/common";
import type { WriteTransaction } from "@quorate/mvcc";
import type { PutRequest, RangeRequest } from "@quorate/proto";
import type { Fault } from "../public-errors.js";
import type { MemberState } from "./member-state.js";
import type { TxnPlan } from "./txn-plan.js";
import { clampedRevision, requestedLease } from "./wire.js";

/** What a reader of the store must know to judge a revision. */
type Revisions = Pick<MemberState["mvcc"], "revision" | "compactedRevision">;

/** Looks through the path a transaction will take, in order, before anything is written. @returns the first fault. */
export function findPlanFault(
  state: MemberState,
  txn: Pick<WriteTransaction, "get">,
  plan: TxnPlan,
): Fault | undefined {
  for (const { operation, nested } of plan.steps) {
    const request = operation.request;
    let fault: Fault | undefined;
    if (request?.kind === "requestRange") fault = findRevisionFault(state.mvcc, request.value);
    else if (request?.kind === "requestPut") fault = findPutFault(state, txn, request.value);
    else if (nested !== undefined) fault = findPlanFault(state, txn, nested);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** A put needs the lease it names, and the key when it keeps something of it. */
export function findPutFault(
  state: Pick<MemberState, "lessor">,
  txn: Pick<WriteTransaction, "get">,
  request: PutRequest,
): Fault | undefined {
  const lease = requestedLease(request.lease);
  if (lease !== undefined && !state.lessor.has(lease)) return { code: "lease/not-found", id: lease };
  if ((request.ignoreValue || request.ignoreLease) && txn.get(request.key) === undefined) {
    return { code: "server/key-not-found" };
  }
  return undefined;
}

/** What etcd takes for the compacted revision before the first compaction. */
const neverCompacted = -1 as Revision;

/** A range may name a revision that is still kept. Any but 0 is judged: a negative one is below every compaction, as in etcd. */
export function findRevisionFault(store: Revisions, request: Pick<RangeRequest, "revision">): Fault | undefined {
  if (request.revision === 0n) return undefined;
  const requested = clampedRevision(request.revision);
  if (requested > store.revision) return { code: "mvcc/future-revision", requested, current: store.revision };
  const compacted = store.compactedRevision ?? neverCompacted;
  if (requested < compacted) return { code: "mvcc/compacted", requested, compacted };
  return undefined;
}
