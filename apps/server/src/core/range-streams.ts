import type { Revision } from "@quorate/common";
import { arrangeRecords, type KeyRange, type Mvcc, type RangeCursor, type RangeQuery } from "@quorate/mvcc";
import type { FromCore } from "./core-link.js";
import { encodeRangeEnd, encodeRangeReply, encodeRecords } from "./range-reply.js";
import { MessageBuilder } from "./reply-writer.js";
import { isArranged } from "./range-jobs.js";

/** Keys in the first chunk. */
const firstChunkKeys = 10;
const sliceBytes = 1_048_576;

type Stream = {
  readonly cursor: RangeCursor;
  readonly limit: number;
  readonly keysOnly: boolean;
  taken: number;
  chunkKeys: number;
};
const everything: KeyRange = { kind: "span", start: new Uint8Array(0), end: undefined };

/**
 * Answers `RangeStream`: a range in chunks, all at one revision. The number of keys in a chunk doubles while chunks are small and halves when they are
 * large. Only the last one has the header and the counts.
 */
export class RangeStreams {
  readonly #mvcc: Mvcc;
  readonly #header: (revision: Revision) => Uint8Array;
  readonly #emit: (message: FromCore) => void;
  readonly #chunkBytes: number;
  readonly #streams = new Map<number, Stream>();

  /** @param options `chunkBytes`: below half of it a chunk is small, above twice it is large. */
  constructor(
    parts: { mvcc: Mvcc; header(revision: Revision): Uint8Array; emit(message: FromCore): void },
    options: { chunkBytes: number },
  ) {
    this.#mvcc = parts.mvcc;
    this.#header = (revision) => parts.header(revision);
    this.#emit = (message) => parts.emit(message);
    this.#chunkBytes = options.chunkBytes;
  }

  /** @throws MvccError when the revision was compacted or lies in the future. */
  start(serial: number, query: RangeQuery): void {
    if (query.countOnly === true) return this.#whole(serial, query);
    const cursor = this.#mvcc.openRange(query);
    const limit = Math.min(query.limit ?? cursor.count, cursor.count);
    // etcd sorts each chunk by itself and begins the next behind its last key, so that keys are missing or come twice. Here an answer of one chunk is
    // sorted, and a longer one comes in the order of the keys.
    if (limit <= firstChunkKeys && isArranged(query)) {
      cursor.close();
      return this.#whole(serial, query);
    }
    this.#streams.set(serial, {
      cursor,
      limit,
      keysOnly: query.keysOnly === true,
      taken: 0,
      chunkKeys: firstChunkKeys,
    });
    this.pull(serial);
  }

  /** Sends the next chunk. @throws MvccError when a snapshot has taken the place of what was read: the stream has ended then. */
  pull(serial: number): void {
    const stream = this.#streams.get(serial);
    if (stream === undefined) return;
    try {
      this.#next(serial, stream);
    } catch (error) {
      this.cancel(serial);
      throw error;
    }
  }

  #next(serial: number, stream: Stream): void {
    const wanted = Math.min(stream.chunkKeys, stream.limit - stream.taken);
    const parts: Uint8Array[] = [];
    let taken = 0;
    while (taken < wanted) {
      const { records } = stream.cursor.next({ maxRecords: wanted - taken, maxBytes: sliceBytes });
      taken += records.length;
      parts.push(
        encodeRecords(
          stream.keysOnly ? arrangeRecords({ range: everything, keysOnly: true }, records).records : records,
        ),
      );
    }
    stream.taken += taken;
    const last = stream.taken >= stream.limit;
    if (last) {
      const { count, storeRevision } = stream.cursor;
      parts.unshift(this.#header(storeRevision));
      parts.push(encodeRangeEnd(count > stream.limit, count));
      this.cancel(serial);
    }
    const bytes = lengthOf(parts);
    if (bytes < this.#chunkBytes / 2) stream.chunkKeys *= 2;
    else if (bytes > this.#chunkBytes * 2) stream.chunkKeys = Math.max(1, stream.chunkKeys >> 1);
    this.#send(serial, parts, last); // last of all: who takes it may ask for the next at once
  }

  cancel(serial: number): void {
    this.#streams.get(serial)?.cursor.close();
    this.#streams.delete(serial);
  }

  stop(): void {
    for (const serial of [...this.#streams.keys()]) this.cancel(serial);
  }

  #whole(serial: number, query: RangeQuery): void {
    const result = this.#mvcc.range(query);
    this.#send(serial, [encodeRangeReply(this.#header(result.revision), result)], true);
  }

  /** Sends one `RangeStreamResponse` around a `RangeResponse`. */
  #send(serial: number, parts: readonly Uint8Array[], last: boolean): void {
    const prefix = new MessageBuilder().prefix(1, lengthOf(parts)).take();
    this.#emit({ kind: "chunk", serial, parts: [prefix, ...parts], last });
  }
}

function lengthOf(parts: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  return bytes;
}
