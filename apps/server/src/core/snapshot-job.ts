import { createHash } from "node:crypto";
import { assert, type Logger } from "@quorate/common";
import type { Backup } from "@quorate/mvcc";
import { SnapshotResponse } from "@quorate/proto";

const chunkBytes = 32_768;

/** A snapshot on its way to a client: the copy of the database in pieces, then the SHA-256 of all of it. One message is made per `next`. */
export class SnapshotJob {
  readonly #backup: Backup;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #digest = createHash("sha256");
  readonly #version: string;
  readonly #logger: Logger;
  #remaining: number;
  #isClosed = false;

  constructor(backup: Backup, options: { storageVersion: string }, ports: { logger: Logger }) {
    this.#backup = backup;
    this.#chunks = backup.chunks(chunkBytes)[Symbol.asyncIterator]();
    this.#remaining = backup.sizeBytes;
    this.#version = options.storageVersion;
    this.#logger = ports.logger;
    this.#logger.info("sending database snapshot to client", { "total-bytes": backup.sizeBytes });
  }

  /** The next encoded `SnapshotResponse`. The last one has the digest. */
  async next(): Promise<{ message: Uint8Array; isLast: boolean }> {
    if (this.#remaining === 0) {
      this.#logger.info("sending database sha256 checksum to client", { "total-bytes": this.#backup.sizeBytes });
      return { message: this.#encode(this.#digest.digest()), isLast: true };
    }
    const { value, done } = await this.#chunks.next();
    assert(done !== true, "the copy of a database has as many bytes as it says");
    this.#digest.update(value);
    this.#remaining -= value.length;
    return { message: this.#encode(value), isLast: false };
  }

  /** Lets go of the copy. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#backup.close();
    if (this.#remaining > 0) return;
    this.#logger.info("successfully sent database snapshot to client", { "total-bytes": this.#backup.sizeBytes });
  }

  #encode(blob: Uint8Array): Uint8Array {
    return SnapshotResponse.encode({ remainingBytes: BigInt(this.#remaining), blob, version: this.#version });
  }
}
