import { createHash } from "node:crypto";
import { SnapshotRequest, SnapshotResponse } from "@quorate/proto";
import type { StreamOptions } from "../call-options.js";
import type { Caller } from "../caller.js";
import { ClientError } from "../client-error.js";
import { streamPaths } from "../rpc.js";
import { readStream } from "../server-stream.js";

/** A piece of a snapshot. */
export type SnapshotChunk = {
  readonly bytes: Uint8Array;
  /** Bytes still to come after this piece, the digest's included in what is left over at the end. */
  readonly remainingBytes: bigint;
  /** Storage version of the member; empty if it says none. */
  readonly version: string;
  /** The last piece is the SHA-256 digest of all others: 32 bytes. etcd's tools expect it at the end of the file. */
  readonly isDigest: boolean;
};

const digestBytes = 32;

/**
 * A member's database as it streams it, the digest as its last piece. Written one after the other, the pieces are the file that
 * `etcdctl snapshot save` writes.
 * @throws ClientError "client/snapshot-damaged" when the stream ends early or its digest does not fit what came before.
 */
export async function* readSnapshot(
  caller: Caller,
  options: StreamOptions,
): AsyncGenerator<SnapshotChunk, void, undefined> {
  const message = SnapshotRequest.encode({});
  const hash = createHash("sha256");
  let isWhole = false;
  // One message is kept back: which one is the digest shows only when nothing comes after it.
  for await (const bytes of readStream(caller, { path: streamPaths.snapshot, message, kind: "server" }, options)) {
    const { blob, remainingBytes, version } = SnapshotResponse.decode(bytes);
    if (isWhole) {
      checkDigest(hash.digest(), blob);
      yield { bytes: blob, remainingBytes, version, isDigest: true };
      return;
    }
    hash.update(blob);
    isWhole = remainingBytes === 0n;
    yield { bytes: blob, remainingBytes, version, isDigest: false };
  }
  throw damaged(isWhole ? "the digest is missing" : "the stream ended before all bytes had come");
}

function checkDigest(found: Uint8Array, expected: Uint8Array): void {
  if (expected.length !== digestBytes) throw damaged(`the digest has ${expected.length} bytes`);
  if (!found.every((byte, index) => byte === expected[index])) throw damaged("its SHA-256 digest does not fit");
}

function damaged(why: string): ClientError {
  return new ClientError({
    code: "client/snapshot-damaged",
    message: `the snapshot cannot be used: ${why}`,
    method: streamPaths.snapshot,
  });
}
