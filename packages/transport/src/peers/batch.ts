import { crc32c } from "@node-rs/crc32";

const lengthBytes = 4;
/** In front of each batch: CRC-32C of the rest. Without TLS nothing else would find what TCP's weak sum misses. */
export const batchHeadBytes = 4;

/** Bytes that a message of `length` bytes takes in a batch. */
export function framedBytes(length: number): number {
  return lengthBytes + length;
}

/** Writes a message behind its length. @returns the offset after it. */
export function writeFrame(target: Buffer, at: number, parts: readonly Uint8Array[], length: number): number {
  let end = target.writeUInt32BE(length, at);
  for (const part of parts) {
    target.set(part, end);
    end += part.length;
  }
  return end;
}

/** Fills in the head of a batch whose messages have been written. */
export function sealBatch(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(batchHeadBytes)), 0);
  return batch;
}

/**
 * Hands on each message of a batch, as a view into it.
 * @returns false, and hands on nothing, when the checksum is wrong or the lengths do not add up to the batch.
 */
export function readFrames(batch: Uint8Array, run: (message: Uint8Array) => void): boolean {
  const bytes = Buffer.from(batch.buffer, batch.byteOffset, batch.length);
  if (!isWhole(bytes)) return false;
  for (let at = batchHeadBytes; at < bytes.length; ) {
    const start = at + lengthBytes;
    at = start + bytes.readUInt32BE(at);
    run(bytes.subarray(start, at));
  }
  return true;
}

function isWhole(bytes: Buffer): boolean {
  if (bytes.length < batchHeadBytes || bytes.readUInt32BE(0) !== crc32c(bytes.subarray(batchHeadBytes))) return false;
  let at = batchHeadBytes;
  while (at + lengthBytes <= bytes.length) at += lengthBytes + bytes.readUInt32BE(at);
  return at === bytes.length;
}
