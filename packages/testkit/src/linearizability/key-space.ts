import type { Guard, KeyEvent, KeyRequest, KeyResult, KeySpan, KeyState } from "./history.js";

/** A small store as the rules of etcd have it: what the checker compares answers with. */
export class KeySpace {
  readonly #keys: Map<string, KeyState>;

  constructor(keys: Iterable<readonly [string, KeyState]> = []) {
    this.#keys = new Map(keys);
  }

  copy(): KeySpace {
    return new KeySpace(this.#keys);
  }

  get(key: string): KeyState | undefined {
    return this.#keys.get(key);
  }

  /** Keys in byte order. */
  range({ key, end }: KeySpan): KeyState[] {
    if (end === undefined) {
      const found = this.#keys.get(key);
      return found === undefined ? [] : [found];
    }
    const found = [...this.#keys.values()].filter((state) => state.key >= key && state.key < end);
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Keys that hang on a lease, in byte order. */
  attached(lease: bigint): KeyState[] {
    const found = [...this.#keys.values()].filter((state) => state.lease === lease);
    return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  apply(event: KeyEvent, revision: number): void {
    const { key } = event;
    if (event.kind === "delete") {
      this.#keys.delete(key);
      return;
    }
    const { value, lease } = event;
    const before = this.#keys.get(key);
    const createRevision = before?.createRevision ?? revision;
    const version = (before?.version ?? 0) + 1;
    this.#keys.set(key, { key, value, createRevision, modRevision: revision, version, lease });
  }

  /**
   * What a request does here, and what it is answered. Nothing here changes.
   * @param revision the one that its changes would have.
   */
  evaluate(request: KeyRequest, revision: number): { events: KeyEvent[]; result: KeyResult } {
    const events: KeyEvent[] = [];
    // Only a transaction sees its own writes.
    const space = request.kind === "txn" ? this.copy() : this;
    const result = space.#evaluate(request, revision, events);
    return { events, result };
  }

  #evaluate(request: KeyRequest, revision: number, events: KeyEvent[]): KeyResult {
    switch (request.kind) {
      case "put":
        events.push(request);
        return { kind: "put" };
      case "delete": {
        const gone = this.range(request);
        for (const { key } of gone) events.push({ kind: "delete", key });
        return { kind: "delete", deleted: gone.length };
      }
      case "range":
        return { kind: "range", keys: this.range(request) };
      case "revoke":
        for (const { key } of this.attached(request.lease)) events.push({ kind: "delete", key });
        return { kind: "revoke" };
      case "txn": {
        const succeeded = request.guards.every((guard) => this.#holds(guard));
        const results = (succeeded ? request.success : request.failure).map((inner) => {
          const own: KeyEvent[] = [];
          const result = this.#evaluate(inner, revision, own);
          for (const event of own) if (inner.kind !== "txn") this.apply(event, revision);
          events.push(...own);
          return result;
        });
        return { kind: "txn", succeeded, results };
      }
    }
  }

  #holds({ key, relation, target }: Guard): boolean {
    const found = this.#keys.get(key);
    if (target.kind === "value") return found !== undefined && isSo(relation, found.value, target.value);
    const numbers = { version: found?.version, create: found?.createRevision, mod: found?.modRevision };
    return isSo(relation, numbers[target.kind] ?? 0, target.number);
  }
}

function isSo<Value extends string | number>(relation: Guard["relation"], a: Value, b: Value): boolean {
  return relation === "equal" ? a === b : relation === "less" ? a < b : a > b;
}

/** True when a request that was answered so has changed something; undefined when the answer does not say. */
export function hasWritten(result: KeyResult): boolean | undefined {
  switch (result.kind) {
    case "put":
      return true;
    case "delete":
      return result.deleted > 0;
    case "range":
      return false;
    case "txn":
      return result.results.some((inner) => hasWritten(inner) === true);
    case "revoke":
      return undefined;
  }
}

export function isSameEvent(a: KeyEvent, b: KeyEvent): boolean {
  if (a.kind !== b.kind || a.key !== b.key) return false;
  return a.kind === "delete" || (b.kind === "put" && a.value === b.value && a.lease === b.lease);
}

export function isSameResult(a: KeyResult, b: KeyResult): boolean {
  if (a.kind === "delete" && b.kind === "delete") return a.deleted === b.deleted;
  if (a.kind === "range" && b.kind === "range") return isSameList(a.keys, b.keys, isSameKey);
  if (a.kind === "txn" && b.kind === "txn") {
    return a.succeeded === b.succeeded && isSameList(a.results, b.results, isSameResult);
  }
  return a.kind === b.kind;
}

export function isSameList<Item>(
  a: readonly Item[],
  b: readonly Item[],
  isSame: (a: Item, b: Item) => boolean,
): boolean {
  return a.length === b.length && a.every((item, at) => isSame(item, b[at] as Item));
}

function isSameKey(a: KeyState, b: KeyState): boolean {
  return (
    a.key === b.key &&
    a.value === b.value &&
    a.createRevision === b.createRevision &&
    a.modRevision === b.modRevision &&
    a.version === b.version &&
    a.lease === b.lease
  );
}
