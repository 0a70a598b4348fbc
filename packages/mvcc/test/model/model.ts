import { hashRecords, keepSet, type ModelRecord } from "./hash.js";

export type { ModelRecord };

/** A span of keys; `end` undefined: to the end of all keys. */
export type ModelSpan = Readonly<{ start: string; end: string | undefined }>;

export type ModelQuery = Readonly<{
  span: ModelSpan;
  revision?: number | undefined;
  limit?: number | undefined;
  order?: "none" | "ascend" | "descend";
  target?: "key" | "version" | "create" | "mod" | "value";
  keysOnly?: boolean;
  countOnly?: boolean;
  minMod?: number | undefined;
  maxMod?: number | undefined;
  minCreate?: number | undefined;
  maxCreate?: number | undefined;
}>;

export type ModelResult = Readonly<{ count: number; more: boolean; records: readonly ModelRecord[] }>;
export type ModelHash = Readonly<{ hash: number; compacted: number; revision: number }>;

const inSpan = (span: ModelSpan, key: string): boolean =>
  key >= span.start && (span.end === undefined || key < span.end);

/**
 * etcd's key-value semantics in a few lines: a list of all changes ever made, searched from one end to the other. Slow, obvious, and
 * kept apart from the real store so that neither can inherit the other's mistakes.
 */
export class Model {
  revision = 1;
  compacted = -1;
  /** What compaction has left. */
  records: ModelRecord[] = [];
  readonly #hashes: ModelHash[] = [];

  /** Keys alive at a revision, in byte order. */
  aliveAt(revision: number): ModelRecord[] {
    const newest = new Map<string, ModelRecord>();
    for (const record of this.records) if (record.main <= revision) newest.set(record.key, record);
    return [...newest.values()].filter((record) => record.kind === "put").sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** "compacted", "future" or undefined: may be read. */
  refusal(revision: number): "compacted" | "future" | undefined {
    if (revision > this.revision) return "future";
    return revision < this.compacted ? "compacted" : undefined;
  }

  /** semantics.md "Range". The newest state includes what an open transaction has written. */
  range(query: ModelQuery): ModelResult {
    const all = this.aliveAt(query.revision ?? Number.POSITIVE_INFINITY).filter((record) =>
      inSpan(query.span, record.key),
    );
    if (query.countOnly === true) return { count: all.length, more: false, records: [] };
    const { order = "none", target = "key", limit = Number.POSITIVE_INFINITY } = query;
    let records = all.filter(
      (record) =>
        record.main <= (query.maxMod ?? Number.POSITIVE_INFINITY) &&
        record.main >= (query.minMod ?? 0) &&
        record.create <= (query.maxCreate ?? Number.POSITIVE_INFINITY) &&
        record.create >= (query.minCreate ?? 0),
    );
    const isFiltered = [query.maxMod, query.minMod, query.maxCreate, query.minCreate].some(
      (bound) => bound !== undefined,
    );
    if (order === "none" && !isFiltered) records = records.slice(0, limit + 1);
    const field = target === "mod" ? "main" : target;
    const sign = order === "descend" ? -1 : 1;
    records.sort((a, b) => sign * (a[field] < b[field] ? -1 : a[field] > b[field] ? 1 : 0));
    const more = records.length > limit;
    records = records.slice(0, limit);
    if (query.keysOnly === true) {
      records = records.map((record) => ({ ...record, value: "", lease: target === "value" ? record.lease : 0n }));
    }
    return { count: all.length, more, records };
  }

  /** Changes from a revision on. */
  history(from: number, span: ModelSpan): ModelRecord[] {
    return this.records.filter(
      (record) => record.main >= from && record.main <= this.revision && inSpan(span, record.key),
    );
  }

  begin(): ModelTransaction {
    return new ModelTransaction(this);
  }

  /** Logical and physical at once. @returns why not. */
  compact(to: number, options: { takesHash: boolean }): "compacted" | "future" | undefined {
    if (to <= this.compacted) return "compacted";
    if (to > this.revision) return "future";
    const keep = keepSet(this.records, to);
    if (options.takesHash) {
      const newest = new Map<string, ModelRecord>();
      for (const record of this.records) if (record.main <= to) newest.set(record.key, record);
      const deletions = [...newest.values()].filter((record) => record.kind === "delete" && record.main === to);
      const hash = hashRecords(this.records, {
        revision: to,
        compacted: this.compacted,
        keep: new Set([...keep, ...deletions]),
      });
      this.#hashes.push({ hash, compacted: this.compacted, revision: to });
      if (this.#hashes.length > 10) this.#hashes.shift();
    }
    this.records = this.records.filter(
      (record) => record.main > to || keep.has(record) || (record.main === to && record.kind === "delete"),
    );
    this.compacted = to;
    return undefined;
  }

  /** A restart forgets the hashes that compactions took. */
  restart(): void {
    this.#hashes.length = 0;
  }

  hashKv(revision: number): ModelHash {
    const stored = this.#hashes.find((hash) => hash.revision === revision);
    if (stored !== undefined) return stored;
    const at = { revision, compacted: this.compacted, keep: keepSet(this.records, revision) };
    return { hash: hashRecords(this.records, at), compacted: this.compacted, revision };
  }
}

/** Writes into the model; `abort` takes it all back. */
export class ModelTransaction {
  readonly #model: Model;
  readonly #before: ModelRecord[];
  #main: number;
  #sub = 0;

  constructor(model: Model) {
    this.#model = model;
    this.#before = model.records;
    this.#main = model.revision + 1;
    model.records = [...model.records];
  }

  /** Undefined stands for "keep". False: nothing to keep, nothing done. */
  put(key: string, value: string | undefined, lease: bigint | undefined): boolean {
    const old = this.#model.aliveAt(Number.POSITIVE_INFINITY).find((record) => record.key === key);
    if (old === undefined && (value === undefined || lease === undefined)) return false;
    this.#model.records.push({
      main: this.#main,
      sub: this.#sub++,
      kind: "put",
      key,
      value: value ?? (old as ModelRecord).value,
      create: old === undefined ? this.#main : old.create,
      version: old === undefined ? 1 : old.version + 1,
      lease: lease ?? (old as ModelRecord).lease,
    });
    return true;
  }

  /** @returns what was deleted. */
  deleteRange(span: ModelSpan): ModelRecord[] {
    const doomed = this.#model.aliveAt(Number.POSITIVE_INFINITY).filter((record) => inSpan(span, record.key));
    for (const { key } of doomed) {
      const deletion = {
        main: this.#main,
        sub: this.#sub++,
        kind: "delete",
        key,
        value: "",
        create: 0,
        version: 0,
        lease: 0n,
      } as const;
      this.#model.records.push(deletion);
    }
    return doomed;
  }

  nextRevision(): void {
    if (this.#sub === 0) return;
    this.#main++;
    this.#sub = 0;
  }

  commit(): void {
    this.#model.revision = this.#sub > 0 ? this.#main : this.#main - 1;
  }

  abort(): void {
    this.#model.records = this.#before;
  }
}
