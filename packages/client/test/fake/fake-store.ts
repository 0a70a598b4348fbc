import {
  type Compare,
  Compare_CompareResult,
  Compare_CompareTarget,
  DeleteRangeRequest,
  type DeleteRangeResponse,
  type Event,
  Event_EventType,
  type KeyValue,
  PutRequest,
  type PutResponse,
  type RangeRequest,
  RangeRequest_SortOrder,
  RangeRequest_SortTarget,
  type RangeResponse,
  type RequestOp,
  type ResponseHeader,
  type ResponseOp,
  type TxnRequest,
  type TxnResponse,
} from "@quorate/proto";

/** What a member answers instead of doing what it was asked. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const compacted = () => new Refusal(11, "etcdserver: mvcc: required revision has been compacted");

const name = (key: Uint8Array) => Buffer.from(key).toString("latin1");

/** Enough of etcd's store for a client to be tested on: revisions, ranges, transactions, history, leases. No time of its own. */
export class FakeStore {
  readonly clusterId: bigint;
  revision = 1n;
  compactRevision = 0n;
  readonly history: Event[] = [];
  readonly leases = new Map<bigint, { ttlSeconds: bigint; keys: Set<string> }>();
  readonly #keys = new Map<string, KeyValue>();
  readonly #listeners = new Set<(events: readonly Event[]) => void>();
  #nextLease = 7_587_870_152_021_180_417n;

  constructor(clusterId = 0xc1a5_0000_0000_0001n) {
    this.clusterId = clusterId;
  }

  get header(): ResponseHeader {
    return { clusterId: this.clusterId, memberId: 0xfeed_0000_0000_0001n, revision: this.revision, raftTerm: 2n };
  }

  /** Called after each revision. @returns ends that. */
  listen(run: (events: readonly Event[]) => void): () => void {
    this.#listeners.add(run);
    return () => this.#listeners.delete(run);
  }

  range(request: RangeRequest): RangeResponse {
    if (request.key.length === 0) throw new Refusal(3, "etcdserver: key is not provided");
    if (request.revision > this.revision) {
      throw new Refusal(11, "etcdserver: mvcc: required revision is a future revision");
    }
    if (request.revision > 0n && request.revision < this.compactRevision) throw compacted();
    const all = [...this.#at(request.revision).values()].filter((record) => isIn(record.key, request));
    const count = BigInt(all.length);
    let found = all.filter((kv) => request.maxCreateRevision === 0n || kv.createRevision <= request.maxCreateRevision);
    found.sort((one, other) => (name(one.key) < name(other.key) ? -1 : 1));
    if (request.sortTarget === RangeRequest_SortTarget.CREATE) {
      found.sort((one, other) => Number(one.createRevision - other.createRevision));
    }
    if (request.sortOrder === RangeRequest_SortOrder.DESCEND) found.reverse();
    const more = request.limit > 0n && BigInt(found.length) > request.limit;
    if (more) found = found.slice(0, Number(request.limit));
    if (request.countOnly) return { header: this.header, kvs: [], more: false, count };
    const kvs = request.keysOnly ? found.map((kv) => ({ ...kv, value: new Uint8Array(0) })) : found;
    return { header: this.header, kvs, more, count };
  }

  put(request: Partial<PutRequest>): PutResponse {
    return this.#write((events) => this.#put(PutRequest.create(request), events));
  }

  deleteRange(request: Partial<DeleteRangeRequest>): DeleteRangeResponse {
    return this.#write((events) => this.#delete(DeleteRangeRequest.create(request), events));
  }

  txn(request: TxnRequest): TxnResponse {
    const succeeded = request.compare.every((compare) => this.#holds(compare));
    const operations = succeeded ? request.success : request.failure;
    const responses = this.#write((events) => operations.map((operation) => this.#step(operation, events)));
    return { header: this.header, succeeded, responses };
  }

  compact(revision: bigint): void {
    if (revision <= this.compactRevision) throw compacted();
    this.compactRevision = revision;
  }

  grant(ttlSeconds: bigint, id: bigint): bigint {
    const chosen = id === 0n ? this.#nextLease++ : id;
    if (this.leases.has(chosen)) throw new Refusal(9, "etcdserver: lease already exists");
    this.leases.set(chosen, { ttlSeconds, keys: new Set() });
    return chosen;
  }

  revoke(id: bigint): void {
    const lease = this.leases.get(id);
    if (lease === undefined) throw new Refusal(5, "etcdserver: requested lease not found");
    this.leases.delete(id);
    this.#write((events) => {
      for (const key of [...lease.keys].sort()) {
        this.#delete(DeleteRangeRequest.create({ key: Buffer.from(key, "latin1") }), events);
      }
    });
  }

