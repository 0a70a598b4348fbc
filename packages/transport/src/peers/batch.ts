const prefixBytes = 4;

/** Bytes that a message of `length` bytes takes in a batch. */
export function framedBytes(length: number): number {
  return prefixBytes + length;
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

/**
 * Hands on each message of a batch, as a view into it.
 * @returns false, and hands on nothing, when the lengths do not add up to the batch.
 */
export function readFrames(batch: Uint8Array, run: (message: Uint8Array) => void): boolean {
  if (!isWhole(batch)) return false;
  for (let at = 0; at < batch.length; ) {
    const start = at + prefixBytes;
    at = start + lengthAt(batch, at);
    run(batch.subarray(start, at));
  }
  return true;
}

function isWhole(batch: Uint8Array): boolean {
  let at = 0;
  while (at + prefixBytes <= batch.length) at += prefixBytes + lengthAt(batch, at);
  return at === batch.length;
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}
