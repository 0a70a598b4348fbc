import type { Revision } from "@quorate/common";
import { keyRangeFromWire, type RangeQuery, type RangeResult, type WriteTransaction } from "@quorate/mvcc";
import type { DeleteRangeRequest, PutRequest } from "@quorate/proto";
import type { Fault } from "../public-errors.js";
import { LeaseMoves } from "./lease-moves.js";
import type { ApplyContext, MemberState } from "./member-state.js";
import { encodeRangeReply } from "./range-reply.js";
import { innerHeader, MessageBuilder } from "./reply-writer.js";
import { revisionInside, type TxnPlan, type TxnStep } from "./txn-plan.js";
import { rangeQueryFromWire, requestedLease } from "./wire.js";

const responseField = { range: 1, put: 2, deleteRange: 3, txn: 4 } as const;
const succeededField = 2;
const responsesField = 3;

/** What carrying out a plan gave: the response but for its header, and the leases that keys join and leave. Without `body` it is too large. */
export type Executed = { fault: undefined; body: Uint8Array | undefined; moves: LeaseMoves } | { fault: Fault };

/**
 * Bytes of records that one transaction may gather. A hundred thousand ranges fit into a request, and each may name every key: no memory holds that. What
 * a larger transaction writes is written all the same, since members that do not read for it cannot know.
 */
const answerBytesMax = 536_870_912;

/** Where the operations of a plan read and write. A plan that only reads has no transaction. */
type Execution = {
  readonly begin: Revision;
  readonly read: (query: RangeQuery) => RangeResult;
  readonly txn: WriteTransaction | undefined;
  readonly moves: LeaseMoves;
  readonly isAwaited: boolean;
  /** Bytes that may still be gathered; below zero when there was too much. */
  bytesLeft: number;
  hasChanged: boolean;
};

const notRead: RangeResult = { revision: 0 as Revision, count: 0, more: false, records: [] };

/** Signals a refusal out of nested operations; it never leaves this file. */
class Refusal extends Error {
  readonly fault: Fault;
  constructor(fault: Fault) {
    super(fault.code);
    this.fault = fault;
  }
}

/**
 * Carries out the operations of a plan in order, later ones seeing earlier ones.
 * @returns a fault when a key to be kept was deleted by an earlier operation: the caller then gives the transaction up.
 */
export function executePlan(
  state: MemberState,
  txn: WriteTransaction,
  plan: TxnPlan,
  { isAwaited, bytesMax = answerBytesMax }: Pick<ApplyContext, "isAwaited"> & { bytesMax?: number },
): Executed {
  const begin = state.mvcc.revision;
  const moves = new LeaseMoves();
  // What nobody is told is not read: a start that repeats the log does not gather answers once more.
  const read = isAwaited ? (query: RangeQuery): RangeResult => txn.range(query) : (): RangeResult => notRead;
  const execution: Execution = { begin, read, txn, moves, isAwaited, bytesLeft: bytesMax, hasChanged: false };
  try {
    const body = encodePlan(execution, plan);
    return { fault: undefined, body: execution.bytesLeft < 0 ? undefined : body, moves };
  } catch (error) {
    if (error instanceof Refusal) return { fault: error.fault };
    throw error;
  }
}

/** Carries out a plan that only reads, at the latest state. @returns the response but for its header; undefined when it is too large. */
export function readPlan(
  mvcc: Pick<MemberState["mvcc"], "revision" | "range">,
  plan: TxnPlan,
  bytesMax = answerBytesMax,
): Uint8Array | undefined {
  const read = (query: RangeQuery): RangeResult => mvcc.range(query);
  const moves = new LeaseMoves();
  const common = { begin: mvcc.revision, txn: undefined, moves, isAwaited: true, hasChanged: false };
  const execution: Execution = { ...common, read, bytesLeft: bytesMax };
  const body = encodePlan(execution, plan);
  return execution.bytesLeft < 0 ? undefined : body;
}

function encodePlan(execution: Execution, plan: TxnPlan): Uint8Array {
  const responses = plan.steps.map((step) => encodeStep(execution, step));
  const message = new MessageBuilder().flag(succeededField, plan.succeeded);
  for (const response of responses) message.bytes(responsesField, response);
  return message.take();
}

/** One `ResponseOp`. */
function encodeStep(execution: Execution, { operation, nested }: TxnStep): Uint8Array {
  const message = new MessageBuilder();
  const request = operation.request;
  if (nested !== undefined) {
    const emptyHeader = new Uint8Array([10, 0]);
    const body = encodePlan(execution, nested);
    return message.bytes(responseField.txn, new MessageBuilder().raw(emptyHeader).raw(body).take()).take();
  }
  switch (request?.kind) {
    case "requestRange": {
      const result = readRange(execution, rangeQueryFromWire(request.value));
      const header = innerHeader(revisionInside(execution.begin, execution.hasChanged));
      return message.bytes(responseField.range, encodeRangeReply(header, result)).take();
    }
    case "requestPut":
      return message.bytes(responseField.put, executePut(execution, request.value)).take();
    case "requestDeleteRange":
      return message.bytes(responseField.deleteRange, executeDelete(execution, request.value)).take();
    default: // the front refuses an operation without a request, and a nested one has its plan
      throw new Refusal({ code: "server/key-not-found" });
  }
}

/** Reads nothing more once there is too much. */
function readRange(execution: Execution, query: RangeQuery): RangeResult {
  if (execution.bytesLeft < 0) return notRead;
  const result = execution.read(query);
  for (const record of result.records) execution.bytesLeft -= record.length;
  return execution.bytesLeft < 0 ? notRead : result;
}

function executePut(execution: Execution, request: PutRequest): Uint8Array {
  const txn = writer(execution);
  // A delete "from a key on" may have taken the key since the plan was checked. etcd's member dies of that for good.
  if ((request.ignoreValue || request.ignoreLease) && txn.get(request.key) === undefined) {
    throw new Refusal({ code: "server/key-not-found" });
  }
  const lease = request.ignoreLease ? "keep" : requestedLease(request.lease);
  const put = txn.put({ key: request.key, value: request.ignoreValue ? "keep" : request.value, lease });
  if (lease !== "keep") execution.moves.moved(request.key, put.previousLease, lease);
  execution.hasChanged = true;
  const message = new MessageBuilder().raw(innerHeader(revisionInside(execution.begin, true)));
  if (request.prevKv && execution.isAwaited && put.previous !== undefined) message.bytes(2, put.previous);
  return message.take();
}

function executeDelete(execution: Execution, request: DeleteRangeRequest): Uint8Array {
  const range = keyRangeFromWire(request.key, request.rangeEnd);
  const result = writer(execution).deleteRange(range, {
    wantPrevious: request.prevKv && execution.isAwaited,
  });
  execution.moves.deleted(result.leases);
  if (result.deleted > 0) execution.hasChanged = true;
  const header = innerHeader(revisionInside(execution.begin, execution.hasChanged));
  const message = new MessageBuilder().raw(header).number(2, result.deleted);
  for (const record of result.previous) message.bytes(3, record);
  return message.take();
}

function writer(execution: Execution): WriteTransaction {
  if (execution.txn === undefined) throw new Refusal({ code: "server/key-not-found" });
  return execution.txn;
}
