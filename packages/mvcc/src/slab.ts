/** Bytes of one piece of a slab. Larger requests get memory of their own. */
const pieceBytes = 128 * 1024;

/**
 * Hands out small byte arrays from larger pieces of memory: one allocation for hundreds of records, and no socket buffer is kept
 * alive by a record. A piece is freed when the last array from it is.
 */
export class Slab {
  #piece: ArrayBuffer | undefined;
  #used = 0;

  /** `size` bytes of undefined content. */
  take(size: number): Uint8Array {
    if (size > pieceBytes / 8) return Buffer.allocUnsafeSlow(size);
    if (this.#piece === undefined || this.#used + size > pieceBytes) {
      this.#piece = Buffer.allocUnsafeSlow(pieceBytes).buffer as ArrayBuffer;
      this.#used = 0;
    }
    const bytes = new Uint8Array(this.#piece, this.#used, size);
    this.#used += size;
    return bytes;
  }
}
