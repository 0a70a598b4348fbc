// Protobuf's wire format, written a second time and on purpose: a fault in the product's codec must not hide itself.

/** Bytes of a message under construction. */
export class WireWriter {
  readonly #chunks: Uint8Array[] = [];

  varint(value: bigint): void {
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, value);
    while (rest > 127n) {
      bytes.push(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
    this.#chunks.push(Uint8Array.from(bytes));
  }

  tag(field: number, wireType: 0 | 2): void {
    this.varint(BigInt(field * 8 + wireType));
  }

  delimited(bytes: Uint8Array): void {
    this.varint(BigInt(bytes.length));
    this.#chunks.push(bytes);
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }
}

export type WireField = { readonly number: number; readonly varint: bigint; readonly bytes: Uint8Array };

/** The fields of a message in the order in which they came. @throws RangeError when the bytes are not a message. */
export function readWireFields(bytes: Uint8Array): WireField[] {
  const fields: WireField[] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 63n) throw new RangeError("not a message: varint");
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
  };
  const take = (length: number) => {
    if (at + length > bytes.length) throw new RangeError("not a message: too short");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = Math.floor(tag / 8);
    if (tag % 8 === 0) fields.push({ number, varint: varint(), bytes: new Uint8Array() });
    else if (tag % 8 === 2) fields.push({ number, varint: 0n, bytes: take(Number(varint())) });
    else throw new RangeError(`not a message: wire type ${tag % 8}`);
  }
  return fields;
}

/** The varints of a packed list. */
export function readPacked(bytes: Uint8Array): bigint[] {
  const values: bigint[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of bytes) {
    value |= BigInt(byte & 127) << shift;
    shift += 7n;
    if (byte < 128) {
      values.push(BigInt.asUintN(64, value));
      value = 0n;
      shift = 0n;
    }
  }
  return values;
}
