import { assert, type LeaseId, type Revision } from "@quorate/common";
import { latin1FromSlice } from "./key-range.js";
import type { Slab } from "./slab.js";

/**
 * The stored form of one version of a key: mvccpb.KeyValue in protobuf, fields in number order, zero and empty ones left out.
 * Written and read by hand because it is the storage format and the hottest code: replies frame it as it is, HashKV hashes it as it is.
 */
const keyTag = 0x0a;
const createTag = 0x10;
const modTag = 0x18;
const versionTag = 0x20;
const valueTag = 0x2a;
const leaseTag = 0x30;

/** The numbers of a record. */
export type RecordNumbers = Readonly<{
  createRevision: Revision;
  modRevision: Revision;
  version: number;
  lease: LeaseId | undefined;
}>;

/** A record taken apart; positions are into the record. */
export type ParsedRecord = RecordNumbers &
  Readonly<{ keyStart: number; keyEnd: number; valueStart: number; valueEnd: number }>;

/** Bytes of a varint of a counter. */
export function varintLength(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  if (value < 0x10000000) return 4;
  let length = 5;
  for (let rest = Math.floor(value / 0x800000000); rest > 0; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** Writes a counter as varint and returns the position after it. */
export function writeVarint(out: Uint8Array, position: number, value: number): number {
  let at = position;
  let rest = value;
  while (rest > 0x7fffffff) {
    out[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  while (rest > 127) {
    out[at++] = (rest & 127) | 0x80;
    rest >>>= 7;
  }
  out[at++] = rest;
  return at;
}

const leaseLength = (lease: bigint): number => {
  let length = 1;
  for (let rest = BigInt.asUintN(64, lease) >> 7n; rest > 0n; rest >>= 7n) length++;
  return length;
};

function writeLease(out: Uint8Array, position: number, lease: bigint): number {
  let at = position;
  let rest = BigInt.asUintN(64, lease);
  for (; rest > 127n; rest >>= 7n) out[at++] = Number(rest & 127n) | 0x80;
  out[at++] = Number(rest);
  return at;
}

/** Encodes a put. Key and value are copied; the result is a view into the slab. */
export function encodeRecord(slab: Slab, key: Uint8Array, value: Uint8Array, numbers: RecordNumbers): Uint8Array {
  const { createRevision, modRevision, version, lease } = numbers;
  let size = 1 + varintLength(key.length) + key.length;
  size += 3 + varintLength(createRevision) + varintLength(modRevision) + varintLength(version);
  if (value.length > 0) size += 1 + varintLength(value.length) + value.length;
  if (lease !== undefined) size += 1 + leaseLength(lease);
  const record = slab.take(size);
  let at = writeKey(record, key);
  record[at++] = createTag;
  at = writeVarint(record, at, createRevision);
  record[at++] = modTag;
  at = writeVarint(record, at, modRevision);
  record[at++] = versionTag;
  at = writeVarint(record, at, version);
  if (value.length > 0) {
    record[at++] = valueTag;
    at = writeVarint(record, at, value.length);
    record.set(value, at);
    at += value.length;
  }
  if (lease !== undefined) {
    record[at++] = leaseTag;
    writeLease(record, at, lease);
  }
  return record;
}

function writeKey(record: Uint8Array, key: Uint8Array): number {
  record[0] = keyTag;
  const at = writeVarint(record, 1, key.length);
  record.set(key, at);
  return at + key.length;
}

/** Encodes what a delete event carries: key and mod_revision. The stored tombstone is its first field alone. */
export function encodeDeletion(slab: Slab, key: Uint8Array, revision: Revision): Uint8Array {
  const record = slab.take(2 + varintLength(key.length) + key.length + varintLength(revision));
  const at = writeKey(record, key);
  record[at] = modTag;
  writeVarint(record, at + 1, revision);
  return record;
}

/** The stored tombstone of a deletion's event record: the key alone. */
export function tombstoneOf(deletion: Uint8Array): Uint8Array {
  return deletion.subarray(0, keyEndOf(deletion));
}

/** Where the key of a record starts. */
export function keyStartOf(record: Uint8Array): number {
  if (record[0] !== keyTag) return 0;
  let at = 1;
  while ((record[at] as number) > 127) at++;
  return at + 1;
}

/** Where the key of a record ends. 0 for the empty key. */
export function keyEndOf(record: Uint8Array): number {
  if (record[0] !== keyTag) return 0;
  const first = record[1] as number;
  if (first < 128) return 2 + first;
  let length = first & 127;
  let at = 2;
  let scale = 128;
  for (;;) {
    const byte = record[at++] as number;
    length += (byte & 127) * scale;
    if (byte < 128) return at + length;
    scale *= 128;
  }
}

/** The key of a record, as a view. */
export function keyOf(record: Uint8Array): Uint8Array {
  return record.subarray(keyStartOf(record), keyEndOf(record));
}

/** The key of a record as a latin1 string. */
export function keyLatin1Of(record: Uint8Array): string {
  return latin1FromSlice(record, keyStartOf(record), keyEndOf(record));
}

/** The value of a record, as a view. */
export function recordValue(record: Uint8Array): Uint8Array {
  const { valueStart, valueEnd } = parseRecord(record);
  return record.subarray(valueStart, valueEnd);
}

/** Takes a put's record apart. @throws AssertionError when it is not one. */
export function parseRecord(record: Uint8Array): ParsedRecord {
  let createRevision = 0;
  let modRevision = 0;
  let version = 0;
  let valueStart = 0;
  let valueEnd = 0;
  let lease: LeaseId | undefined;
  const keyEnd = keyEndOf(record);
  let at = keyEnd;
  while (at < record.length) {
    const tag = record[at++] as number;
    let number = 0;
    let scale = 1;
    const start = at;
    for (;;) {
      const byte = record[at++] as number;
      assert(byte !== undefined, "a stored record ends with its last field");
      number += (byte & 127) * scale;
      if (byte < 128) break;
      scale *= 128;
    }
    if (tag === createTag) createRevision = number;
    else if (tag === modTag) modRevision = number;
    else if (tag === versionTag) version = number;
    else if (tag === valueTag) {
      valueStart = at;
      at += number;
      valueEnd = at;
    } else if (tag === leaseTag) lease = readLease(record, start);
    else assert(false, "a stored record has the fields of mvccpb.KeyValue only");
  }
  assert(at === record.length, "a stored record ends with its last field");
  return {
    createRevision: createRevision as Revision,
    modRevision: modRevision as Revision,
    version,
    lease,
    keyStart: keyStartOf(record),
    keyEnd,
    valueStart,
    valueEnd,
  };
}

function readLease(record: Uint8Array, start: number): LeaseId {
  let lease = 0n;
  let shift = 0n;
  for (let at = start; ; at++) {
    const byte = record[at] as number;
    lease |= BigInt(byte & 127) << shift;
    if (byte < 128) return BigInt.asIntN(64, lease) as LeaseId;
    shift += 7n;
  }
}

/** The mod_revision of a put's record. */
export function modRevisionOf(record: Uint8Array): number {
  let at = keyEndOf(record);
  for (;;) {
    const tag = record[at++] as number;
    let number = 0;
    let scale = 1;
    for (;;) {
      const byte = record[at++] as number;
      number += (byte & 127) * scale;
      if (byte < 128) break;
      scale *= 128;
    }
    if (tag === modTag) return number;
    assert(tag === createTag, "mod_revision comes right after create_revision");
  }
}

/** The record without its value, and without its lease unless `keepLease`: what a keys-only read answers. */
export function withoutValue(slab: Slab, record: Uint8Array, options: { keepLease: boolean }): Uint8Array {
  const parsed = parseRecord(record);
  const key = record.subarray(parsed.keyStart, parsed.keyEnd);
  return encodeRecord(slab, key, noValue, { ...parsed, lease: options.keepLease ? parsed.lease : undefined });
}

const noValue = new Uint8Array(0);
