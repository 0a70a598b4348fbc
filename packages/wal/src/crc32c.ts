import { crc32c as nativeCrc32c } from "@node-rs/crc32";

/** Below this many bytes the call into native code costs more than it saves (measured: equal at about 200 bytes). */
const nativeBytesMin = 192;
const slices = 8;

/** Tables for eight bytes at a time. @see Kounavis and Berry, A Systematic Approach to Building High Performance CRC Generators, 2005. */
const table = buildTable();

function buildTable(): Int32Array {
  const built = new Int32Array(256 * slices);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    built[byte] = crc;
  }
  for (let at = 256; at < built.length; at++) {
    const before = built[at - 256] as number;
    built[at] = (built[before & 255] as number) ^ (before >>> 8);
  }
  return built;
}

/**
 * CRC-32C (Castagnoli) of `bytes[start, end)`, going on from `initial`: the checksum of a concatenation is the checksum of the second
 * part that goes on from the first's.
 * @returns an unsigned 32-bit number.
 */
export function crc32c(bytes: Uint8Array, start: number, end: number, initial: number): number {
  if (end - start >= nativeBytesMin) return nativeCrc32c(viewOf(bytes, start, end), initial);
  return tableCrc32c(bytes, start, end, initial);
}

/** The same in JavaScript alone: for short runs, and to check the native one. */
export function tableCrc32c(bytes: Uint8Array, start: number, end: number, initial: number): number {
  const t = table;
  let crc = ~initial;
  let at = start;
  for (; end - at >= slices; at += slices) {
    crc ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    crc =
      (t[1792 + (crc & 255)] as number) ^
      (t[1536 + ((crc >>> 8) & 255)] as number) ^
      (t[1280 + ((crc >>> 16) & 255)] as number) ^
      (t[1024 + (crc >>> 24)] as number) ^
      (t[768 + (bytes[at + 4] as number)] as number) ^
      (t[512 + (bytes[at + 5] as number)] as number) ^
      (t[256 + (bytes[at + 6] as number)] as number) ^
      (t[bytes[at + 7] as number] as number);
  }
  for (; at < end; at++) crc = (t[(crc ^ (bytes[at] as number)) & 255] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** A Buffer, because the native code takes no plain array; it shares the memory. */
function viewOf(bytes: Uint8Array, start: number, end: number): Buffer {
  return Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset + start, end - start);
}
