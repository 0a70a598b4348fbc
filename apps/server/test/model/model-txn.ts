import type { PlainMessage } from "../support/plain.js";
import {
  type DeleteRequest,
  isInRange,
  type ModelKv,
  type ModelStore,
  type PutRequest,
  type RangeRequest,
} from "./model-store.js";

export type Compare = Readonly<{
  result?: number;
  target?: number;
  key?: string;
  rangeEnd?: string;
  targetUnion?: Readonly<{ kind: string; value: bigint | string }>;
}>;
export type RequestOp = Readonly<{
  request?:
    | Readonly<{ kind: "requestRange"; value: RangeRequest }>
    | Readonly<{ kind: "requestPut"; value: PutRequest }>
    | Readonly<{ kind: "requestDeleteRange"; value: DeleteRequest }>
    | Readonly<{ kind: "requestTxn"; value: TxnRequest }>;
}>;
export type TxnRequest = Readonly<{
  compare?: readonly Compare[];
  success?: readonly RequestOp[];
  failure?: readonly RequestOp[];
}>;

/** errors.md, section 1: what the names stand for. */
export const faults = {
  emptyKey: { code: 3, message: "etcdserver: key is not provided" },
  keyNotFound: { code: 3, message: "etcdserver: key not found" },
  valueProvided: { code: 3, message: "etcdserver: value is provided" },
  leaseProvided: { code: 3, message: "etcdserver: lease is provided" },
  tooManyOps: { code: 3, message: "etcdserver: too many operations in txn request" },
  duplicateKey: { code: 3, message: "etcdserver: duplicate key given in txn request" },
  invalidSort: { code: 3, message: "etcdserver: invalid sort option" },
  compacted: { code: 11, message: "etcdserver: mvcc: required revision has been compacted" },
  future: { code: 11, message: "etcdserver: mvcc: required revision is a future revision" },
  streamSort: { code: 12, message: "RangeStream does not support custom sort orders" },
  streamFilter: { code: 12, message: "RangeStream does not support revision filters" },
  leaseNotFound: { code: 5, message: "etcdserver: requested lease not found" },
  leaseExists: { code: 9, message: "etcdserver: lease already exists" },
  ttlTooLarge: { code: 11, message: "etcdserver: too large lease TTL" },
} as const;
export type ModelFault = (typeof faults)[keyof typeof faults];

export function checkRange({ key = "", sortOrder = 0, sortTarget = 0 }: RangeRequest): ModelFault | undefined {
  if (key === "") return faults.emptyKey;
  const isKnown = [0, 1, 2].includes(sortOrder) && [0, 1, 2, 3, 4].includes(sortTarget);
  return isKnown ? undefined : faults.invalidSort;
}

export function checkPut(request: PutRequest): ModelFault | undefined {
  if ((request.key ?? "") === "") return faults.emptyKey;
  if (request.ignoreValue === true && (request.value ?? "") !== "") return faults.valueProvided;
  if (request.ignoreLease === true && (request.lease ?? 0n) !== 0n) return faults.leaseProvided;
  return undefined;
}

export const checkDelete = ({ key = "" }: DeleteRequest): ModelFault | undefined =>
  key === "" ? faults.emptyKey : undefined;

/** errors.md, section 3, "Txn", steps 2 to 5. */
export function checkTxn(txn: TxnRequest, limit: number): ModelFault | undefined {
  const fault = checkArguments(txn, limit);
  if (fault !== undefined) return fault;
  for (const branch of [txn.success ?? [], txn.failure ?? []]) {
    if (writesOf(branch) === undefined) return faults.duplicateKey;
  }
  return undefined;
}

