/** A message as tests write and compare it: bytes are latin1 text, everything else is as the codec gives it. */
export type Plain =
  | string
  | number
  | bigint
  | boolean
  | undefined
  | readonly Plain[]
  | { readonly [name: string]: Plain };
export type PlainMessage = { readonly [name: string]: Plain };

/** Turns the bytes of a decoded message into text, and copies them on the way. */
export function plainOf(value: unknown): Plain {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("latin1");
  if (Array.isArray(value)) return value.map(plainOf);
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, member]) => member !== undefined);
    return Object.fromEntries(entries.map(([name, member]) => [name, plainOf(member)]));
  }
  return value as Plain;
}

/** What is text in requests: the name of a oneof's member, and URLs. */
const textFields: ReadonlySet<string> = new Set(["kind", "peerURLs"]);

/** Turns text into bytes again, but for the few fields that are text. */
export function messageOf(value: Plain): unknown {
  if (typeof value === "string") return Buffer.from(value, "latin1");
  if (Array.isArray(value)) return value.map(messageOf);
  if (typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [name, textFields.has(name) ? member : messageOf(member)]),
    );
  }
  return value;
}
