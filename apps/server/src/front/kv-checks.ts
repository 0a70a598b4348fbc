import type { DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest } from "@quorate/proto";
import type { ServerFault } from "../server-fault.js";
import { findOverlap } from "./txn-overlap.js";

const lastSortOrder = 2;
const lastSortTarget = 4;

/** Arguments of a range, in etcd's order. @returns the first fault, or undefined when there is none. */
export function checkRange(request: RangeRequest): ServerFault | undefined {
  if (request.key.length === 0) return { code: "server/empty-key" };
  const hasKnownSort =
    request.sortOrder >= 0 &&
    request.sortOrder <= lastSortOrder &&
    request.sortTarget >= 0 &&
    request.sortTarget <= lastSortTarget;
  return hasKnownSort ? undefined : { code: "server/invalid-sort" };
}

/** Arguments of a streamed range: those of a range, then what a stream cannot do. */
export function checkRangeStream(request: RangeRequest): ServerFault | undefined {
  const fault = checkRange(request);
  if (fault !== undefined) return fault;
  const isDefaultOrder = request.sortOrder === 0 || (request.sortOrder === 1 && request.sortTarget === 0);
  if (!isDefaultOrder) return { code: "server/range-stream-sort" };
  const isFiltered =
    request.minModRevision !== 0n ||
    request.maxModRevision !== 0n ||
    request.minCreateRevision !== 0n ||
    request.maxCreateRevision !== 0n;
  return isFiltered ? { code: "server/range-stream-filter" } : undefined;
}

/** Arguments of a put, in etcd's order. */
export function checkPut(request: PutRequest): ServerFault | undefined {
  if (request.key.length === 0) return { code: "server/empty-key" };
  if (request.ignoreValue && request.value.length !== 0) return { code: "server/value-provided" };
  if (request.ignoreLease && request.lease !== 0n) return { code: "server/lease-provided" };
  return undefined;
}

export function checkDeleteRange(request: DeleteRangeRequest): ServerFault | undefined {
  return request.key.length === 0 ? { code: "server/empty-key" } : undefined;
}

/** Arguments of a transaction at every depth, then the overlap of its writes: success first, then failure. */
export function checkTxn(request: TxnRequest, operationsMax: number): ServerFault | undefined {
  return checkTxnArguments(request, operationsMax) ?? findOverlap(request.success) ?? findOverlap(request.failure);
}

function checkTxnArguments(request: TxnRequest, budget: number): ServerFault | undefined {
  const operations = Math.max(request.compare.length, request.success.length, request.failure.length);
  if (operations > budget) return { code: "server/too-many-operations" };
  for (const compare of request.compare) if (compare.key.length === 0) return { code: "server/empty-key" };
  for (const branch of [request.success, request.failure]) {
    for (const operation of branch) {
      const fault = checkOperation(operation, budget - operations);
      if (fault !== undefined) return fault;
    }
  }
  return undefined;
}

function checkOperation(operation: RequestOp, budget: number): ServerFault | undefined {
  const request = operation.request;
  switch (request?.kind) {
    case "requestRange":
      return checkRange(request.value);
    case "requestPut":
      return checkPut(request.value);
    case "requestDeleteRange":
      return checkDeleteRange(request.value);
    case "requestTxn":
      return checkTxnArguments(request.value, budget);
    case undefined:
      return { code: "server/key-not-found" };
  }
}

/** True when the transaction only reads: every operation at the top is a range. One without operations only compares, so it reads. */
export function isReadOnly(request: TxnRequest): boolean {
  return everyOperation(request, (operation) => operation.request?.kind === "requestRange");
}

/** True when every range of a transaction that only reads may be answered without asking a quorum. */
export function isSerializable(request: TxnRequest): boolean {
  return everyOperation(
    request,
    (operation) => operation.request?.kind === "requestRange" && operation.request.value.serializable,
  );
}

function everyOperation(request: TxnRequest, holds: (operation: RequestOp) => boolean): boolean {
  return request.success.every(holds) && request.failure.every(holds);
}

const putOverheadBytes = 256;

/** What a put counts for against the quota, in bytes. */
export function putCost(request: PutRequest): number {
  return putOverheadBytes + request.key.length + request.value.length;
}

/** What a transaction counts for against the quota: its dearer branch. Only puts count. */
export function txnCost(request: TxnRequest): number {
  return Math.max(branchCost(request.success), branchCost(request.failure));
}

function branchCost(operations: readonly RequestOp[]): number {
  let cost = 0;
  for (const { request } of operations) {
    if (request?.kind === "requestPut") cost += putCost(request.value);
    else if (request?.kind === "requestTxn") cost += txnCost(request.value);
  }
  return cost;
}

/** What a lease grant counts for against the quota, in bytes. */
export const leaseGrantCost = 64;
