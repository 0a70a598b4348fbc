import type { LeaseId, LogIndex } from "@quorate/common";
import { type LeaseEvent, Lessor, type LessorOptions } from "../src/index.js";

export function leaseId(id: bigint | number): LeaseId {
  return BigInt(id) as LeaseId;
}

export function entry(index: number): LogIndex {
  return index as LogIndex;
}

export function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

export function texts(keys: readonly Uint8Array[] | undefined): string[] | undefined {
  return keys?.map((key) => Buffer.from(key).toString("latin1"));
}

/** A lessor that is primary from 0 ms on, with no extension. */
export function buildPrimary(options: Partial<LessorOptions> = {}, observe?: (event: LeaseEvent) => void): Lessor {
  const lessor = new Lessor(options, observe === undefined ? {} : { observe });
  lessor.promote(0, 0);
  return lessor;
}

/** Grants with defaults: a TTL of 10 s, at 0 ms, by entry 1. */
export function grant(lessor: Lessor, id: bigint | number, fields: { ttl?: number; at?: number; by?: number } = {}) {
  return lessor.grant(
    { id: leaseId(id), ttlSeconds: fields.ttl ?? 10, grantedAt: entry(fields.by ?? 1) },
    fields.at ?? 0,
  );
}

/** Grants `count` leases with ids from 1. */
export function grantMany(lessor: Lessor, count: number, fields: { ttl?: number; at?: number } = {}): void {
  for (let id = 1; id <= count; id++) grant(lessor, id, fields);
}
