import { Client, type ClientDuplexStream, credentials, type ServiceError, status } from "@grpc/grpc-js";
import {
  CompactionRequest,
  CompactionResponse,
  DeleteRangeRequest,
  DeleteRangeResponse,
  Event_EventType,
  HashKVRequest,
  HashKVResponse,
  type KeyValue,
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseLeasesRequest,
  LeaseLeasesResponse,
  LeaseRevokeRequest,
  LeaseRevokeResponse,
  type MessageCodec,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  StatusRequest,
  StatusResponse,
  TxnRequest,
  TxnResponse,
  WatchCreateRequest,
  WatchRequest,
  WatchResponse,
} from "@quorate/proto";
import type { Change, KeyState, RevisionChanges } from "./history.js";

const bytes = (text: string) => Buffer.from(text);
const text = (view: Uint8Array) => Buffer.from(view).toString();
const all = { key: Uint8Array.of(0), rangeEnd: Uint8Array.of(0) };
const callMs = 10_000;
const historyMs = 60_000;

/** The answer may have been lost on its way: the request has happened, or has not. */
export class NoAnswer extends Error {}

/** What a member says of itself. Ids are decimal; "0" is nobody. */
export type MemberStatus = { readonly member: string; readonly leader: string; readonly applied: number };

/** The few calls that the load and the check need, on one connection. Refusals are thrown as they come, lost answers as `NoAnswer`. */
export class MemberClient {
  readonly #client: Client;

  constructor(port: number) {
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      "grpc.enable_retries": 0,
      "grpc.max_receive_message_length": -1,
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  close(): void {
    this.#client.close();
  }

  /** Waits for the first answer to a linearizable range. */
  async waitUntilReady(isRunning: () => boolean, withinMs = 30_000): Promise<void> {
    const until = performance.now() + withinMs;
    for (;;) {
      try {
        await this.#call("KV/Range", RangeRequest, RangeResponse, { key: bytes("ready") });
        return;
      } catch (error) {
        if (!isRunning() || performance.now() > until) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  async put(changes: readonly Change[]): Promise<number> {
    const puts = changes.map(({ key, value, lease }) => ({
      key: bytes(key),
      value: bytes(value ?? ""),
      lease: BigInt(lease),
    }));
    const [only] = puts;
    if (puts.length === 1 && only !== undefined) {
      return revisionOf(await this.#call("KV/Put", PutRequest, PutResponse, only));
    }
    const success = puts.map((put) => ({ request: { kind: "requestPut" as const, value: PutRequest.create(put) } }));
    return revisionOf(await this.#call("KV/Txn", TxnRequest, TxnResponse, { success }));
  }

  async delete(key: string): Promise<number> {
    return revisionOf(await this.#call("KV/DeleteRange", DeleteRangeRequest, DeleteRangeResponse, { key: bytes(key) }));
  }

  async compact(revision: number, options: { isPhysical: boolean }): Promise<void> {
    const request = { revision: BigInt(revision), physical: options.isPhysical };
    await this.#call("KV/Compact", CompactionRequest, CompactionResponse, request);
  }

  async grant(id: string, ttlSeconds: number): Promise<void> {
    await this.#call("Lease/LeaseGrant", LeaseGrantRequest, LeaseGrantResponse, {
      ID: BigInt(id),
      TTL: BigInt(ttlSeconds),
    });
  }

  async revoke(id: string): Promise<number> {
    return revisionOf(
      await this.#call("Lease/LeaseRevoke", LeaseRevokeRequest, LeaseRevokeResponse, { ID: BigInt(id) }),
    );
  }

  async leases(): Promise<Set<string>> {
    const { leases } = await this.#call("Lease/LeaseLeases", LeaseLeasesRequest, LeaseLeasesResponse, {});
    return new Set(leases.map(({ ID }) => ID.toString()));
  }

  /** One key, linearizable unless told otherwise. */
  async get(
    key: string,
    options: { readonly isSerializable?: boolean } = {},
  ): Promise<{ readonly revision: number; readonly state: KeyState | undefined }> {
    const request = { key: bytes(key), serializable: options.isSerializable ?? false };
    const response = await this.#call("KV/Range", RangeRequest, RangeResponse, request);
    const [one] = response.kvs;
    return { revision: revisionOf(response), state: one === undefined ? undefined : stateOf(one) };
  }

  async status(): Promise<MemberStatus> {
    const response = await this.#call("Maintenance/Status", StatusRequest, StatusResponse, {});
    return {
      member: (response.header?.memberId ?? 0n).toString(),
      leader: response.leader.toString(),
      applied: Number(response.raftAppliedIndex),
    };
  }

  /** The hash of all revisions up to this one. */
  async hashKv(revision: number): Promise<number> {
    const response = await this.#call("Maintenance/HashKV", HashKVRequest, HashKVResponse, {
      revision: BigInt(revision),
    });
    return response.hash;
  }

  async allKeys(): Promise<{ revision: number; keys: Map<string, KeyState> }> {
    const response = await this.#call("KV/Range", RangeRequest, RangeResponse, all);
    const keys = new Map<string, KeyState>();
    for (const one of response.kvs) keys.set(text(one.key), stateOf(one));
    return { revision: revisionOf(response), keys };
  }

  /**
   * Every change from revision `from` to `to`, by a watch of all keys.
   * @returns the changes, or the revision up to which history is compacted, when that is not below `from`
   */
  history(
    from: number,
    to: number,
  ): Promise<{ kind: "history"; history: RevisionChanges[] } | { kind: "compacted"; at: number }> {
    const call = this.#client.makeBidiStreamRequest<Buffer, Buffer>("/etcdserverpb.Watch/Watch", same, same);
    let timer: NodeJS.Timeout | undefined;
    return new Promise<Awaited<ReturnType<MemberClient["history"]>>>((resolve, reject) => {
      const history: { revision: number; changes: Change[] }[] = [];
      const late = () =>
        reject(new Error(`history up to ${to} did not come, the last was ${history.at(-1)?.revision}`));
      timer = setTimeout(late, historyMs);
      call.on("error", reject);
      call.on("data", (message: Buffer) => {
        const response = WatchResponse.decode(message);
        if (response.compactRevision > 0n) resolve({ kind: "compacted", at: Number(response.compactRevision) });
        else if (response.canceled) reject(new Error(`the watch was refused: ${response.cancelReason}`));
        collect(response, history);
        if ((history.at(-1)?.revision ?? 0) >= to) resolve({ kind: "history", history });
      });
      call.on("end", () => reject(new Error("the watch ended")));
      createWatch(call, from);
    }).finally(() => {
      clearTimeout(timer);
      call.cancel();
    });
  }

  #call<Request, Response>(
    method: string,
    request: MessageCodec<Request>,
    response: MessageCodec<Response>,
    message: Partial<Request>,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest<Buffer, Response>(
        `/etcdserverpb.${method}`,
        same,
        (reply) => response.decode(reply),
        Buffer.from(request.encode(message)),
        { deadline: Date.now() + callMs },
        (error, reply) => {
          if (error !== null) reject(isLost(error) ? new NoAnswer(error.message, { cause: error }) : error);
          else if (reply === undefined) reject(new Error("no reply and no error"));
          else resolve(reply);
        },
      );
    });
  }
}

