import type { Answer } from "../support/method-codec.js";
import type { PlainMessage } from "../support/plain.js";
import { maxTtlSeconds, ModelLeases } from "./model-leases.js";
import { type DeleteRequest, ModelStore, type PutRequest, type RangeRequest } from "./model-store.js";
import {
  checkDelete,
  checkPut,
  checkPutState,
  checkRange,
  checkTxn,
  faults,
  type ModelFault,
  previousOf,
  runTxn,
  type TxnRequest,
} from "./model-txn.js";
import { ModelWatches } from "./model-watches.js";

const operationsMax = 128;

/**
 * What etcd's documents say a cluster of one member answers: written from them and not from the server, slow and plain. Each method takes a request and
 * gives the answer as a client sees it.
 */
export class Model {
  readonly store = new ModelStore();
  readonly leases = new ModelLeases();
  readonly watches: ModelWatches;
  readonly #ids: { clusterId: bigint; memberId: bigint };
  #term = 0;
  nowMs = 0;

  constructor(ids: { clusterId: bigint; memberId: bigint }) {
    this.#ids = ids;
    this.watches = new ModelWatches(this.store, (revision) => this.header(revision));
  }

  header(revision = this.store.revision): PlainMessage {
    return { ...this.#ids, revision: BigInt(revision), raftTerm: BigInt(this.#term) };
  }

  /** The member leads, in this term. */
  lead(term: number, nowMs: number): void {
    this.#term = term;
    this.nowMs = nowMs;
    this.leases.lead(nowMs);
  }

  /** All streams are gone. An orderly stop writes down how long leases have. */
  end(isOrderly: boolean): void {
    this.watches.streams.clear();
    if (isOrderly) this.leases.writeDown(this.nowMs);
  }

  /** Time has come to `nowMs`. */
  advance(nowMs: number): void {
    this.nowMs = nowMs;
    this.leases.advance(nowMs, (id) => this.#endLease(id));
  }

  range(request: RangeRequest): Answer {
    return this.#guard(checkRange(request) ?? this.#checkReadable(request), () => this.#whole(request));
  }

  /** The chunks of a streamed range, or its error. */
  rangeStream(request: RangeRequest): { chunks: PlainMessage[] } | { error: ModelFault } {
    const { sortOrder = 0, sortTarget = 0 } = request;
    const filters = [
      request.minModRevision,
      request.maxModRevision,
      request.minCreateRevision,
      request.maxCreateRevision,
    ];
    const fault =
      checkRange(request) ??
      (sortOrder === 0 || (sortOrder === 1 && sortTarget === 0) ? undefined : faults.streamSort) ??
      (filters.some((bound) => (bound ?? 0n) !== 0n) ? faults.streamFilter : undefined) ??
      this.#checkReadable(request);
    if (fault !== undefined) return { error: fault };
    const sorted = this.store.range(request);
    // etcd's own order is only of use while the answer is one chunk; longer ones are told in key order here.
    const { kvs, more, count } = sorted.kvs.length <= 10 ? sorted : this.store.range({ ...request, sortTarget: 0 });
    const chunks: PlainMessage[] = [];
    for (let from = 0, size = 10; ; from += size, size *= 2) {
      const isLast = from + size >= kvs.length;
      const piece = kvs.slice(from, from + size);
      const rest = isLast ? { header: this.header(), more, count } : { more: false, count: 0n };
      chunks.push({ rangeResponse: { kvs: piece, ...rest } });
      if (isLast) return { chunks };
    }
  }

  put(request: PutRequest): Answer {
    const fault = checkPut(request) ?? checkPutState(this.store, request, (id) => this.leases.has(id));
    return this.#guard(fault, () => {
      const previous = this.store.put(request);
      this.#commit();
      return { header: this.header(), ...previousOf(request.prevKv, previous) };
    });
  }

