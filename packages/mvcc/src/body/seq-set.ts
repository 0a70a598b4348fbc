const bitsPerChunk = 1 << 15;

/** A set of places in the history: one bit each, in chunks, so that a million of them take little. */
export class SeqSet {
  readonly #chunks = new Map<number, Uint8Array>();

  add(seq: number): void {
    const chunk = Math.floor(seq / bitsPerChunk);
    let bits = this.#chunks.get(chunk);
    if (bits === undefined) {
      bits = new Uint8Array(bitsPerChunk / 8);
      this.#chunks.set(chunk, bits);
    }
    const bit = seq % bitsPerChunk;
    bits[bit >>> 3] = (bits[bit >>> 3] as number) | (1 << (bit & 7));
  }

  has(seq: number): boolean {
    const bit = seq % bitsPerChunk;
    const byte = this.#chunks.get(Math.floor(seq / bitsPerChunk))?.[bit >>> 3] ?? 0;
    return (byte & (1 << (bit & 7))) !== 0;
  }
}
