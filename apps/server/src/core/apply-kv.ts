import type { LeaseId, LogIndex, Revision } from "@quorate/common";
import { keyRangeFromWire, MvccError, type WriteTransaction } from "@quorate/mvcc";
import type { CompactionRequest, DeleteRangeRequest, PutRequest, TxnRequest } from "@quorate/proto";
import { LeaseMoves } from "./lease-moves.js";
import { type ApplyContext, headerAt, type MemberState, type Outcome, refuse } from "./member-state.js";
import { MessageBuilder } from "./reply-writer.js";
import { executePlan } from "./txn-execute.js";
import { planTxn } from "./txn-plan.js";
import { findPlanFault, findPutFault } from "./txn-validate.js";
import { clampedRevision, requestedLease } from "./wire.js";

const builder = new MessageBuilder();
const nothing = new Uint8Array(0);

/** Puts one key. */
export function applyPut(state: MemberState, request: PutRequest, context: ApplyContext): Outcome {
  const txn = beginTransaction(state, context);
  const fault = findPutFault(state, txn, request);
  if (fault !== undefined) {
    txn.abort();
    return refuse(fault);
  }
  const lease: LeaseId | undefined | "keep" = request.ignoreLease ? "keep" : requestedLease(request.lease);
  const put = txn.put({ key: request.key, value: request.ignoreValue ? "keep" : request.value, lease });
  const previous = request.prevKv && context.isAwaited ? put.previous : undefined; // read only when asked for, and only before the commit
  const committed = txn.commit();
  if (lease !== "keep" && (lease !== undefined || put.previousLease !== undefined)) {
    const moves = new LeaseMoves();
    moves.moved(request.key, put.previousLease, lease);
    moves.carryOut(state.lessor);
  }
  const header = headerAt(state, committed.revision, context.term);
  // The plain answer is the header alone, and nobody writes to that any more.
  const reply = previous === undefined ? header : builder.raw(header).bytes(2, previous).take();
  return { kind: "done", reply, committed };
}

/** Deletes the keys of a range. */
export function applyDeleteRange(state: MemberState, request: DeleteRangeRequest, context: ApplyContext): Outcome {
  const txn = beginTransaction(state, context);
  const range = keyRangeFromWire(request.key, request.rangeEnd);
  const result = txn.deleteRange(range, { wantPrevious: request.prevKv && context.isAwaited });
  const committed = txn.commit();
  const moves = new LeaseMoves();
  moves.deleted(result.leases);
  moves.carryOut(state.lessor);
  builder.raw(headerAt(state, committed.revision, context.term)).number(2, result.deleted);
  for (const record of result.previous) builder.bytes(3, record);
  return { kind: "done", reply: builder.take(), committed };
}

/** Runs a transaction: chooses its branches, checks them whole, and only then writes. */
export function applyTxn(state: MemberState, request: TxnRequest, context: ApplyContext): Outcome {
  const txn = beginTransaction(state, context);
  const plan = planTxn(request, txn);
  const fault = findPlanFault(state, txn, plan);
  const executed = fault === undefined ? executePlan(state, txn, plan, context) : { fault };
  if (executed.fault !== undefined) {
    txn.abort();
    return refuse(executed.fault);
  }
  const committed = txn.commit();
  executed.moves.carryOut(state.lessor);
  if (executed.body === undefined) {
    return { kind: "done", reply: nothing, committed, unanswerable: { code: "server/answer-too-large" } };
  }
  builder.raw(headerAt(state, committed.revision, context.term)).raw(executed.body);
  return { kind: "done", reply: builder.take(), committed };
}

/** Forgets what was superseded up to a revision. The space comes back later. */
export function applyCompaction(state: MemberState, request: CompactionRequest, context: ApplyContext): Outcome {
  const requested = clampedRevision(request.revision);
  const compacted = state.mvcc.compactedRevision ?? (0 as Revision);
  if (requested < 0) return refuse({ code: "mvcc/compacted", requested, compacted });
  const txn = beginTransaction(state, context);
  try {
    txn.compact(requested);
  } catch (error) {
    txn.abort();
    if (error instanceof MvccError) return refuse(error.fault);
    throw error;
  }
  const committed = txn.commit();
  return { kind: "done", reply: builder.raw(headerAt(state, committed.revision, context.term)).take(), committed };
}

export function beginTransaction(state: MemberState, context: ApplyContext): WriteTransaction {
  return state.mvcc.begin({ index: context.index as LogIndex, term: context.term });
}