  deleteRange(request: DeleteRequest): Answer {
    return this.#guard(checkDelete(request), () => {
      const gone = this.store.delete(request.key ?? "", request.rangeEnd ?? "");
      this.#commit();
      const prevKvs = request.prevKv === true ? gone : [];
      return { header: this.header(), deleted: BigInt(gone.length), prevKvs };
    });
  }

  txn(request: TxnRequest): Answer {
    const fault = checkTxn(request, operationsMax);
    if (fault !== undefined) return { error: fault };
    const result = runTxn(this.store, request, (id) => this.leases.has(id));
    if ("fault" in result) return { error: result.fault };
    this.#commit();
    return { ok: { header: this.header(), ...result.body } };
  }

  compact({ revision = 0n }: { revision?: bigint }): Answer {
    if (revision <= BigInt(this.store.compacted)) return { error: faults.compacted };
    if (revision > BigInt(this.store.revision)) return { error: faults.future };
    this.store.compact(Number(revision));
    return { ok: { header: this.header() } };
  }

  /** @param chosen the id the server has chosen, where it had the choice. */
  leaseGrant({ ID = 0n, TTL = 0n }: { ID?: bigint; TTL?: bigint }, chosen: bigint): Answer {
    const id = ID === 0n ? chosen : ID;
    const fault = TTL > maxTtlSeconds ? faults.ttlTooLarge : this.leases.has(id) ? faults.leaseExists : undefined;
    return this.#guard(fault, () => {
      const granted = this.leases.grant(id, TTL, this.nowMs);
      return { header: this.header(), ID: id, TTL: BigInt(granted), error: "" };
    });
  }

  leaseRevoke({ ID = 0n }: { ID?: bigint }): Answer {
    return this.#guard(this.leases.has(ID) ? undefined : faults.leaseNotFound, () => {
      this.leases.all.delete(ID);
      this.#endLease(ID);
      return { header: this.header() };
    });
  }

  leaseTimeToLive({ ID = 0n, keys = false }: { ID?: bigint; keys?: boolean }): Answer {
    const attached = keys ? this.#keysOf(ID) : [];
    return { ok: { header: this.header(), ID, ...this.leases.timeToLive(ID, this.nowMs), keys: attached } };
  }

  leaseLeases(): Answer {
    return { ok: { header: this.header(), leases: this.leases.list().map((ID) => ({ ID })) } };
  }

  /** @returns the answer to a keep-alive; "pending" when it comes only after the lease has ended, with this header. */
  leaseKeepAlive(ID: bigint): { answer: PlainMessage; isPending: boolean } {
    const header = this.header();
    const ttl = this.leases.renew(ID, this.nowMs);
    return { answer: { header, ID, TTL: ttl === "pending" ? 0n : BigInt(ttl) }, isPending: ttl === "pending" };
  }

  #whole(request: RangeRequest): PlainMessage {
    return { header: this.header(), ...this.store.range(request) };
  }

  #checkReadable({ revision = 0n }: RangeRequest): ModelFault | undefined {
    if (revision <= 0n) return undefined;
    if (revision > BigInt(this.store.revision)) return faults.future;
    return revision < BigInt(this.store.compacted) ? faults.compacted : undefined;
  }

  #keysOf(lease: bigint): string[] {
    if (!this.leases.has(lease)) return [];
    return this.store
      .alive(this.store.revision)
      .filter((kv) => kv.lease === lease)
      .map(({ key }) => key);
  }

  /** Its keys go in byte order, at one revision. */
  #endLease(id: bigint): void {
    const keys = this.store.alive(this.store.revision).filter((kv) => kv.lease === id);
    for (const { key } of keys) this.store.delete(key, "");
    this.#commit();
  }

  #commit(): void {
    const changes = this.store.commit();
    if (changes.length > 0) this.watches.publish(changes);
  }

  #guard(fault: ModelFault | undefined, run: () => PlainMessage): Answer {
    return fault === undefined ? { ok: run() } : { error: fault };
  }
}
