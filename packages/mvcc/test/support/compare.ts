import type { LeaseId, Revision } from "@quorate/common";
import type { Change, KeyRange, RangeQuery } from "../../src/index.js";
import { parseRecord } from "../../src/record.js";
import type { ModelQuery, ModelRecord, ModelSpan } from "../model/model.js";
import { bytes, text } from "./open.js";

export const rangeOf = (span: ModelSpan): KeyRange =>
  span.end === `${span.start}\0`
    ? { kind: "key", key: bytes(span.start) }
    : { kind: "span", start: bytes(span.start), end: span.end === undefined ? undefined : bytes(span.end) };

export const leaseOf = (lease: bigint): LeaseId | undefined => (lease === 0n ? undefined : (lease as LeaseId));

/** A model's query as the store takes it. */
export function queryOf(query: ModelQuery): RangeQuery {
  const { span, order, target, ...rest } = query;
  const sort = { order: order ?? "none", target: target ?? "key" } as const;
  return { ...(rest as Omit<RangeQuery, "range">), range: rangeOf(span), sort };
}

/** A record of the model as one line. */
export const modelLine = (record: ModelRecord): string =>
  JSON.stringify([record.key, record.value, record.create, record.main, record.version, String(record.lease)]);

/** A record of the store as the same line. */
export function recordLine(record: Uint8Array): string {
  const parsed = parseRecord(record);
  const key = text(record.subarray(parsed.keyStart, parsed.keyEnd));
  const value = text(record.subarray(parsed.valueStart, parsed.valueEnd));
  const { createRevision, modRevision, version, lease } = parsed;
  return JSON.stringify([key, value, createRevision, modRevision, version, String(lease ?? 0n)]);
}

export const modelChange = (record: ModelRecord): string =>
  `${record.main}/${record.sub} ${record.kind} ${JSON.stringify(record.key)} ${record.kind === "put" ? modelLine(record) : ""}`;

export const changeLine = (change: Change): string =>
  `${change.revision}/${change.sub} ${change.kind} ${JSON.stringify(change.keyLatin1)} ${change.kind === "put" ? recordLine(change.record) : ""}`;

export const at = (revision: number): Revision => revision as Revision;
