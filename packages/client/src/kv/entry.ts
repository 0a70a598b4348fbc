import type { KeyValue } from "@quorate/proto";
import { ClientError } from "../client-error.js";
import type { Codec } from "../codec.js";

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
