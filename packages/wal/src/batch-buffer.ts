import { batchRecordBytes, putRecord, recordBytes, recordDataBytesMax, RecordType } from "./format.js";
import type { WalBatch, WalSnapshot } from "./wal.js";
import { WalError } from "./wal-error.js";

/** A batch buffer starts with this many bytes and goes back to it when a burst is over. */
export const batchBufferBytes = 1 << 20;
/** A buffer that has grown over this is dropped after use. */
const keptBytesMax = 8 << 20;

/** Makes memory for a buffer. */
export type AllocateBytes = (length: number) => Uint8Array;

/**
 * Gathers the records of one batch: the only copy of the bytes that are handed over. Room for the record at the batch's front is
 * kept free.
 */
export class BatchBuffer {
  readonly #allocate: AllocateBytes;
  readonly #pendingBytesMax: number;
  #bytes: Uint8Array;
  #used = batchRecordBytes;
  #entries = 0;

  constructor(options: { pendingBytesMax: number }, allocate: AllocateBytes) {
    this.#allocate = allocate;
    this.#pendingBytesMax = options.pendingBytesMax;
    this.#bytes = allocate(batchBufferBytes);
  }

  /** The memory; `[0, used)` counts. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Bytes of the batch, its front included. */
  get used(): number {
    return this.#used;
  }

  get entries(): number {
    return this.#entries;
  }

  get isEmpty(): boolean {
    return this.#used === batchRecordBytes;
  }

  /** Adds a reset, entries and a state. @throws WalError "wal/too-much-pending"; nothing was added then. */
  add(batch: WalBatch): void {
    const { reset } = batch;
    let needed = this.#used + (batch.state === undefined ? 0 : recordBytes(checkedLength(batch.state)));
    if (reset !== undefined) needed += recordBytes(checkedLength(reset.data));
    for (const entry of batch.entries) needed += recordBytes(checkedLength(entry.data));
    this.#reserve(needed);
    let at = this.#used;
    if (reset !== undefined) at = putRecord(this.#bytes, at, RecordType.reset, reset.index, reset.data);
    for (const entry of batch.entries) at = putRecord(this.#bytes, at, RecordType.entry, entry.index, entry.data);
    if (batch.state !== undefined) at = putRecord(this.#bytes, at, RecordType.state, 0, batch.state);
    this.#used = at;
    this.#entries += batch.entries.length;
  }

  /** Adds the record of a snapshot. @throws WalError "wal/too-much-pending". */
  addSnapshot(snapshot: WalSnapshot): void {
    this.#reserve(this.#used + recordBytes(checkedLength(snapshot.data)));
    this.#used = putRecord(this.#bytes, this.#used, RecordType.snapshot, snapshot.index, snapshot.data);
  }

  /** Adds what every log begins with. */
  addMetadata(metadata: Uint8Array): void {
    this.#reserve(this.#used + recordBytes(checkedLength(metadata)));
    this.#used = putRecord(this.#bytes, this.#used, RecordType.metadata, 0, metadata);
  }

  /** Makes the buffer empty for the next batch, and small again after a burst. */
  reset(): void {
    this.#used = batchRecordBytes;
    this.#entries = 0;
    if (this.#bytes.length > keptBytesMax) this.#bytes = this.#allocate(batchBufferBytes);
  }

  #reserve(needed: number): void {
    if (needed <= this.#bytes.length) return;
    if (needed > this.#pendingBytesMax) {
      throw new WalError({
        code: "wal/too-much-pending",
        pendingBytes: needed,
        pendingBytesMax: this.#pendingBytesMax,
      });
    }
    const grown = this.#allocate(Math.min(Math.max(needed, this.#bytes.length * 2), this.#pendingBytesMax));
    grown.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = grown;
  }
}

function checkedLength(data: Uint8Array): number {
  if (data.length < recordDataBytesMax) return data.length;
  throw new WalError({ code: "wal/too-much-pending", pendingBytes: data.length, pendingBytesMax: recordDataBytesMax });
}
