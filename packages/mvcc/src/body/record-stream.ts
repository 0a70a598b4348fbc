import { assert } from "@quorate/common";

const keyTag = 0x0a;
const valueTag = 0x2a;

/**
 * Cuts records that stand one after the other. No lengths are needed: each begins with its key, field 1, and no other field is
 * numbered so.
 */
export function splitRecords(bytes: Uint8Array | null): Uint8Array[] {
  const records: Uint8Array[] = [];
  if (bytes === null) return records;
  const { buffer, byteOffset, length } = bytes;
  let start = 0;
  let at = 0;
  while (at < length) {
    const tag = bytes[at++] as number;
    if (tag === keyTag && at - 1 > start) {
      records.push(new Uint8Array(buffer, byteOffset + start, at - 1 - start));
      start = at - 1;
    }
    let number = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes[at++] as number;
      number += (byte & 127) * scale;
      if (byte < 128) break;
      scale *= 128;
    }
    if (tag === keyTag || tag === valueTag) at += number;
  }
  assert(at === length, "records end where their bytes end");
  records.push(new Uint8Array(buffer, byteOffset + start, length - start));
  return records;
}
