import { CompactionRequest, DeleteRangeRequest, PutRequest, RangeRequest, TxnRequest } from "@quorate/proto";
import type { GrpcServices, StreamCall, UnaryCall } from "@quorate/transport";
import { EntryField, encodeEntry } from "../core/entry-codec.js";
import { rangeQueryFromWire } from "../core/wire.js";
import type { Fault } from "../public-errors.js";
import type { ServerFault } from "../server-fault.js";
import { streamChunks } from "./chunk-stream.js";
import { decodeRequest, type Front } from "./front.js";
import {
  checkDeleteRange,
  checkPut,
  checkRange,
  checkRangeStream,
  checkTxn,
  isReadOnly,
  isSerializable,
  putCost,
  txnCost,
} from "./kv-checks.js";

const service = "/etcdserverpb.KV/";

/** The key-value service: checks what clients ask, in etcd's order, and hands it to the core. */
export function registerKv(services: GrpcServices, front: Front): void {
  services.unary(`${service}Range`, (call, message) => range(front, call, message));
  services.unary(`${service}Put`, (call, message) => put(front, call, message));
  services.unary(`${service}DeleteRange`, (call, message) => deleteRange(front, call, message));
  services.unary(`${service}Txn`, (call, message) => txn(front, call, message));
  services.unary(`${service}Compact`, (call, message) => compact(front, call, message));
  services.serverStream(`${service}RangeStream`, (call, message) => rangeStream(front, call, message));
}

function range(front: Front, call: UnaryCall, message: Uint8Array): void {
  const request = decodeRequest(call, RangeRequest, message);
  if (request === undefined) return;
  // A learner's state may be read, but what is newest it cannot find out.
  if (front.state.isLearner && !request.serializable) return front.fail(call, { code: "server/learner" });
  const fault = checkRange(request);
  if (fault !== undefined) return front.fail(call, fault);
  const query = rangeQueryFromWire(request);
  const trace = call.span?.spanContext();
  front.link.send({ kind: "range", serial: front.expect(call), query, serializable: request.serializable, trace });
}

function rangeStream(front: Front, call: StreamCall, message: Uint8Array): void {
  const request = decodeRequest(call, RangeRequest, message);
  if (request === undefined) return;
  const fault = checkRangeStream(request);
  if (fault !== undefined) return streamChunks.fail(call, fault);
  const query = rangeQueryFromWire(request);
  streamChunks.open(front, call, (serial) => {
    front.link.send({ kind: "range-stream", serial, query, serializable: request.serializable });
  });
}

function put(front: Front, call: UnaryCall, message: Uint8Array): void {
  const request = decodeRequest(call, PutRequest, message);
  if (request === undefined) return;
  const fault = findQuotaFault(front, putCost(request)) ?? checkPut(request);
  if (fault !== undefined) return front.fail(call, fault);
  propose(front, call, EntryField.put, message);
}

function deleteRange(front: Front, call: UnaryCall, message: Uint8Array): void {
  const request = decodeRequest(call, DeleteRangeRequest, message);
  if (request === undefined) return;
  const fault = checkDeleteRange(request);
  if (fault !== undefined) return front.fail(call, fault);
  propose(front, call, EntryField.deleteRange, message);
}

function txn(front: Front, call: UnaryCall, message: Uint8Array): void {
  const request = decodeRequest(call, TxnRequest, message);
  if (request === undefined) return;
  const fault: ServerFault | undefined =
    findQuotaFault(front, txnCost(request)) ?? checkTxn(request, front.options.txnOperationsMax);
  if (fault !== undefined) return front.fail(call, fault);
  if (!isReadOnly(request)) return propose(front, call, EntryField.txn, message);
  const serializable = isSerializable(request);
  const trace = call.span?.spanContext();
  front.link.send({ kind: "read-txn", serial: front.expect(call), request: message.slice(), serializable, trace });
}

function compact(front: Front, call: UnaryCall, message: Uint8Array): void {
  const request = decodeRequest(call, CompactionRequest, message);
  if (request === undefined) return;
  propose(front, call, EntryField.compaction, message);
}

/**
 * Hands a request to the log. Its bytes go in as the client sent them.
 * @param field which request it is, a number of `EntryField`.
 */
export function propose(front: Front, call: UnaryCall, field: number, body: Uint8Array): void {
  if (front.state.applyBacklog > front.options.applyBacklogMax)
    return front.fail(call, { code: "server/too-many-requests" });
  const serial = front.serial.next();
  const entry = encodeEntry(field, body, { member: front.serial.member, serial });
  if (entry.length > front.options.requestBytesMax)
    return front.fail(call, { code: "server/request-too-large" } satisfies Fault);
  front.expectAs(serial, call);
  front.link.send({ kind: "propose", serial, entry, trace: call.span?.spanContext() });
}

/** Refuses what would not fit any more, and raises the alarm. A request that costs nothing always passes. */
export function findQuotaFault(front: Front, cost: number): ServerFault | undefined {
  const { databaseBytes, quotaBytes } = front.state;
  if (cost === 0 || quotaBytes === undefined || databaseBytes + cost < quotaBytes) return undefined;
  front.link.send({ kind: "raise-no-space" });
  return { code: "server/no-space" };
}
