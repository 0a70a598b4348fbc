/** One key, or all keys from `start` on and before `end` (undefined: to the end of all keys). Byte order. */
export type KeyRange =
  | { readonly kind: "key"; readonly key: Uint8Array }
  | { readonly kind: "span"; readonly start: Uint8Array; readonly end: Uint8Array | undefined };

/**
 * Reads a range as etcd writes it: an empty `rangeEnd` is the key alone, one zero byte is "to the end of all keys". An end at or
 * before the key gives a span that holds nothing.
 * @see semantics.md of etcd 3.7.1, "Key ranges".
 */
export function keyRangeFromWire(key: Uint8Array, rangeEnd: Uint8Array): KeyRange {
  if (rangeEnd.length === 0) return { kind: "key", key };
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return { kind: "span", start: key, end: undefined };
  return { kind: "span", start: key, end: rangeEnd };
}

type Latin1Slice = (this: Uint8Array, start: number, end: number) => string;
const latin1Slice: Latin1Slice = (Buffer.prototype as unknown as { latin1Slice: Latin1Slice }).latin1Slice;

/** Bytes as a string of one character a byte. Such strings compare with `<` as their bytes do, and are cheap to look up. */
export function latin1FromBytes(bytes: Uint8Array): string {
  return latin1Slice.call(bytes, 0, bytes.length);
}

/** Part of `bytes` as a string of one character a byte. */
export function latin1FromSlice(bytes: Uint8Array, start: number, end: number): string {
  return latin1Slice.call(bytes, start, end);
}

/** The inverse of `latin1FromBytes`. */
export function bytesFromLatin1(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

/** A span in latin1 form. `end` undefined: to the end of all keys. */
export type TextSpan = Readonly<{ start: string; end: string | undefined }>;

/** The span of a range; a single key is the span that ends right after it. */
export function textSpanOf(range: KeyRange): TextSpan {
  if (range.kind === "key") {
    const start = latin1FromBytes(range.key);
    return { start, end: `${start}\0` };
  }
  const start = latin1FromBytes(range.start);
  return {
    // No key is empty, so what begins at the first possible key begins at the beginning: no fence is cut there.
    start: start === "\0" ? "" : start,
    end: range.end === undefined ? undefined : latin1FromBytes(range.end),
  };
}

/** True when the key lies in the span. */
export function spanHas(span: TextSpan, key: string): boolean {
  return key >= span.start && (span.end === undefined || key < span.end);
}

/** True when no key can lie in the span. */
export function isEmptySpan(span: TextSpan): boolean {
  return span.end !== undefined && span.end <= span.start;
}
