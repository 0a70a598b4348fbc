import type { KeyValue, ResponseHeader } from "@quorate/proto";
import { ClientError } from "../client-error.js";
import type { Codec } from "../codec.js";

/** Who answered, and in what state. */
export type Header = {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  /** Of the store, when the answer was made. */
  readonly revision: bigint;
  readonly raftTerm: bigint;
};

/** A key with its value and history. */
export type Entry<K, V> = {
  readonly key: K;
  readonly value: V;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
  /** 1 after the key was created, and one more with each put. */
  readonly version: bigint;
  /** 0n: no lease. */
  readonly lease: bigint;
};

/** How keys and values of one kind are written. */
export type Codecs<K, V> = { readonly key: Codec<K>; readonly value: Codec<V> };

/** The header of an answer. */
export function headerOf(answer: { header: ResponseHeader | undefined }): Header {
  const header = answer.header;
  if (header === undefined) return { clusterId: 0n, memberId: 0n, revision: 0n, raftTerm: 0n };
  const { clusterId, memberId, revision, raftTerm } = header;
  return { clusterId, memberId, revision, raftTerm };
}

/** @throws ClientError "client/bad-value" when a codec refuses what is stored. */
export function entryOf<K, V>(record: KeyValue, codecs: Codecs<K, V>): Entry<K, V> {
  return {
    key: decodeKey(record.key, codecs),
    value: decoded(() => codecs.value.decode(record.value), "value", record.key),
    createRevision: record.createRevision,
    modRevision: record.modRevision,
    version: record.version,
    lease: record.lease,
  };
}

/** @throws ClientError "client/bad-value" */
export function decodeKey<K>(key: Uint8Array, codecs: Codecs<K, unknown>): K {
  return decoded(() => codecs.key.decode(key), "key", key);
}

function decoded<T>(decode: () => T, what: string, key: Uint8Array): T {
  try {
    return decode();
  } catch (error) {
    const shown = new TextDecoder().decode(key);
    throw new ClientError({
      code: "client/bad-value",
      message: `the ${what} stored under "${shown}" cannot be decoded: ${error instanceof Error ? error.message : error}`,
      cause: error,
    });
  }
}
