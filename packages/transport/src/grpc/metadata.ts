/** A value of metadata: text, or bytes where the key ends in `-bin`. */
export type MetadataValue = string | Uint8Array;

const nothing: readonly string[] = [];

/**
 * Metadata of a call: keys in lower case, several values each. Keys that end in `-bin` have bytes (base64 on the wire), others ASCII text.
 * Never changes once made, so one object may serve many calls.
 */
export class Metadata {
  /** As on the wire: names in lower case, values latin1, binary ones base64. */
  readonly wireFields: readonly (readonly [string, string])[];

  /** @throws TypeError for a name or a value that no header may have, or a reserved name (`grpc-...`, `:...`). */
  constructor(entries: Iterable<readonly [string, MetadataValue]> = []) {
    this.wireFields = Array.from(entries, ([name, value]) => toWire(name.toLowerCase(), value));
  }

  /** Takes fields as they came, unchecked. */
  static fromWire(fields: readonly (readonly [string, string])[]): Metadata {
    const metadata = Object.create(Metadata.prototype) as { wireFields: readonly (readonly [string, string])[] };
    metadata.wireFields = fields;
    return metadata as Metadata;
  }

  /** First value of a key, or undefined. A binary value comes as its base64 text. */
  get(name: string): string | undefined {
    for (const field of this.wireFields) if (field[0] === name) return field[1];
    return undefined;
  }

  /** All values of a key, in the order sent. */
  getAll(name: string): readonly string[] {
    let values: string[] | undefined;
    for (const field of this.wireFields) {
      if (field[0] !== name) continue;
      values ??= [];
      values.push(field[1]);
    }
    return values ?? nothing;
  }

  /** All values of a `-bin` key as bytes; values joined by commas are taken apart. */
  getBinary(name: string): readonly Uint8Array[] {
    return this.getAll(name).flatMap((text) => text.split(",").map((part) => Buffer.from(part, "base64")));
  }

  /** Every key and value in the order sent, binary values as bytes. */
  *entries(): IterableIterator<readonly [string, MetadataValue]> {
    for (const [name, text] of this.wireFields) {
      if (!name.endsWith("-bin")) yield [name, text];
      else for (const part of text.split(",")) yield [name, Buffer.from(part, "base64")];
    }
  }
}

/** No metadata. */
export const emptyMetadata: Metadata = new Metadata();

function toWire(name: string, value: MetadataValue): readonly [string, string] {
  if (!/^[a-z0-9_.-]+$/.test(name) || name.startsWith("grpc-"))
    throw new TypeError(`metadata key ${JSON.stringify(name)}`);
  if (typeof value !== "string") {
    if (!name.endsWith("-bin")) throw new TypeError(`bytes for metadata key ${name}`);
    return [name, Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64").replace(/=+$/, "")];
  }
  if (name.endsWith("-bin")) throw new TypeError(`text for metadata key ${name}`);
  if (!/^[\x20-\x7e]*$/.test(value)) throw new TypeError(`value of metadata key ${name}`);
  return [name, value];
}
