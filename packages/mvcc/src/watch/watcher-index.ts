import { assert } from "@quorate/common";
import type { KeyRange } from "../key-range.js";
import { latin1FromBytes } from "../key-range.js";
import { type Interval, IntervalTree } from "./interval-tree.js";

/** Something that watches a range. Owned by one index while it is in it. */
export interface Indexed {
  readonly interest: Interest;
  /** Its place among those with the same range; undefined while it is in no index. */
  place: number | undefined;
}

/** A range in the form the index looks it up by: latin1 strings. */
export type Interest =
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "span"; readonly start: string; readonly end: string | undefined };

/** The form of a range that the index looks up. */
export function interestOf(range: KeyRange): Interest {
  if (range.kind === "key") return { kind: "key", key: latin1FromBytes(range.key) };
  const end = range.end === undefined ? undefined : latin1FromBytes(range.end);
  return { kind: "span", start: latin1FromBytes(range.start), end };
}

type SpanGroup<Item> = Interval & { readonly members: Item[] };

/**
 * Who watches a key: single keys in a hash table, spans in an interval tree, those with the same range together. The cost of a
 * look-up does not grow with the watchers it does not find.
 */
export class WatcherIndex<Item extends Indexed> {
  readonly #keys = new Map<string, Item[]>();
  readonly #spans = new IntervalTree<SpanGroup<Item>>();
  readonly #found: SpanGroup<Item>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(item: Item): void {
    assert(item.place === undefined, "a watcher is in one index only");
    const members = this.#membersFor(item.interest);
    item.place = members.length;
    members.push(item);
    this.#size += 1;
  }

  /** Takes out a member: the last one of its group takes its place. */
  remove(item: Item): void {
    const { interest, place } = item;
    const members = interest.kind === "key" ? this.#keys.get(interest.key) : this.#spans.find(interest)?.members;
    assert(place !== undefined && members?.[place] === item, "a watcher is in its index, at its place");
    item.place = undefined;
    this.#size -= 1;
    const last = members.pop() as Item;
    if (last !== item) {
      members[place] = last;
      last.place = place;
    }
    if (members.length > 0) return;
    if (interest.kind === "key") this.#keys.delete(interest.key);
    else this.#spans.remove(interest);
  }

  /** Calls `visit` with each group that watches `key`. Neither is to change the index. */
  match(key: string, visit: (members: readonly Item[]) => void): void {
    const members = this.#keys.get(key);
    if (members !== undefined) visit(members);
    if (this.#spans.size === 0) return;
    this.#spans.collect(key, this.#found);
    for (const group of this.#found) visit(group.members);
    this.#found.length = 0;
  }

  /** All of them: by key in the order of the first watch, then by span. */
  members(): Item[] {
    const all = [...this.#keys.values()].flat();
    for (const group of this.#spans.items()) all.push(...group.members);
    return all;
  }

  #membersFor(interest: Interest): Item[] {
    if (interest.kind === "key") {
      const known = this.#keys.get(interest.key);
      if (known !== undefined) return known;
      const members: Item[] = [];
      this.#keys.set(interest.key, members);
      return members;
    }
    const known = this.#spans.find(interest);
    if (known !== undefined) return known.members;
    const group = { start: interest.start, end: interest.end, members: [] };
    this.#spans.add(group);
    return group.members;
  }
}
