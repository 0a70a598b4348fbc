import { compareBytes, type Revision } from "@quorate/common";
import type { RangeQuery, RangeResult } from "@quorate/mvcc";
import {
  type Compare,
  Compare_CompareTarget as CompareTarget,
  KeyValue,
  type RequestOp,
  type TxnRequest,
} from "@quorate/proto";
import { Compare_CompareResult as CompareResult } from "@quorate/proto";
import { keyRangeFromWire } from "@quorate/mvcc";

/** What a plan is made from: the state before the transaction. */
export interface TxnView {
  range(query: RangeQuery): RangeResult;
}

/** A transaction whose branches are chosen, at every depth. */
export type TxnPlan = Readonly<{ succeeded: boolean; steps: readonly TxnStep[] }>;
/** One operation of the branch taken; a nested transaction has its own plan. */
export type TxnStep = Readonly<{ operation: RequestOp; nested: TxnPlan | undefined }>;

/** Evaluates all comparisons, those of nested transactions too, on the state before the first write, and chooses the branches. */
export function planTxn(request: TxnRequest, view: TxnView): TxnPlan {
  const succeeded = request.compare.every((compare) => holds(compare, view));
  const branch = succeeded ? request.success : request.failure;
  const steps = branch.map((operation) => ({
    operation,
    nested: operation.request?.kind === "requestTxn" ? planTxn(operation.request.value, view) : undefined,
  }));
  return { succeeded, steps };
}

/** True when the comparison holds for every key of its range. A range without keys is compared with zeros, and never holds for a value. */
function holds(compare: Compare, view: TxnView): boolean {
  const { records } = view.range({
    range: keyRangeFromWire(compare.key, compare.rangeEnd),
    revision: undefined,
    limit: undefined,
    sort: { order: "none", target: "key" },
    keysOnly: false,
    countOnly: false,
    minMod: undefined,
    maxMod: undefined,
    minCreate: undefined,
    maxCreate: undefined,
  });
  if (records.length === 0) {
    return compare.target !== CompareTarget.VALUE && holdsFor(compare, absent);
  }
  return records.every((record) => holdsFor(compare, KeyValue.decode(record)));
}

const absent: KeyValue = KeyValue.create({});
const empty = new Uint8Array(0);

function holdsFor(compare: Compare, kv: KeyValue): boolean {
  const difference = differenceOf(compare, kv);
  switch (compare.result) {
    case CompareResult.EQUAL:
      return difference === 0;
    case CompareResult.NOT_EQUAL:
      return difference !== 0;
    case CompareResult.GREATER:
      return difference > 0;
    case CompareResult.LESS:
      return difference < 0;
    default: // a result this version does not know holds, as in etcd
      return true;
  }
}

/** The sign of (what the key has) - (what the comparison names). A named value of another kind than the target counts as zero or empty. */
function differenceOf(compare: Compare, kv: KeyValue): number {
  const named = compare.targetUnion;
  switch (compare.target) {
    case CompareTarget.VALUE:
      return compareBytes(kv.value, named?.kind === "value" ? named.value : empty);
    case CompareTarget.CREATE:
      return signOf(kv.createRevision, named?.kind === "createRevision" ? named.value : 0n);
    case CompareTarget.MOD:
      return signOf(kv.modRevision, named?.kind === "modRevision" ? named.value : 0n);
    case CompareTarget.VERSION:
      return signOf(kv.version, named?.kind === "version" ? named.value : 0n);
    case CompareTarget.LEASE:
      return signOf(kv.lease, named?.kind === "lease" ? named.value : 0n);
    default: // a target this version does not know compares equal, as in etcd
      return 0;
  }
}

function signOf(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The revision a range inside a transaction tells: one more once something was written. */
export function revisionInside(begin: Revision, hasChanged: boolean): Revision {
  return (hasChanged ? begin + 1 : begin) as Revision;
}
