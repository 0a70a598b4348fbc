import type { MemberId } from "@quorate/common";
import {
  CompactionRequest,
  CompactionResponse,
  DefragmentRequest,
  DeleteRangeRequest,
  DeleteRangeResponse,
  HashKVRequest,
  HashKVResponse,
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
  LeaseRevokeRequest,
  LeaseRevokeResponse,
  MoveLeaderRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  type ResponseHeader,
  TxnResponse,
} from "@quorate/proto";
import type { Guard, KeyRequest, KeyResult, KeyState } from "@quorate/testkit";
import type { LeaseBook } from "./lease-book.js";
import { MemberWork } from "./member-work.js";
import type { OperationLog } from "./operation-log.js";
import type { ClientAction } from "./plan.js";
import { SimFailure } from "./sim-failure.js";
import type { CallEnd, SimWorld } from "./sim-world.js";
import { encodePut, encodeTxn, keyStateOf, resultOf, spanOf } from "./wire.js";

/** Statuses that say that nothing has happened and nothing will: InvalidArgument, NotFound, FailedPrecondition, OutOfRange, Unimplemented. */
const definite = new Set([3, 5, 9, 11, 12]);

type Answer = Readonly<{ revision: number; result: KeyResult }>;

export const keyName = (number: number): string => `k${String(number).padStart(2, "0")}`;
const leaseId = (number: number): bigint => BigInt(number + 1000);
const revisionOf = (header: ResponseHeader | undefined): number => Number(header?.revision ?? 0n);

/** What clients do, and how they write it down. */
export class ClientWork {
  readonly #world: SimWorld;
  readonly #log: OperationLog;
  readonly #leases: LeaseBook;
  /** What clients saw last of a key. */
  readonly #seen = new Map<string, KeyState>();
  #compacted = 0;
  readonly #members: MemberWork;
  counts = { asked: 0, done: 0 };

  constructor(world: SimWorld, log: OperationLog, leases: LeaseBook) {
    this.#members = new MemberWork(world);
    this.#world = world;
    this.#log = log;
    this.#leases = leases;
  }

  run(at: MemberId, action: ClientAction): void {
    this.counts.asked += 1;
    switch (action.kind) {
      case "put":
        return this.#put(at, action);
      case "delete":
        return this.#delete(at, action);
      case "range":
        return this.#range(at, action);
      case "swap":
        return this.#swap(at, action);
      case "grant":
        return this.#grant(at, action);
      case "keep-alive":
        return this.#keepAlive(at, leaseId(action.lease));
      case "revoke":
        return this.#revoke(at, leaseId(action.lease));
      case "compact":
        return this.#compact(at, action.revisionsBack);
      case "hash":
        return this.#hash(at);
      case "defragment":
        return this.#world.unary(at, "/etcdserverpb.Maintenance/Defragment", DefragmentRequest.encode({}), () => {});
      case "move-leader": {
        const leader = this.#world.leader();
        const message = MoveLeaderRequest.encode({ targetID: this.#world.pick(action.to) });
        if (leader !== undefined) this.#world.unary(leader, "/etcdserverpb.Maintenance/MoveLeader", message, () => {});
        return;
      }
      case "add-member":
        return this.#members.add(at, action.isLearner);
      case "promote":
        return this.#members.promote(at);
      case "remove-member":
        return this.#members.remove(at, action.member);
    }
  }

  /** A put whose success is waited for. */
  putAt(at: MemberId, key: string, done: (isDone: boolean) => void): void {
    const id = this.#log.nextId();
    const request = { kind: "put", key, value: `v${id}`, lease: 0n } as const;
    this.#ask(at, { id, path: "/etcdserverpb.KV/Put", message: encodePut(request), request, read: putAnswer, done });
  }

  #put(at: MemberId, action: Extract<ClientAction, { kind: "put" }>): void {
    const id = this.#log.nextId();
    const lease = action.lease === undefined ? 0n : leaseId(action.lease);
    const request = {
      kind: "put",
      key: keyName(action.key),
      value: `v${id}`.padEnd(action.bytes, "."),
      lease,
    } as const;
    this.#ask(at, { id, path: "/etcdserverpb.KV/Put", message: encodePut(request), request, read: putAnswer });
  }

  #delete(at: MemberId, { key, keys }: { key: number; keys: number }): void {
    const id = this.#log.nextId();
    const request = { kind: "delete", ...spanFrom(key, keys) } as const;
    const read = (message: Uint8Array): Answer => {
      const { header, deleted } = DeleteRangeResponse.decode(message);
      return { revision: revisionOf(header), result: { kind: "delete", deleted: Number(deleted) } };
    };
    const message = DeleteRangeRequest.encode(spanOf(request));
    this.#ask(at, { id, path: "/etcdserverpb.KV/DeleteRange", message, request, read });
  }

