import { assert } from "@quorate/common";
import { ByteSlab } from "./byte-slab.js";

/**
 * Numbers of the members of `etcdserverpb.InternalRaftRequest` that this server writes, by what they ask for. `leaseWork` is our own:
 * what a leader's clock asks of many leases, in one entry.
 */
export const EntryField = {
  put: 4,
  deleteRange: 5,
  txn: 6,
  compaction: 7,
  leaseGrant: 8,
  leaseRevoke: 9,
  alarm: 10,
  clusterVersionSet: 1300,
  clusterMemberAttrSet: 1301,
  leaseWork: 20000,
} as const;

const headerField = 100;
const slab = new ByteSlab();
/** What the upper half of a 64-bit number counts in. */
export const two32 = 4_294_967_296;

/**
 * What pairs an entry with the caller that waits for it: the low 16 bits of the proposing member's id and a serial number of 48 bits,
 * which together are etcd's 64-bit request id.
 */
export type RequestId = Readonly<{ member: number; serial: number }>;

/** An entry taken apart. The request itself stays where it is, from `start` to `end`. */
export type EntryView = { field: number; start: number; end: number; member: number; serial: number };

/**
 * Encodes an internal request around a request that is already encoded.
 * @param body the request as the client sent it; it is copied, once.
 * @returns bytes that nobody else writes to, the same that a protobuf encoder of `InternalRaftRequest` would write.
 */
export function encodeEntry(field: number, body: Uint8Array, id: RequestId): Uint8Array {
  const idHigh = id.member * 65_536 + Math.floor(id.serial / two32);
  const idLow = id.serial % two32;
  const idLength = varint64Length(idHigh, idLow);
  const tagLength = varintLength(field * 8 + 2);
  const out = slab.take(tagLength + varintLength(body.length) + body.length + 3 + 1 + idLength);
  let at = writeVarint(out, 0, field * 8 + 2);
  at = writeVarint(out, at, body.length);
  out.set(body, at);
  at = writeVarint(out, at + body.length, headerField * 8 + 2);
  out[at++] = 1 + idLength;
  out[at++] = 8;
  at = writeVarint64(out, at, idHigh, idLow);
  assert(at === out.length, "an entry fills the bytes counted for it");
  return out;
}

/**
 * Finds the request in an entry that this server, or another member, has written. Empty data is a leader's first entry: `field` is 0.
 * What is damaged here was damaged on a disk that did not notice: nothing may be served then.
 */
export function viewEntry(data: Uint8Array): EntryView {
  const view: EntryView = { field: 0, start: 0, end: 0, member: 0, serial: 0 };
  let at = 0;
  while (at < data.length) {
    const tag = readVarint(data, at);
    at += varintLength(tag);
    assert(tag % 8 === 2, "an entry holds messages only");
    const length = readVarint(data, at);
    at += varintLength(length);
    assert(at + length <= data.length, "a request ends inside its entry");
    const field = Math.floor(tag / 8);
    if (field === headerField) readHeader(data, at, at + length, view);
    else {
      view.field = field;
      view.start = at;
      view.end = at + length;
    }
    at += length;
  }
  return view;
}

function readHeader(data: Uint8Array, start: number, end: number, view: EntryView): void {
  if (start === end || data[start] !== 8) return;
  let low = 0;
  let high = 0;
  let shift = 0;
  for (let at = start + 1; at < end; at++) {
    const byte = data[at] as number;
    const bits = byte & 0x7f;
    if (shift < 28) low += bits * 2 ** shift;
    else if (shift === 28) {
      low += (bits & 0x0f) * 2 ** 28;
      high += bits >>> 4;
    } else high += bits * 2 ** (shift - 32);
    if (byte < 0x80) break;
    shift += 7;
  }
  view.member = Math.floor(high / 65_536);
  view.serial = (high % 65_536) * two32 + low;
}

/** Bytes a whole number below 2^53 takes as a varint. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** Writes a whole number below 2^53 as a varint. @returns the place after it. */
export function writeVarint(out: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest > 0x7fff_ffff) {
    out[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  while (rest >= 128) {
    out[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[at++] = rest;
  return at;
}

function readVarint(data: Uint8Array, start: number): number {
  let value = 0;
  for (let at = start, factor = 1; at < data.length; at++, factor *= 128) {
    const byte = data[at] as number;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
  }
  assert(false, "a number ends inside its entry");
}

function varint64Length(high: number, low: number): number {
  return high === 0 ? varintLength(low) : varintLength(high * 16 + Math.floor(low / 268_435_456)) + 4;
}

function writeVarint64(out: Uint8Array, start: number, high: number, low: number): number {
  if (high === 0) return writeVarint(out, start, low);
  let at = start;
  let rest = low;
  for (let i = 0; i < 4; i++) {
    out[at++] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 128);
  }
  return writeVarint(out, at, high * 16 + rest);
}
