import type { Codec } from "./codec.js";

type Shape<K> =
  | { readonly kind: "prefix"; readonly prefix: K }
  | { readonly kind: "between"; readonly first: K; readonly end: K }
  | { readonly kind: "from"; readonly first: K }
  | { readonly kind: "everything" };

/** Several keys next to each other in byte order. Made by `prefix`, `between`, `from` and `everything`. */
export class Span<K> {
  /** @internal */
  readonly shape: Shape<K>;

  constructor(shape: Shape<K>) {
    this.shape = shape;
  }
}

/** All keys that begin with this one, itself included. The empty prefix is every key (of the codec's prefix, if it has one). */
export function prefix<K>(key: K): Span<K> {
  return new Span({ kind: "prefix", prefix: key });
}

/** Keys from `first` up to and without `end`, compared byte by byte. */
export function between<K>(first: K, end: K): Span<K> {
  return new Span({ kind: "between", first, end });
}

/** This key and all behind it, to the end of the store: beyond the prefix of a codec too. */
export function from<K>(first: K): Span<K> {
  return new Span({ kind: "from", first });
}

/** Every key of the store, whatever the codec's prefix. */
export const everything: Span<never> = new Span({ kind: "everything" });

/** A key and a range end as etcd's messages carry them. */
export type WireRange = { readonly key: Uint8Array; readonly rangeEnd: Uint8Array };

const none = new Uint8Array(0);
const zero = new Uint8Array([0]);

/** The range of a single key or a span. An empty first key means the first key there is. */
export function wireRange<K>(target: K | Span<K>, codec: Codec<K>): WireRange {
  if (!(target instanceof Span)) return { key: codec.encode(target), rangeEnd: none };
  const shape = target.shape;
  switch (shape.kind) {
    case "prefix": {
      const key = codec.encode(shape.prefix);
      return { key: firstKey(key), rangeEnd: prefixEnd(key) };
    }
    case "between":
      return { key: firstKey(codec.encode(shape.first)), rangeEnd: codec.encode(shape.end) };
    case "from":
      return { key: firstKey(codec.encode(shape.first)), rangeEnd: zero };
    case "everything":
      return { key: zero, rangeEnd: zero };
  }
}

/** The first key behind all that begin with `key`; one zero byte, which means the end of the store, when there is none. */
export function prefixEnd(key: Uint8Array): Uint8Array {
  for (let last = key.length - 1; last >= 0; last -= 1) {
    const byte = key[last] ?? 0;
    if (byte === 0xff) continue;
    const end = Uint8Array.from(key.subarray(0, last + 1)); // not `slice`: a Buffer's shares its bytes
    end[last] = byte + 1;
    return end;
  }
  return zero;
}

function firstKey(key: Uint8Array): Uint8Array {
  return key.length === 0 ? zero : key;
}
