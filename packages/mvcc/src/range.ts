import { compareBytes, type Revision } from "@quorate/common";
import { MvccError } from "./mvcc-error.js";
import type { RangeQuery, RangeResult, RangeSort } from "./mvcc.js";
import type { ReadView } from "./read-view.js";
import { keyOf, type ParsedRecord, parseRecord, recordValue, withoutValue } from "./record.js";
import { Slab } from "./slab.js";

/** The revisions of the store that a read is judged by. */
export type ReadBounds = Readonly<{ current: Revision; compacted: Revision | undefined }>;

/** @throws MvccError "mvcc/future-revision", "mvcc/compacted", in this order, as etcd checks. */
export function checkReadable(revision: Revision, bounds: ReadBounds): void {
  if (revision > bounds.current) {
    throw new MvccError({ code: "mvcc/future-revision", requested: revision, current: bounds.current });
  }
  if (bounds.compacted !== undefined && revision < bounds.compacted) {
    throw new MvccError({ code: "mvcc/compacted", requested: revision, compacted: bounds.compacted });
  }
}

/**
 * Answers a range read at `revision` (undefined: the newest, an open transaction's writes included).
 * @param storeRevision what the answer names as the store's revision.
 * @see semantics.md "Range": filters, then sort, then limit; but the limit first when the order is "none".
 */
export function readRange(
  view: ReadView,
  query: RangeQuery,
  revision: Revision | undefined,
  storeRevision: Revision,
): RangeResult {
  const { range } = query;
  const count = (): number => (revision === undefined ? view.count(range) : view.countAt(range, revision));
  if (query.countOnly === true) return { revision: storeRevision, count: count(), more: false, records: [] };
  const readLimit = recordsNeeded(query);
  const keepsValues = query.keysOnly !== true || query.sort?.target === "value";
  const found =
    keepsValues || revision !== undefined
      ? view.firstRecords(range, revision, readLimit)
      : readKeys(view, query, readLimit);
  // What was read to the end has been counted.
  const total = found.length < readLimit ? found.length : count();
  return { revision: storeRevision, count: total, ...arrangeRecords(query, found) };
}

/**
 * How many records, in byte order of the keys, decide the answer to a query: all of them (`Infinity`) when filters or a sort order must see each, else one
 * more than the limit.
 */
export function recordsNeeded(query: RangeQuery): number {
  const sort = query.sort ?? byKey;
  const needsAll = hasFilters(query) || !(sort.order === "none" || (sort.order === "ascend" && sort.target === "key"));
  return needsAll ? Number.POSITIVE_INFINITY : (query.limit ?? Number.POSITIVE_INFINITY) + 1;
}

/** Filters, sorts, cuts and strips the records a query needs, given in byte order of the keys. For who reads a range in pieces. */
export function arrangeRecords(
  query: RangeQuery,
  found: readonly Uint8Array[],
): { readonly records: readonly Uint8Array[]; readonly more: boolean } {
  const sort = query.sort ?? byKey;
  const limit = query.limit ?? Number.POSITIVE_INFINITY;
  let records = found;
  if (hasFilters(query)) records = records.filter((record) => passes(parseRecord(record), query));
  if (!(sort.target === "key" && sort.order !== "descend")) records = sortRecords(records, sort);
  const more = records.length > limit;
  if (more) records = records.slice(0, limit);
  if (query.keysOnly === true) records = stripped(records, sort.target === "value");
  return { records, more };
}

/** The records without their values; with their leases only when they were sorted by value, as etcd answers. */
export function stripped(records: readonly Uint8Array[], keepLease: boolean): Uint8Array[] {
  const slab = new Slab();
  return records.map((record) => withoutValue(slab, record, { keepLease }));
}

const byKey: RangeSort = { order: "none", target: "key" };

function readKeys(view: ReadView, query: RangeQuery, limit: number): Uint8Array[] {
  if (query.range.kind === "key") {
    const slab = new Slab();
    return view
      .firstRecords(query.range, undefined, limit)
      .map((record) => withoutValue(slab, record, { keepLease: false }));
  }
  const records: Uint8Array[] = [];
  for (const record of view.keyRecords(query.range, limit)) {
    records.push(record);
    if (records.length === limit) break;
  }
  return records;
}

function hasFilters(query: RangeQuery): boolean {
  const { minMod, maxMod, minCreate, maxCreate } = query;
  return minMod !== undefined || maxMod !== undefined || minCreate !== undefined || maxCreate !== undefined;
}

function passes(record: ParsedRecord, query: RangeQuery): boolean {
  const { modRevision: mod, createRevision: create } = record;
  if (query.maxMod !== undefined && mod > query.maxMod) return false;
  if (query.minMod !== undefined && mod < query.minMod) return false;
  if (query.maxCreate !== undefined && create > query.maxCreate) return false;
  return query.minCreate === undefined || create >= query.minCreate;
}

/** Stable in both directions; etcd's order of equal ones is unspecified. Order "none" with a target means ascending. */
function sortRecords(records: readonly Uint8Array[], sort: RangeSort): Uint8Array[] {
  const sign = sort.order === "descend" ? -1 : 1;
  if (sort.target === "key")
    return sign === 1 ? [...records] : [...records].sort((a, b) => compareBytes(keyOf(b), keyOf(a)));
  if (sort.target === "value") {
    const valued = records.map((record) => ({ record, value: recordValue(record) }));
    return valued.sort((a, b) => sign * compareBytes(a.value, b.value)).map((entry) => entry.record);
  }
  const field = sort.target === "version" ? "version" : sort.target === "create" ? "createRevision" : "modRevision";
  const numbered = records.map((record) => ({ record, number: parseRecord(record)[field] }));
  return numbered.sort((a, b) => sign * (a.number - b.number)).map((entry) => entry.record);
}