  #step(operation: RequestOp, events: Event[]): ResponseOp {
    const { request } = operation;
    switch (request?.kind) {
      case "requestRange":
        return { response: { kind: "responseRange", value: this.range(request.value) } };
      case "requestPut":
        return { response: { kind: "responsePut", value: this.#put(request.value, events) } };
      case "requestDeleteRange":
        return { response: { kind: "responseDeleteRange", value: this.#delete(request.value, events) } };
      case "requestTxn":
        return { response: { kind: "responseTxn", value: this.txn(request.value) } };
      default:
        throw new Refusal(3, "etcdserver: key not found");
    }
  }

  #write<T>(run: (events: Event[]) => T): T {
    const events: Event[] = [];
    const result = run(events);
    if (events.length === 0) return result;
    this.revision += 1n;
    this.history.push(...events);
    for (const listener of [...this.#listeners]) listener(events);
    if (typeof result === "object" && result !== null && "header" in result) result.header = this.header;
    return result;
  }

  #put(request: PutRequest, events: Event[]): PutResponse {
    const before = this.#keys.get(name(request.key));
    if (request.lease !== 0n && !this.leases.has(request.lease)) {
      throw new Refusal(5, "etcdserver: requested lease not found");
    }
    if (request.ignoreValue && before === undefined) throw new Refusal(3, "etcdserver: key not found");
    const revision = this.revision + 1n;
    const kv: KeyValue = {
      key: new Uint8Array(request.key),
      value: request.ignoreValue && before !== undefined ? before.value : new Uint8Array(request.value),
      createRevision: before?.createRevision ?? revision,
      modRevision: revision,
      version: (before?.version ?? 0n) + 1n,
      lease: request.ignoreLease && before !== undefined ? before.lease : request.lease,
    };
    this.leases.get(before?.lease ?? 0n)?.keys.delete(name(kv.key));
    this.leases.get(kv.lease)?.keys.add(name(kv.key));
    this.#keys.set(name(kv.key), kv);
    events.push({ type: Event_EventType.PUT, kv, prevKv: before });
    return { header: { ...this.header, revision }, prevKv: request.prevKv ? before : undefined };
  }

  #delete(request: DeleteRangeRequest, events: Event[]): DeleteRangeResponse {
    const found = [...this.#keys.values()].filter((record) => isIn(record.key, request));
    for (const record of found) {
      this.#keys.delete(name(record.key));
      this.leases.get(record.lease)?.keys.delete(name(record.key));
      const kv = { ...record, value: new Uint8Array(0), createRevision: 0n, version: 0n, lease: 0n };
      kv.modRevision = this.revision + 1n;
      events.push({ type: Event_EventType.DELETE, kv, prevKv: record });
    }
    const prevKvs = request.prevKv ? found : [];
    return { header: this.header, deleted: BigInt(found.length), prevKvs };
  }

  #holds(compare: Compare): boolean {
    const found = [...this.#keys.values()].filter((record) => isIn(record.key, compare));
    if (found.length > 0) return found.every((record) => judge(compare, record));
    return compare.target !== Compare_CompareTarget.VALUE && judge(compare, undefined);
  }

  #at(revision: bigint): ReadonlyMap<string, KeyValue> {
    if (revision <= 0n || revision >= this.revision) return this.#keys;
    const keys = new Map<string, KeyValue>();
    for (const { type, kv } of this.history) {
      if (kv === undefined || kv.modRevision > revision) continue;
      if (type === Event_EventType.PUT) keys.set(name(kv.key), kv);
      else keys.delete(name(kv.key));
    }
    return keys;
  }
}

/** Whether a key lies in a range as messages give it. */
export function isIn(key: Uint8Array, range: { key: Uint8Array; rangeEnd: Uint8Array }): boolean {
  const [at, first, end] = [name(key), name(range.key), name(range.rangeEnd)];
  if (end === "") return at === first;
  return at >= first && (end === "\0" || at < end);
}

function judge(compare: Compare, record: KeyValue | undefined): boolean {
  const expected = compare.targetUnion?.value ?? 0n;
  const stored: Record<number, bigint | Uint8Array | undefined> = {
    [Compare_CompareTarget.VERSION]: record?.version,
    [Compare_CompareTarget.CREATE]: record?.createRevision,
    [Compare_CompareTarget.MOD]: record?.modRevision,
    [Compare_CompareTarget.LEASE]: record?.lease,
    [Compare_CompareTarget.VALUE]: record?.value,
  };
  const [left, right] = [stored[compare.target] ?? 0n, expected].map((one) =>
    typeof one === "bigint" ? one : name(one),
  ) as [bigint, bigint];
  switch (compare.result) {
    case Compare_CompareResult.GREATER:
      return left > right;
    case Compare_CompareResult.LESS:
      return left < right;
    case Compare_CompareResult.NOT_EQUAL:
      return left !== right;
    default:
      return left === right;
  }
}
