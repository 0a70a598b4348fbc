/** One key with its value, as `mvccpb.KeyValue` shows it. Keys and values are latin1 text. */
export type ModelKv = Readonly<{
  key: string;
  createRevision: bigint;
  modRevision: bigint;
  version: bigint;
  value: string;
  lease: bigint;
}>;

/** One change of one key. Of a deletion, `kv` has the key and the revision only. */
export type ModelChange = Readonly<{ revision: number; kind: "put" | "delete"; kv: ModelKv }>;

/** A request for a range, with everything that may be left out. */
export type RangeRequest = Readonly<{
  key?: string;
  rangeEnd?: string;
  limit?: bigint;
  revision?: bigint;
  sortOrder?: number;
  sortTarget?: number;
  serializable?: boolean;
  keysOnly?: boolean;
  countOnly?: boolean;
  minModRevision?: bigint;
  maxModRevision?: bigint;
  minCreateRevision?: bigint;
  maxCreateRevision?: bigint;
}>;

export type PutRequest = Readonly<{
  key?: string;
  value?: string;
  lease?: bigint;
  prevKv?: boolean;
  ignoreValue?: boolean;
  ignoreLease?: boolean;
}>;

export type DeleteRequest = Readonly<{ key?: string; rangeEnd?: string; prevKv?: boolean }>;

/** semantics.md, "Key ranges". */
export function isInRange(key: string, start: string, end: string): boolean {
  if (end === "") return key === start;
  if (end === "\0") return key >= start;
  return key >= start && key < end;
}

/** Every change there ever was, in order, and nothing cleverer than looking through them. */
export class ModelStore {
  changes: ModelChange[] = [];
  revision = 1;
  /** The revision of the last compaction; -1 before the first. */
  compacted = -1;

  /** Keys alive at a revision, in byte order. Changes of an unfinished transaction count for `Infinity`. */
  alive(revision: number): ModelKv[] {
    const newest = new Map<string, ModelChange>();
    for (const change of this.changes) if (change.revision <= revision) newest.set(change.kv.key, change);
    return [...newest.values()]
      .filter(({ kind }) => kind === "put")
      .map(({ kv }) => kv)
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  find(key: string, revision = Number.POSITIVE_INFINITY): ModelKv | undefined {
    return this.alive(revision).find((kv) => kv.key === key);
  }

  /** Writes at the next revision, which `commit` makes the present one. */
  put(request: PutRequest): ModelKv | undefined {
    const { key = "", value = "", lease = 0n, ignoreValue = false, ignoreLease = false } = request;
    const old = this.find(key);
    const modRevision = BigInt(this.revision + 1);
    const kv = {
      key,
      createRevision: old?.createRevision ?? modRevision,
      modRevision,
      version: (old?.version ?? 0n) + 1n,
      value: ignoreValue ? (old?.value ?? "") : value,
      lease: ignoreLease ? (old?.lease ?? 0n) : lease,
    };
    this.changes.push({ revision: this.revision + 1, kind: "put", kv });
    return old;
  }

  delete(key: string, rangeEnd: string): ModelKv[] {
    const doomed = this.alive(Number.POSITIVE_INFINITY).filter((kv) => isInRange(kv.key, key, rangeEnd));
    const revision = this.revision + 1;
    for (const { key: gone } of doomed) {
      const kv = { key: gone, createRevision: 0n, modRevision: BigInt(revision), version: 0n, value: "", lease: 0n };
      this.changes.push({ revision, kind: "delete", kv });
    }
    return doomed;
  }

  /** What was written since the last commit. */
  uncommitted(): ModelChange[] {
    return this.changes.filter(({ revision }) => revision > this.revision);
  }

  /** @returns the changes that have become visible. */
  commit(): ModelChange[] {
    const written = this.uncommitted();
    if (written.length > 0) this.revision += 1;
    return written;
  }

  abort(): void {
    this.changes = this.changes.filter(({ revision }) => revision <= this.revision);
  }

  /** Forgets, of the compacted revision itself, what was changed again at that revision. What is older cannot be asked for. */
  compact(to: number): void {
    this.compacted = to;
    this.changes = this.changes.filter((change, at) => {
      if (change.revision !== to) return true;
      return !this.changes.some(
        (other, later) => later > at && other.revision === to && other.kv.key === change.kv.key,
      );
    });
  }

  /**
   * semantics.md, "Range": the body of the answer, without its header.
   * @param latest what is the newest state: `Infinity` lets a transaction see its own writes.
   */
  range(request: RangeRequest, latest = Number.POSITIVE_INFINITY): { kvs: ModelKv[]; more: boolean; count: bigint } {
    const { key = "", rangeEnd = "", revision = 0n, sortOrder = 0, sortTarget = 0 } = request;
    const at = revision <= 0n ? latest : Number(revision);
    const all = this.alive(at).filter((kv) => isInRange(kv.key, key, rangeEnd));
    const count = BigInt(all.length);
    if (request.countOnly === true) return { kvs: [], more: false, count };
    const wanted = request.limit ?? 0n;
    const limit = wanted > 0n && wanted < 1_000_000n ? Number(wanted) : Number.POSITIVE_INFINITY;
    const { isFiltered, passes } = filterOf(request);
    let kvs = all.filter(passes);
    if (sortOrder === 0 && !isFiltered) kvs = kvs.slice(0, limit + 1);
    const field = (["key", "version", "createRevision", "modRevision", "value"] as const)[sortTarget] ?? "key";
    const sign = sortOrder === 2 ? -1 : 1;
    kvs.sort((a, b) => sign * (a[field] < b[field] ? -1 : a[field] > b[field] ? 1 : 0));
    const more = kvs.length > limit;
    kvs = kvs.slice(0, limit);
    if (request.keysOnly === true) {
      kvs = kvs.map((kv) => ({ ...kv, value: "", lease: field === "value" ? kv.lease : 0n }));
    }
    return { kvs, more, count };
  }
}

function filterOf(request: RangeRequest): { isFiltered: boolean; passes: (kv: ModelKv) => boolean } {
  const { minModRevision: minMod = 0n, maxModRevision: maxMod = 0n } = request;
  const { minCreateRevision: minCreate = 0n, maxCreateRevision: maxCreate = 0n } = request;
  const isFiltered = [minMod, maxMod, minCreate, maxCreate].some((bound) => bound !== 0n);
  const passes = (kv: ModelKv): boolean =>
    (maxMod === 0n || kv.modRevision <= maxMod) &&
    (minMod === 0n || kv.modRevision >= minMod) &&
    (maxCreate === 0n || kv.createRevision <= maxCreate) &&
    (minCreate === 0n || kv.createRevision >= minCreate);
  return { isFiltered, passes };
}
