import type { DeleteRangeRequest, RequestOp } from "@quorate/proto";
import type { ServerFault } from "../server-fault.js";

/** Keys from `start` up to, not including, `end`, as latin1 text, which is ordered as the bytes are. */
type Span = Readonly<{ start: string; end: string }>;
/** What the writes of one branch touch: keys put, and spans deleted, which ascend and do not meet. */
type Touched = { puts: Set<string>; deletions: readonly Span[] };

/**
 * Looks for two writes of one branch that touch the same key: no key may be put twice, and no key put may lie in a range deleted. The
 * two branches of a nested transaction may agree with each other, since only one runs. A range end of one zero byte ("and all that
 * follows") is taken literally, as etcd does, so that such a deletion never overlaps.
 *
 * A request may hold a hundred thousand operations, so none is compared with all others: keys are looked up, and spans by halving.
 * @returns the fault "server/duplicate-key", or undefined.
 */
export function findOverlap(operations: readonly RequestOp[]): ServerFault | undefined {
  return touchedBy(operations) === undefined ? { code: "server/duplicate-key" } : undefined;
}

function touchedBy(operations: readonly RequestOp[]): Touched | undefined {
  const touched: Touched = { puts: new Set(), deletions: deletedBy(operations) };
  for (const { request } of operations) {
    if (request?.kind !== "requestTxn") continue;
    if (!addNested(touched, request.value.success, request.value.failure)) return undefined;
  }
  for (const { request } of operations) {
    if (request?.kind !== "requestPut") continue;
    const key = textOf(request.value.key);
    if (touched.puts.has(key) || isCovered(touched.deletions, key)) return undefined;
    touched.puts.add(key);
  }
  return touched;
}

function addNested(into: Touched, success: readonly RequestOp[], failure: readonly RequestOp[]): boolean {
  const first = touchedBy(success);
  const second = touchedBy(failure);
  if (first === undefined || second === undefined) return false;
  for (const branch of [first, second]) {
    if (meets(branch.puts, into.puts)) return false;
    if (into.deletions.length === 0) continue;
    for (const key of branch.puts) if (isCovered(into.deletions, key)) return false;
  }
  into.puts = union(into.puts, union(first.puts, second.puts));
  into.deletions = joined(into.deletions, joined(first.deletions, second.deletions));
  return true;
}

function deletedBy(operations: readonly RequestOp[]): readonly Span[] {
  const spans: Span[] = [];
  for (const { request } of operations) {
    if (request?.kind !== "requestDeleteRange") continue;
    const span = spanOf(request.value);
    if (span.start < span.end) spans.push(span);
  }
  spans.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  return joined(spans, []);
}

function spanOf({ key, rangeEnd }: DeleteRangeRequest): Span {
  const start = textOf(key);
  return { start, end: rangeEnd.length === 0 ? `${start}\0` : textOf(rangeEnd) };
}

/** Two lists that ascend as one, in which spans that meet have become one. */
function joined(one: readonly Span[], other: readonly Span[]): readonly Span[] {
  const spans: { start: string; end: string }[] = [];
  let [a, b] = [0, 0];
  while (a < one.length || b < other.length) {
    const [left, right] = [one[a], other[b]];
    const takesLeft = right === undefined || (left !== undefined && left.start <= right.start);
    const next = (takesLeft ? left : right) as Span;
    if (takesLeft) a++;
    else b++;
    const last = spans.at(-1);
    if (last === undefined || last.end < next.start) spans.push({ ...next });
    else if (last.end < next.end) last.end = next.end;
  }
  return spans;
}

function isCovered(spans: readonly Span[], key: string): boolean {
  let [low, high] = [0, spans.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((spans[middle] as Span).start <= key) low = middle + 1;
    else high = middle;
  }
  const span = spans[low - 1];
  return span !== undefined && key < span.end;
}

function meets(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  const [small, large] = one.size < other.size ? [one, other] : [other, one];
  for (const key of small) if (large.has(key)) return true;
  return false;
}

/** The larger set with what the smaller has; neither is used any more. */
function union(one: Set<string>, other: Set<string>): Set<string> {
  const [small, large] = one.size < other.size ? [one, other] : [other, one];
  for (const key of small) large.add(key);
  return large;
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");
}
