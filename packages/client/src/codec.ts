/** Bytes as a caller may give them: text stands for its UTF-8 form. */
export type Bytes = string | Uint8Array;

/** Turns values of a program into bytes of the store and back. */
export interface Codec<T> {
  /** @throws whatever it likes; the call is then refused before anything is sent. */
  encode(value: T): Uint8Array;
  /** Gets a view of a network buffer: copy what you keep. What it throws reaches the caller as "client/bad-value". */
  decode(bytes: Uint8Array): T;
}

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The UTF-8 bytes of a text; bytes are passed through. */
export function toBytes(value: Bytes): Uint8Array {
  return typeof value === "string" ? encoder.encode(value) : value;
}

/** UTF-8 text, both ways exact: bytes that are not UTF-8 are refused and never replaced. */
export const text: Codec<string> = {
  encode: (value) => encoder.encode(value),
  decode: (bytes) => strictDecoder.decode(bytes),
};

/** Bytes as they are. Results are copies of their own. */
export const bytes: Codec<Uint8Array> = {
  encode: (value) => value,
  decode: (value) => new Uint8Array(value),
};

/**
 * Values as JSON text.
 * @param check turns the parsed value into a `T` or throws: pass the `parse` of a schema to trust nothing that others wrote.
 */
export function json<T = unknown>(check?: (value: unknown) => T): Codec<T> {
  return {
    encode: (value) => encoder.encode(JSON.stringify(value)),
    decode(value) {
      const parsed: unknown = JSON.parse(strictDecoder.decode(value));
      return check === undefined ? (parsed as T) : check(parsed);
    },
  };
}

/** Keys that all begin with `start` in the store and do not in the program. */
export function prefixed<T>(start: Bytes, rest: Codec<T>): Codec<T> {
  const head = toBytes(start);
  return {
    encode(value) {
      const tail = rest.encode(value);
      const whole = new Uint8Array(head.length + tail.length);
      whole.set(head);
      whole.set(tail, head.length);
      return whole;
    },
    decode(value) {
      for (let at = 0; at < head.length; at += 1) {
        if (value[at] !== head[at]) throw new RangeError("the key does not begin with the prefix of its codec");
      }
      return rest.decode(value.subarray(head.length));
    },
  };
}
