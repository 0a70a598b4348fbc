/**
 * The keys attached to one lease. Most leases have none or one, some have hundreds of thousands, so the form follows the number:
 * nothing, one string, a set. Keys are kept as latin1 strings, one byte a character, whose order is that of their bytes.
 */
export type AttachedKeys = undefined | string | Set<string>;

/** `keys` with `key` in it. A set is changed in place. */
export function withKey(keys: AttachedKeys, key: Uint8Array): AttachedKeys {
  const text = textOf(key);
  if (keys === undefined || keys === text) return text;
  if (typeof keys === "string") return new Set([keys, text]);
  return keys.add(text);
}

/** `keys` without `key`. A set is changed in place. */
export function withoutKey(keys: AttachedKeys, key: Uint8Array): AttachedKeys {
  if (keys === undefined) return undefined;
  const text = textOf(key);
  if (typeof keys === "string") return keys === text ? undefined : keys;
  keys.delete(text);
  return keys.size === 0 ? undefined : keys;
}

/** The keys in byte order. */
export function sortedKeys(keys: AttachedKeys): Uint8Array[] {
  if (keys === undefined) return [];
  if (typeof keys === "string") return [bytesOf(keys)];
  return [...keys].sort().map(bytesOf);
}

/** How many keys there are. */
export function countOfKeys(keys: AttachedKeys): number {
  if (keys === undefined) return 0;
  return typeof keys === "string" ? 1 : keys.size;
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}

function bytesOf(text: string): Uint8Array {
  // Its own memory: a slice of Buffer's pool would keep 8 KiB alive for as long as the key is kept.
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