  #range(at: MemberId, action: Extract<ClientAction, { kind: "range" }>): void {
    const id = this.#log.nextId();
    const { isSerializable, revisionsBack } = action;
    const request = { kind: "range", ...spanFrom(action.key, action.keys) } as const;
    const asked = revisionsBack === 0 ? 0 : Math.max(1, this.#world.truth.revision - revisionsBack);
    const compacted = this.#compacted;
    const read = (message: Uint8Array): Answer => {
      const { header, kvs } = RangeResponse.decode(message);
      const keys = kvs.map(keyStateOf);
      // A member that lags may still have what is compacted elsewhere; only who asks the leader has to be told.
      if (asked > 0 && asked < compacted && !isSerializable) {
        throw new SimFailure("compaction holds", `revision ${asked} was read after a compaction at ${compacted}`);
      }
      if (asked === 0 && !isSerializable) for (const key of keys) this.#seen.set(key.key, key);
      return { revision: revisionOf(header), result: { kind: "range", keys } };
    };
    const message = RangeRequest.encode({
      ...spanOf(request),
      revision: BigInt(asked),
      serializable: isSerializable,
    });
    const options = { isSerializable, ...(asked === 0 ? {} : { revisionAsked: asked }) };
    this.#ask(at, { id, path: "/etcdserverpb.KV/Range", message, request, read, options });
  }

  #swap(at: MemberId, action: Extract<ClientAction, { kind: "swap" }>): void {
    const id = this.#log.nextId();
    const key = keyName(action.key);
    const value = `v${id}`.padEnd(action.bytes, ".");
    const range = { kind: "range", key } as const;
    const other = keyName(action.other);
    const second = other === key ? [] : [{ kind: "put", key: other, value, lease: 0n } as const];
    const request = {
      kind: "txn",
      guards: [this.#guardOf(key, action.guard)],
      success: [{ kind: "put", key, value, lease: 0n }, ...second],
      failure: [range],
    } as const;
    const read = (message: Uint8Array): Answer => {
      const { header, succeeded, responses } = TxnResponse.decode(message);
      const results = responses.map(resultOf);
      for (const result of results)
        if (result.kind === "range") for (const found of result.keys) this.#seen.set(key, found);
      return { revision: revisionOf(header), result: { kind: "txn", succeeded, results } };
    };
    this.#ask(at, { id, path: "/etcdserverpb.KV/Txn", message: encodeTxn(request), request, read });
  }

