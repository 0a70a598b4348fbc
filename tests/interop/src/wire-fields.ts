/** Fields of a protobuf message by number, in the order they came: numbers for varints, bytes for the rest. Enough for the test messages. */
export type WireFields = ReadonlyMap<number, readonly (number | Uint8Array)[]>;

/** Reads a message. Fields of fixed width, which the test messages do not have, are refused. */
export function readFields(bytes: Uint8Array): WireFields {
  const fields = new Map<number, (number | Uint8Array)[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("message is cut off");
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const values = fields.get(key >>> 3) ?? [];
    fields.set(key >>> 3, values);
    if ((key & 7) === 0) values.push(varint());
    else if ((key & 7) === 2) {
      const length = varint();
      values.push(bytes.slice(at, at + length));
      at += length;
    } else throw new Error(`wire type ${key & 7}`);
  }
  return fields;
}

/** Last number of a field, 0 when absent. */
export function numberOf(fields: WireFields, field: number): number {
  const value = fields.get(field)?.at(-1);
  return typeof value === "number" ? value : 0;
}

/** Last bytes of a field, or undefined. */
export function bytesOf(fields: WireFields, field: number): Uint8Array | undefined {
  const value = fields.get(field)?.at(-1);
  return value instanceof Uint8Array ? value : undefined;
}

/** Writes one field. */
export function writeField(field: number, value: number | Uint8Array): Uint8Array {
  if (typeof value === "number") return Buffer.from([...varintBytes(field * 8), ...varintBytes(value)]);
  return Buffer.concat([Buffer.from([...varintBytes(field * 8 + 2), ...varintBytes(value.length)]), value]);
}

function varintBytes(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}
