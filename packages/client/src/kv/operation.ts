import {
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RangeRequest_SortOrder,
  RangeRequest_SortTarget,
  type DeleteRangeResponse,
  type PutResponse,
  type RangeResponse,
  type RequestOp,
  type ResponseOp,
} from "@quorate/proto";
import { ClientError } from "../client-error.js";
import { type Span, wireRange } from "../span.js";
import { type Codecs, type Entry, entryOf } from "./entry.js";
import { type Header, headerOf } from "./header.js";

/** What can be asked of a read. */
export type ReadOptions = {
  /** Reads as of this revision. Default: the latest. */
  readonly revision?: bigint | undefined;
  /** From the asked member's own state: fast, without the leader, and perhaps old. */
  readonly serializable?: boolean | undefined;
  /** At most so many entries. */
  readonly limit?: number | undefined;
  readonly sort?:
    | { readonly by: "key" | "version" | "create" | "mod" | "value"; readonly order: "ascend" | "descend" }
    | undefined;
  /** Leaves values out: they are decoded from no bytes. */
  readonly keysOnly?: boolean | undefined;
  readonly countOnly?: boolean | undefined;
  readonly minModRevision?: bigint | undefined;
  readonly maxModRevision?: bigint | undefined;
  readonly minCreateRevision?: bigint | undefined;
  readonly maxCreateRevision?: bigint | undefined;
};

/** The answer to a read. */
export type ReadResult<K, V> = {
  readonly header: Header;
  readonly entries: readonly Entry<K, V>[];
  /** Keys in the range, however few were asked for. */
  readonly count: bigint;
  /** Whether the limit cut something off. */
  readonly more: boolean;
};

/** What can be asked of a put. */
export type PutOptions = {
  /** The lease that the key lives with. Default: none, also if it had one. */
  readonly lease?: bigint | undefined;
  /** Keeps the lease that the key has; the key must exist. */
  readonly keepLease?: boolean | undefined;
  /** Answers with what was there before. */
  readonly previous?: boolean | undefined;
};

/** The answer to a put. */
export type PutResult<K, V> = {
  readonly header: Header;
  /** What was there before, if that was asked for and there was something. */
  readonly previous: Entry<K, V> | undefined;
};

/** What can be asked of a delete. */
export type DeleteOptions = { readonly previous?: boolean | undefined };

/** The answer to a delete. */
export type DeleteResult<K, V> = {
  readonly header: Header;
  readonly deleted: bigint;
  readonly previous: readonly Entry<K, V>[];
};

/** One step of a transaction, and how its result is read. `Result` is what it leaves in the transaction's `results`. */
export type Operation<Result> = {
  /** @internal */
  readonly request: RequestOp;
  /** @internal */
  readonly read: (response: ResponseOp) => Result;
  /** Whether it changes nothing. */
  readonly isRead: boolean;
};

const sortTargets = {
  key: RangeRequest_SortTarget.KEY,
  version: RangeRequest_SortTarget.VERSION,
  create: RangeRequest_SortTarget.CREATE,
  mod: RangeRequest_SortTarget.MOD,
  value: RangeRequest_SortTarget.VALUE,
} as const;

export function rangeRequest<K, V>(target: K | Span<K>, options: ReadOptions, codecs: Codecs<K, V>): RangeRequest {
  const { sort } = options;
  return RangeRequest.create({
    ...wireRange(target, codecs.key),
    revision: options.revision ?? 0n,
    limit: BigInt(options.limit ?? 0),
    serializable: options.serializable ?? false,
    keysOnly: options.keysOnly ?? false,
    countOnly: options.countOnly ?? false,
    ...(sort === undefined
      ? {}
      : {
          sortTarget: sortTargets[sort.by],
          sortOrder: sort.order === "ascend" ? RangeRequest_SortOrder.ASCEND : RangeRequest_SortOrder.DESCEND,
        }),
    minModRevision: options.minModRevision ?? 0n,
    maxModRevision: options.maxModRevision ?? 0n,
    minCreateRevision: options.minCreateRevision ?? 0n,
    maxCreateRevision: options.maxCreateRevision ?? 0n,
  });
}

