const chunkBytes = 65_536;
const ownBytes = 4096;

/**
 * Hands out small pieces of large buffers. Making a buffer of its own costs Node more than half a microsecond, a piece of one a tenth of that. A piece keeps its
 * whole chunk alive, so this is for what lives shortly: entries on their way to the disk, answers on their way to a socket.
 */
export class ByteSlab {
  #chunk = new Uint8Array(0);
  #used = 0;

  /** Bytes nobody else has, not cleared: the caller writes all of them. Large ones are buffers of their own. */
  take(length: number): Uint8Array {
    if (length > ownBytes) return new Uint8Array(length);
    if (this.#used + length > this.#chunk.length) {
      this.#chunk = new Uint8Array(chunkBytes);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used = start + length;
    return this.#chunk.subarray(start, start + length);
  }
}