const same = (message: Buffer) => message;

function stateOf(one: KeyValue): KeyState {
  return {
    value: text(one.value),
    createRevision: Number(one.createRevision),
    modRevision: Number(one.modRevision),
    version: Number(one.version),
    lease: one.lease.toString(),
  };
}

function revisionOf({ header }: { header: { revision: bigint } | undefined }): number {
  if (header === undefined) throw new Error("an answer without a header");
  return Number(header.revision);
}

function isLost(error: ServiceError): boolean {
  return [status.UNAVAILABLE, status.CANCELLED, status.DEADLINE_EXCEEDED, status.UNKNOWN, status.INTERNAL].includes(
    error.code,
  );
}

function createWatch(call: ClientDuplexStream<Buffer, Buffer>, from: number): void {
  const value = WatchCreateRequest.create({ ...all, startRevision: BigInt(from) });
  call.write(Buffer.from(WatchRequest.encode({ requestUnion: { kind: "createRequest", value } })));
}

function collect(response: WatchResponse, history: { revision: number; changes: Change[] }[]): void {
  for (const { type, kv } of response.events) {
    if (kv === undefined) throw new Error("an event without a key");
    const revision = Number(kv.modRevision);
    const isDelete = type === Event_EventType.DELETE;
    const change = {
      key: text(kv.key),
      value: isDelete ? undefined : text(kv.value),
      lease: isDelete ? "0" : kv.lease.toString(),
    };
    const last = history.at(-1);
    if (last?.revision === revision) last.changes.push(change);
    else history.push({ revision, changes: [change] });
  }
}