  #guardOf(key: string, target: "mod" | "version" | "value"): Guard {
    const seen = this.#seen.get(key);
    if (target === "value" && seen !== undefined) {
      return { key, relation: "equal", target: { kind: "value", value: seen.value } };
    }
    if (target === "version")
      return { key, relation: "less", target: { kind: "version", number: (seen?.version ?? 0) + 2 } };
    return { key, relation: "equal", target: { kind: "mod", number: seen?.modRevision ?? 0 } };
  }

  #grant(at: MemberId, action: Extract<ClientAction, { kind: "grant" }>): void {
    const id = leaseId(action.lease);
    const askedAtMs = this.#world.nowMs();
    const message = LeaseGrantRequest.encode({ ID: id, TTL: BigInt(action.ttlSeconds) });
    this.#world.unary(at, "/etcdserverpb.Lease/LeaseGrant", message, (end) => {
      if (!("message" in end)) return;
      this.counts.done += 1;
      this.#leases.renewed(id, Number(LeaseGrantResponse.decode(end.message).TTL), askedAtMs);
    });
  }

  #keepAlive(at: MemberId, id: bigint): void {
    const askedAtMs = this.#world.nowMs();
    const stream = this.#world.stream(at, "/etcdserverpb.Lease/LeaseKeepAlive", {
      message: (message) => {
        const { TTL } = LeaseKeepAliveResponse.decode(message);
        if (TTL > 0n) this.#leases.renewed(id, Number(TTL), askedAtMs);
        this.counts.done += 1;
        stream.close();
      },
      ended: () => {},
    });
    stream.write(LeaseKeepAliveRequest.encode({ ID: id }));
    this.#world.cluster.clock.after(5000, () => stream.close());
  }

  #revoke(at: MemberId, lease: bigint): void {
    const id = this.#log.nextId();
    const read = (message: Uint8Array): Answer => {
      const { header } = LeaseRevokeResponse.decode(message);
      return { revision: revisionOf(header), result: { kind: "revoke" } };
    };
    const message = LeaseRevokeRequest.encode({ ID: lease });
    this.#ask(at, { id, path: "/etcdserverpb.Lease/LeaseRevoke", message, request: { kind: "revoke", lease }, read });
  }

  #compact(at: MemberId, revisionsBack: number): void {
    const revision = Math.max(1, this.#world.truth.revision - revisionsBack);
    const message = CompactionRequest.encode({ revision: BigInt(revision), physical: revisionsBack % 2 === 0 });
    this.#world.unary(at, "/etcdserverpb.KV/Compact", message, (end) => {
      if (!("message" in end)) return;
      this.counts.done += 1;
      this.#log.saw(revisionOf(CompactionResponse.decode(end.message).header));
      this.#compacted = Math.max(this.#compacted, revision);
    });
  }

  #hash(at: MemberId): void {
    this.#world.unary(at, "/etcdserverpb.Maintenance/HashKV", HashKVRequest.encode({ revision: 0n }), (end) => {
      if (!("message" in end)) return;
      this.counts.done += 1;
      const { hash, compactRevision, hashRevision } = HashKVResponse.decode(end.message);
      this.#world.truth.hashed(at, `history to ${hashRevision}, compacted at ${compactRevision}`, hash);
    });
  }

  #ask(
    at: MemberId,
    call: {
      id: number;
      path: string;
      message: Uint8Array;
      request: KeyRequest;
      read: (message: Uint8Array) => Answer;
      options?: { isSerializable?: boolean; revisionAsked?: number };
      done?: (isDone: boolean) => void;
    },
  ): void {
    const { id, path, message, request, read, options, done } = call;
    this.#world.note(`${id} at ${at}: ${show(request)}`);
    this.#log.begin(id, request, options);
    this.#world.unary(at, path, message, (end) => {
      this.#finish(id, end, read);
      done?.("message" in end);
    });
  }

  #finish(id: number, end: CallEnd, read: (message: Uint8Array) => Answer): void {
    if ("message" in end) {
      this.counts.done += 1;
      const answer = read(end.message);
      this.#world.note(`${id} done at ${answer.revision}: ${show(answer.result)}`);
      return this.#log.end(id, { kind: "done", ...answer });
    }
    const isRefused = "status" in end ? definite.has(end.status.code) : end.silence === "unsent";
    this.#world.note(
      `${id} ${isRefused ? "refused" : "unknown"}: ${"status" in end ? end.status.message : end.silence}`,
    );
    this.#log.end(id, { kind: isRefused ? "refused" : "unknown" });
  }
}

const putAnswer = (message: Uint8Array): Answer => {
  return { revision: revisionOf(PutResponse.decode(message).header), result: { kind: "put" } };
};

function spanFrom(key: number, keys: number): { key: string; end?: string } {
  return keys === 1 ? { key: keyName(key) } : { key: keyName(key), end: keyName(key + keys) };
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? inner.toString() : inner));
}
