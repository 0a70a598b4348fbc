import type { BucketChange } from "./head-layer.js";
import { bytesFromLatin1 } from "./key-range.js";

/** The side tables: small, wholly in memory, by latin1 key. */
export class Buckets {
  readonly #buckets = new Map<string, Map<string, Uint8Array>>();

  constructor(rows: readonly Readonly<{ bucket: string; key: string; value: Uint8Array }>[]) {
    for (const row of rows) this.#get(row.bucket).set(row.key, row.value);
  }

  get(name: string): ReadonlyMap<string, Uint8Array> {
    return this.#get(name);
  }

  apply(change: BucketChange): void {
    if (change.value === undefined) this.#get(change.bucket).delete(change.key);
    else this.#get(change.bucket).set(change.key, change.value);
  }

  /** All content in byte order, names included: what a hash is taken over. Empty tables do not count. */
  content(): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const [name, bucket] of [...this.#buckets].sort(byName)) {
      if (bucket.size === 0) continue;
      parts.push(Buffer.from(name));
      for (const [key, value] of [...bucket].sort(byName)) parts.push(bytesFromLatin1(key), value);
    }
    return Buffer.concat(parts);
  }

  #get(name: string): Map<string, Uint8Array> {
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      bucket = new Map();
      this.#buckets.set(name, bucket);
    }
    return bucket;
  }
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
