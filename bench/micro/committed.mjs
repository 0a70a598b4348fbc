// A change as the store hands it to watchers.
import { KeyValue } from "../../packages/proto/dist/index.js";

const value = Buffer.alloc(256, "x");
export const bytesOf = (key) => new Uint8Array(Buffer.from(key, "latin1"));

/** A put of `key` that is committed at `revision`. */
export function committedPut(key, revision) {
  const record = KeyValue.encode({
    key: bytesOf(key),
    value,
    createRevision: 2n,
    modRevision: BigInt(revision),
    version: 1n,
    lease: 0n,
  });
  const change = { kind: "put", key: bytesOf(key), keyLatin1: key, revision, sub: 0, record, previous: undefined };
  return { revision, changes: [change] };
}
