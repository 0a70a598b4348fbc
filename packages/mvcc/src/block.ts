import { assert } from "@quorate/common";
import { keyEndOf, keyStartOf } from "./record.js";

const keyTag = 0x0a;
const valueTag = 0x2a;

/**
 * Finds where each of many records begins that stand one after the other. No lengths are needed: each begins with its key, field 1,
 * and no other field is numbered so. The last entry is the end of all.
 */
export function recordStarts(bytes: Uint8Array): number[] {
  const starts: number[] = [];
  const { length } = bytes;
  let at = 0;
  while (at < length) {
    const tag = bytes[at++] as number;
    if (tag === keyTag) starts.push(at - 1);
    let byte = bytes[at++] as number;
    if (byte < 128) {
      if (tag === keyTag || tag === valueTag) at += byte;
      continue;
    }
    let number = byte & 127;
    for (let scale = 128; byte >= 128; scale *= 128) {
      byte = bytes[at++] as number;
      number += (byte & 127) * scale;
    }
    if (tag === keyTag || tag === valueTag) at += number;
  }
  assert(at === length, "records end where their bytes end");
  starts.push(length);
  return starts;
}

/** Cuts records that stand one after the other into views. */
export function splitRecords(bytes: Uint8Array | null): Uint8Array[] {
  return bytes === null ? [] : new Block(bytes).records(0, Number.POSITIVE_INFINITY);
}

/** Records in key order, one after the other in one piece of memory. */
export class Block {
  readonly #bytes: Uint8Array;
  readonly #starts: readonly number[];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#starts = recordStarts(bytes);
  }

  get length(): number {
    return this.#starts.length - 1;
  }

  /** Memory it takes, about. */
  get weight(): number {
    return this.#bytes.length + this.#starts.length * 8 + 200;
  }

  record(place: number): Uint8Array {
    const start = this.#starts[place] as number;
    return new Uint8Array(
      this.#bytes.buffer,
      this.#bytes.byteOffset + start,
      (this.#starts[place + 1] as number) - start,
    );
  }

  /** Views of the records in [from, to). */
  records(from: number, to: number): Uint8Array[] {
    const { buffer, byteOffset } = this.#bytes;
    const starts = this.#starts;
    const end = Math.min(to, this.length);
    const records: Uint8Array[] = [];
    for (let i = from; i < end; i++) {
      const start = starts[i] as number;
      records.push(new Uint8Array(buffer, byteOffset + start, (starts[i + 1] as number) - start));
    }
    return records;
  }

  /** The first place whose key is not below `key` (latin1). */
  lowerBound(key: string): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(middle, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The record of a key. */
  find(key: string): Uint8Array | undefined {
    const place = this.lowerBound(key);
    return place < this.length && this.#compare(place, key) === 0 ? this.record(place) : undefined;
  }

  #compare(place: number, key: string): number {
    const bytes = this.#bytes;
    const record = this.#starts[place] as number;
    const lengthByte = bytes[record + 1] as number;
    let at = record + 2;
    let length = lengthByte;
    if (lengthByte >= 128) {
      const whole = this.record(place);
      at = record + keyStartOf(whole);
      length = record + keyEndOf(whole) - at;
    }
    const common = Math.min(length, key.length);
    for (let i = 0; i < common; i++) {
      const difference = (bytes[at + i] as number) - key.charCodeAt(i);
      if (difference !== 0) return difference;
    }
    return length - key.length;
  }
}