export function putRequest<K, V>(key: K, value: V, options: PutOptions, codecs: Codecs<K, V>): PutRequest {
  return PutRequest.create({
    key: codecs.key.encode(key),
    value: codecs.value.encode(value),
    ...putFields(options),
  });
}

/** A put that keeps the value. */
export function touchRequest<K, V>(key: K, options: PutOptions, codecs: Codecs<K, V>): PutRequest {
  return PutRequest.create({ key: codecs.key.encode(key), ignoreValue: true, ...putFields(options) });
}

function putFields(options: PutOptions): Partial<PutRequest> {
  return {
    lease: options.lease ?? 0n,
    ignoreLease: options.keepLease ?? false,
    prevKv: options.previous ?? false,
  };
}

export function deleteRequest<K, V>(
  target: K | Span<K>,
  options: DeleteOptions,
  codecs: Codecs<K, V>,
): DeleteRangeRequest {
  return DeleteRangeRequest.create({ ...wireRange(target, codecs.key), prevKv: options.previous ?? false });
}

export function readResult<K, V>(answer: RangeResponse, codecs: Codecs<K, V>): ReadResult<K, V> {
  const entries = answer.kvs.map((record) => entryOf(record, codecs));
  return { header: headerOf(answer), entries, count: answer.count, more: answer.more };
}

export function putResult<K, V>(answer: PutResponse, codecs: Codecs<K, V>): PutResult<K, V> {
  const previous = answer.prevKv === undefined ? undefined : entryOf(answer.prevKv, codecs);
  return { header: headerOf(answer), previous };
}

export function deleteResult<K, V>(answer: DeleteRangeResponse, codecs: Codecs<K, V>): DeleteResult<K, V> {
  const previous = answer.prevKvs.map((record) => entryOf(record, codecs));
  return { header: headerOf(answer), deleted: answer.deleted, previous };
}

/** The steps that transactions are made of, for keys and values of one kind. */
export class Operations<K, V> {
  readonly #codecs: Codecs<K, V>;

  constructor(codecs: Codecs<K, V>) {
    this.#codecs = codecs;
  }

  /** Reads one key. */
  get(key: K, options: Pick<ReadOptions, "revision" | "keysOnly"> = {}): Operation<Entry<K, V> | undefined> {
    const read = this.read(key, options);
    return { ...read, read: (response) => read.read(response).entries[0] };
  }

  /** Reads a key or a span. */
  read(target: K | Span<K>, options: ReadOptions = {}): Operation<ReadResult<K, V>> {
    const value = rangeRequest(target, options, this.#codecs);
    return {
      isRead: true,
      request: { request: { kind: "requestRange", value } },
      read: ({ response }) => {
        if (response?.kind !== "responseRange") throw strangeResponse();
        return readResult(response.value, this.#codecs);
      },
    };
  }

  put(key: K, value: V, options: PutOptions = {}): Operation<PutResult<K, V>> {
    return this.#put(putRequest(key, value, options, this.#codecs));
  }

  /** Puts the value that is there already: gives the key a new version, and another lease. */
  touch(key: K, options: PutOptions = {}): Operation<PutResult<K, V>> {
    return this.#put(touchRequest(key, options, this.#codecs));
  }

  delete(target: K | Span<K>, options: DeleteOptions = {}): Operation<DeleteResult<K, V>> {
    const value = deleteRequest(target, options, this.#codecs);
    return {
      isRead: false,
      request: { request: { kind: "requestDeleteRange", value } },
      read: ({ response }) => {
        if (response?.kind !== "responseDeleteRange") throw strangeResponse();
        return deleteResult(response.value, this.#codecs);
      },
    };
  }

  #put(value: PutRequest): Operation<PutResult<K, V>> {
    return {
      isRead: false,
      request: { request: { kind: "requestPut", value } },
      read: ({ response }) => {
        if (response?.kind !== "responsePut") throw strangeResponse();
        return putResult(response.value, this.#codecs);
      },
    };
  }
}

/** An answer that does not fit its request. What was asked for may have been done. */
export function strangeResponse(): ClientError {
  return new ClientError({
    code: "client/bad-answer",
    message: "a result of the transaction does not fit its operation",
    mayHaveRun: true,
  });
}
