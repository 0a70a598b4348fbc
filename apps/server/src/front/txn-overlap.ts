import { compareBytes } from "@quorate/common";
import type { RequestOp } from "@quorate/proto";
import type { ServerFault } from "../server-fault.js";

type Deletion = Readonly<{ start: Uint8Array; end: Uint8Array | undefined }>;
/** What the writes of one branch touch: keys put (as latin1 text) and ranges deleted. */
type Touched = { puts: Map<string, Uint8Array>; deletions: Deletion[] };

/**
 * Looks for two writes of one branch that touch the same key: no key may be put twice, and no key put may lie in a range deleted. The
 * two branches of a nested transaction may agree with each other, since only one runs. A range end of one zero byte ("and all that
 * follows") is taken literally, as etcd does, so that such a deletion never overlaps.
 * @returns the fault "server/duplicate-key", or undefined.
 */
export function findOverlap(operations: readonly RequestOp[]): ServerFault | undefined {
  return touchedBy(operations) === undefined ? { code: "server/duplicate-key" } : undefined;
}

function touchedBy(operations: readonly RequestOp[]): Touched | undefined {
  const touched: Touched = { puts: new Map(), deletions: [] };
  for (const { request } of operations) {
    if (request?.kind !== "requestDeleteRange") continue;
    const { key, rangeEnd } = request.value;
    touched.deletions.push({ start: key, end: rangeEnd.length === 0 ? undefined : rangeEnd });
  }
  for (const { request } of operations) {
    if (request?.kind !== "requestTxn") continue;
    if (!addNested(touched, request.value.success, request.value.failure)) return undefined;
  }
  for (const { request } of operations) {
    if (request?.kind !== "requestPut") continue;
    if (!addPut(touched, textOf(request.value.key), request.value.key)) return undefined;
  }
  return touched;
}

function addNested(into: Touched, success: readonly RequestOp[], failure: readonly RequestOp[]): boolean {
  const first = touchedBy(success);
  const second = touchedBy(failure);
  if (first === undefined || second === undefined) return false;
  for (const [text, key] of first.puts) if (!addPut(into, text, key)) return false;
  for (const [text, key] of second.puts) {
    if (first.puts.has(text)) continue;
    if (!addPut(into, text, key)) return false;
  }
  into.deletions.push(...first.deletions, ...second.deletions);
  return true;
}

function addPut(touched: Touched, text: string, key: Uint8Array): boolean {
  if (touched.puts.has(text)) return false;
  if (touched.deletions.some((deletion) => covers(deletion, key))) return false;
  touched.puts.set(text, key);
  return true;
}

function covers(deletion: Deletion, key: Uint8Array): boolean {
  const order = compareBytes(key, deletion.start);
  if (deletion.end === undefined) return order === 0;
  return order >= 0 && compareBytes(key, deletion.end) < 0;
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");
}