function checkArguments(
  { compare = [], success = [], failure = [] }: TxnRequest,
  limit: number,
): ModelFault | undefined {
  const operations = Math.max(compare.length, success.length, failure.length);
  if (operations > limit) return faults.tooManyOps;
  if (compare.some(({ key = "" }) => key === "")) return faults.emptyKey;
  for (const { request } of [...success, ...failure]) {
    if (request === undefined) return faults.keyNotFound;
    const fault =
      request.kind === "requestRange"
        ? checkRange(request.value)
        : request.kind === "requestPut"
          ? checkPut(request.value)
          : request.kind === "requestDeleteRange"
            ? checkDelete(request.value)
            : checkArguments(request.value, limit - operations);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

type Writes = { puts: Set<string>; deletes: DeleteRequest[] };

/** errors.md, "Overlap rule". @returns what a branch writes; undefined when it writes a key twice. */
function writesOf(branch: readonly RequestOp[]): Writes | undefined {
  const puts = new Set<string>();
  const deletes: DeleteRequest[] = [];
  const isDeleted = (key: string): boolean =>
    deletes.some(({ key: start = "", rangeEnd = "" }) => (rangeEnd === "\0" ? false : isInRange(key, start, rangeEnd)));
  for (const { request } of branch) if (request?.kind === "requestDeleteRange") deletes.push(request.value);
  for (const { request } of branch) {
    if (request?.kind !== "requestTxn") continue;
    const first = writesOf(request.value.success ?? []);
    const second = writesOf(request.value.failure ?? []);
    if (first === undefined || second === undefined) return undefined;
    for (const key of first.puts) if (puts.has(key)) return undefined;
    for (const key of second.puts) if (puts.has(key)) return undefined;
    for (const key of [...first.puts, ...second.puts]) if (isDeleted(key)) return undefined;
    for (const key of [...first.puts, ...second.puts]) puts.add(key);
    deletes.push(...first.deletes, ...second.deletes);
  }
  for (const { request } of branch) {
    if (request?.kind !== "requestPut") continue;
    const { key = "" } = request.value;
    if (puts.has(key) || isDeleted(key)) return undefined;
    puts.add(key);
  }
  return { puts, deletes };
}

/** A branch taken, and those taken in the transactions nested in it. */
type Path = Readonly<{ succeeded: boolean; steps: readonly Readonly<{ op: RequestOp; nested: Path | undefined }>[] }>;

/** All comparisons, at every depth, look at the state before the transaction. */
function choosePath(store: ModelStore, { compare = [], success = [], failure = [] }: TxnRequest): Path {
  const succeeded = compare.every((one) => holds(store, one));
  const steps = (succeeded ? success : failure).map((op) => ({
    op,
    nested: op.request?.kind === "requestTxn" ? choosePath(store, op.request.value) : undefined,
  }));
  return { succeeded, steps };
}

const targets = ["version", "createRevision", "modRevision", "value", "lease"] as const;

function holds(store: ModelStore, compare: Compare): boolean {
  const { key = "", rangeEnd = "", target = 0 } = compare;
  const kvs = store.alive(Number.POSITIVE_INFINITY).filter((kv) => isInRange(kv.key, key, rangeEnd));
  const field = targets[target];
  if (kvs.length > 0) return kvs.every((kv) => holdsFor(compare, field === undefined ? undefined : kv[field]));
  if (field === "value") return false;
  return holdsFor(compare, field === undefined ? undefined : 0n);
}

function holdsFor({ result = 0, target = 0, targetUnion }: Compare, found: bigint | string | undefined): boolean {
  const field = targets[target];
  const isMeant = targetUnion !== undefined && targetUnion.kind === field;
  const named = isMeant ? targetUnion.value : field === "value" ? "" : 0n;
  const difference = found === undefined || found === named ? 0 : found < named ? -1 : 1;
  const outcomes = [difference === 0, difference > 0, difference < 0, difference !== 0];
  return outcomes[result] ?? true;
}

/** errors.md, "Txn", step 8: the whole path is looked through before anything is written. */
function checkPath(store: ModelStore, path: Path, hasLease: (id: bigint) => boolean): ModelFault | undefined {
  for (const { op, nested } of path.steps) {
    const fault =
      nested !== undefined
        ? checkPath(store, nested, hasLease)
        : op.request?.kind === "requestRange"
          ? checkRevision(store, op.request.value.revision ?? 0n)
          : op.request?.kind === "requestPut"
            ? checkPutState(store, op.request.value, hasLease)
            : undefined;
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function checkRevision(store: ModelStore, revision: bigint): ModelFault | undefined {
  if (revision === 0n) return undefined;
  if (revision > BigInt(store.revision)) return faults.future;
  return revision < BigInt(store.compacted) ? faults.compacted : undefined;
}

export function checkPutState(
  store: ModelStore,
  request: PutRequest,
  hasLease: (id: bigint) => boolean,
): ModelFault | undefined {
  const { key = "", lease = 0n } = request;
  if (lease !== 0n && !hasLease(lease)) return faults.leaseNotFound;
  const keeps = request.ignoreValue === true || request.ignoreLease === true;
  return keeps && store.find(key) === undefined ? faults.keyNotFound : undefined;
}

class KeyGone extends Error {}

/** Runs a transaction whose arguments are in order. @returns its answer without the header; nothing is committed yet. */
export function runTxn(
  store: ModelStore,
  txn: TxnRequest,
  hasLease: (id: bigint) => boolean,
): { body: PlainMessage } | { fault: ModelFault } {
  const path = choosePath(store, txn);
  const fault = checkPath(store, path, hasLease);
  if (fault !== undefined) return { fault };
  try {
    return { body: runPath(store, path) };
  } catch (error) {
    if (!(error instanceof KeyGone)) throw error;
    store.abort(); // where etcd's member dies
    return { fault: faults.keyNotFound };
  }
}

function runPath(store: ModelStore, path: Path): PlainMessage {
  return { succeeded: path.succeeded, responses: path.steps.map(({ op, nested }) => runStep(store, op, nested)) };
}

function runStep(store: ModelStore, { request }: RequestOp, nested: Path | undefined): PlainMessage {
  const header = (): PlainMessage => ({
    clusterId: 0n,
    memberId: 0n,
    revision: BigInt(store.uncommitted().length > 0 ? store.revision + 1 : store.revision),
    raftTerm: 0n,
  });
  if (nested !== undefined) {
    const empty = { clusterId: 0n, memberId: 0n, revision: 0n, raftTerm: 0n };
    return { response: { kind: "responseTxn", value: { header: empty, ...runPath(store, nested) } } };
  }
  switch (request?.kind) {
    case "requestRange": {
      const result = store.range(request.value);
      return { response: { kind: "responseRange", value: { header: header(), ...result } } };
    }
    case "requestPut": {
      const { key = "", ignoreValue, ignoreLease, prevKv } = request.value;
      if ((ignoreValue === true || ignoreLease === true) && store.find(key) === undefined) throw new KeyGone();
      const previous = store.put(request.value);
      return { response: { kind: "responsePut", value: { header: header(), ...previousOf(prevKv, previous) } } };
    }
    case "requestDeleteRange": {
      const { key = "", rangeEnd = "", prevKv } = request.value;
      const gone = store.delete(key, rangeEnd);
      const prevKvs = prevKv === true ? gone : [];
      const value = { header: header(), deleted: BigInt(gone.length), prevKvs };
      return { response: { kind: "responseDeleteRange", value } };
    }
    default:
      throw new Error("an operation without a request does not get this far");
  }
}

export function previousOf(isWanted: boolean | undefined, kv: ModelKv | undefined): PlainMessage {
  return isWanted === true && kv !== undefined ? { prevKv: kv } : {};
}

/** True when a transaction does not go through the log. */
export const isReadOnly = ({ success = [], failure = [] }: TxnRequest): boolean =>
  [...success, ...failure].every(({ request }) => request?.kind === "requestRange");
