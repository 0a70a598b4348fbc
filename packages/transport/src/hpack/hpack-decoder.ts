import { HeaderField } from "./header-field.js";
import { huffmanDecode } from "./huffman.js";
import { staticEntries, staticLength } from "./static-table.js";

/** A block that breaks RFC 7541. The tables of both sides differ from here on, so the connection cannot go on. */
export class HpackError extends Error {
  override readonly name = "HpackError";
}

const staticFields = staticEntries.map(([name, value]) => new HeaderField(name, value));
const emptyFields: readonly HeaderField[] = [];

/** The fields of one block. `isTooLarge`: the list went over its bound and `fields` is empty; the table has been kept right. */
export type DecodedBlock = { fields: readonly HeaderField[]; isTooLarge: boolean };

/**
 * Decodes header blocks of one connection, in the order in which they came (RFC 7541).
 * `version` grows with each change of the dynamic table: equal bytes at an equal version have equal fields.
 */
export class HpackDecoder {
  version = 0;
  private readonly tableBytesCeiling: number;
  private readonly listBytesMax: number;
  private tableBytesMax: number;
  private tableBytes = 0;
  /** A ring of fields, newest at `head`. Its length is a power of two. */
  private ring: (HeaderField | undefined)[] = new Array(16).fill(undefined);
  private head = 0;
  private count = 0;
  private at = 0;
  private scratch = Buffer.allocUnsafeSlow(256);

  /** `tableBytesMax`: what our SETTINGS_HEADER_TABLE_SIZE says. `listBytesMax`: bound of the decoded list, as RFC 9113 counts it. */
  constructor(options: { tableBytesMax: number; listBytesMax: number }) {
    this.tableBytesCeiling = options.tableBytesMax;
    this.tableBytesMax = options.tableBytesMax;
    this.listBytesMax = options.listBytesMax;
  }

  /** Bytes of the dynamic table, as the RFC counts them. */
  get heldBytes(): number {
    return this.tableBytes;
  }

  /** Decodes `bytes[start, end)`, one whole block. @throws HpackError */
  decode(bytes: Buffer, start: number, end: number): DecodedBlock {
    const fields: HeaderField[] = [];
    let listBytes = 0;
    let mayResize = true;
    this.at = start;
    while (this.at < end) {
      const byte = bytes[this.at] as number;
      if ((byte & 0xe0) === 0x20) {
        if (!mayResize) throw new HpackError("table size update after a field");
        this.resize(this.integer(bytes, end, 0x1f));
        continue;
      }
      mayResize = false;
      const field = byte >= 0x80 ? this.fieldAt(this.integer(bytes, end, 0x7f)) : this.literal(bytes, end, byte);
      listBytes += field.name.length + field.value.length + 32;
      if (listBytes <= this.listBytesMax) fields.push(field);
    }
    return listBytes > this.listBytesMax ? { fields: emptyFields, isTooLarge: true } : { fields, isTooLarge: false };
  }

  private literal(bytes: Buffer, end: number, byte: number): HeaderField {
    const isIndexed = (byte & 0xc0) === 0x40;
    const index = this.integer(bytes, end, isIndexed ? 0x3f : 0x0f);
    const name = index === 0 ? this.text(bytes, end) : this.fieldAt(index).name;
    const field = new HeaderField(name, this.text(bytes, end));
    if (isIndexed) this.insert(field);
    return field;
  }

  private integer(bytes: Buffer, end: number, mask: number): number {
    let value = (bytes[this.at++] as number) & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.at >= end) throw new HpackError("integer is cut off");
      const byte = bytes[this.at++] as number;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new HpackError("integer is too large");
  }

  private text(bytes: Buffer, end: number): string {
    if (this.at >= end) throw new HpackError("string is cut off");
    const isHuffman = (bytes[this.at] as number) >= 0x80;
    const length = this.integer(bytes, end, 0x7f);
    const from = this.at;
    const to = from + length;
    if (to > end) throw new HpackError("string is cut off");
    this.at = to;
    if (!isHuffman) return bytes.toString("latin1", from, to);
    const room = Math.ceil((length * 8) / 5);
    if (this.scratch.length < room) this.scratch = Buffer.allocUnsafeSlow(room);
    const written = huffmanDecode(bytes, from, to, this.scratch);
    if (written < 0) throw new HpackError("Huffman code is broken");
    const text = this.scratch.toString("latin1", 0, written);
    if (this.scratch.length > 16384) this.scratch = Buffer.allocUnsafeSlow(256);
    return text;
  }

  private fieldAt(index: number): HeaderField {
    if (index === 0) throw new HpackError("index 0");
    if (index <= staticLength) return staticFields[index - 1] as HeaderField;
    const age = index - staticLength - 1;
    if (age >= this.count) throw new HpackError("index beyond the table");
    return this.ring[(this.head - age) & (this.ring.length - 1)] as HeaderField;
  }

  private insert(field: HeaderField): void {
    this.version++;
    const size = field.size;
    this.evict(this.tableBytesMax - size);
    if (size > this.tableBytesMax) return; // RFC 7541 section 4.4: empties the table, is no error
    if (this.count === this.ring.length) this.grow();
    this.head = (this.head + 1) & (this.ring.length - 1);
    this.ring[this.head] = field;
    this.count++;
    this.tableBytes += size;
  }

  private evict(bytesMax: number): void {
    while (this.tableBytes > bytesMax && this.count > 0) {
      const oldest = (this.head - this.count + 1) & (this.ring.length - 1);
      this.tableBytes -= (this.ring[oldest] as HeaderField).size;
      this.ring[oldest] = undefined;
      this.count--;
    }
  }

  private grow(): void {
    const fields = Array.from({ length: this.count }, (_, age) => this.fieldAt(staticLength + this.count - age));
    this.ring = [...fields, ...new Array<undefined>(this.ring.length).fill(undefined)];
    this.head = this.count - 1;
  }

  private resize(bytesMax: number): void {
    if (bytesMax > this.tableBytesCeiling) throw new HpackError("table size update above the setting");
    if (bytesMax === this.tableBytesMax) return;
    this.version++;
    this.tableBytesMax = bytesMax;
    this.evict(bytesMax);
  }
}
