import { assert, type Revision } from "@quorate/common";
import { CountLog } from "./count-log.js";
import { HeadLayer, type HeadKey, type HeadVersion, type LayerState } from "./head-layer.js";
import type { KeyWalk } from "./key-order.js";
import type { TextSpan } from "./key-range.js";

/** A layer that grows past this is sealed, so that no single run, sort or flush gets long. */
const layerBytesMax = 4 * 1024 * 1024;
/** Layers that are written together weigh no more than this: larger ones visit fewer pages per change, but take longer. */
const flushBytesMax = 16 * 1024 * 1024;

/**
 * The changes that are not in the body yet: layers, newest last. Only the last takes writes; the first may be on its way to the
 * body and goes when the body has it.
 */
export class Head {
  /** Comings and goings of keys, in the head and some time before. */
  readonly counts: CountLog;
  readonly #layerBytesMax: number;
  #layers: HeadLayer[];

  /**
   * @param state of the body.
   * @param flushBytes what is worth a flush; a layer is no larger.
   */
  constructor(state: LayerState, flushBytes: number) {
    this.#layerBytesMax = Math.min(layerBytesMax, flushBytes);
    this.counts = new CountLog(state.revision);
    this.#layers = [new HeadLayer(state)];
  }

  /** The layer that takes writes. */
  get active(): HeadLayer {
    return this.#layers[this.#layers.length - 1] as HeadLayer;
  }

  get bytes(): number {
    let bytes = 0;
    for (const layer of this.#layers) bytes += layer.bytes;
    return bytes;
  }

  /** Oldest first. */
  get layers(): readonly HeadLayer[] {
    return this.#layers;
  }

  get isEmpty(): boolean {
    return this.#layers.every((layer) => layer.isEmpty);
  }

  append(version: HeadVersion, existedBefore: boolean): void {
    this.active.append(version, existedBefore);
    const { countChange } = version;
    if (countChange !== 0) this.counts.push(version.keyLatin1, version.revision, countChange);
  }

  /** Takes back all versions of the active layer beyond the first `length`. */
  undoTo(length: number): void {
    const { active } = this;
    while (active.log.length > length) if (active.undo() !== 0) this.counts.pop();
  }

  /** Call it between transactions only. */
  sealLarge(): void {
    this.counts.trim();
    if (this.active.bytes >= this.#layerBytesMax) this.seal();
  }

  /** Starts a new layer for what comes. */
  seal(): void {
    this.active.seal();
    this.#layers.push(new HeadLayer(this.active.state));
  }

  /** The layers to write next, oldest first: all, unless they are too much for once. Seals the active one when it is among them. */
  takeOldest(): readonly HeadLayer[] {
    let bytes = 0;
    let count = 0;
    for (const layer of this.#layers) {
      bytes += layer.bytes;
      if (count > 0 && bytes > flushBytesMax) break;
      count++;
    }
    if (count === this.#layers.length) this.seal();
    return this.#layers.slice(0, count);
  }

  /** Forgets the oldest layers: the body has them. */
  dropOldest(layers: readonly HeadLayer[]): void {
    assert(layers.length < this.#layers.length, "the active layer stays");
    assert(this.#layers[layers.length - 1] === layers[layers.length - 1], "layers reach the body in order");
    this.#layers = this.#layers.slice(layers.length);
  }

  /** The newest version of a key in the head. */
  newest(key: string): HeadVersion | undefined {
    for (let i = this.#layers.length - 1; i >= 0; i--) {
      const version = (this.#layers[i] as HeadLayer).byKey.get(key)?.newest;
      if (version !== undefined) return version;
    }
    return undefined;
  }

  /** The newest version of a key in the head as of a revision. */
  at(key: string, revision: Revision): HeadVersion | undefined {
    for (let i = this.#layers.length - 1; i >= 0; i--) {
      const layer = this.#layers[i] as HeadLayer;
      const [first] = layer.log;
      if (first === undefined || first.revision > revision) continue;
      const version = atRevision(layer.byKey.get(key), revision);
      if (version !== undefined) return version;
    }
    return undefined;
  }

  /**
   * Newest versions of the keys in a span as of a revision (undefined: newest of all), deletions included, in key order. Keys without
   * a version at that revision are left out.
   */
  *walk(span: TextSpan, revision: Revision | undefined): Generator<HeadVersion> {
    const walks: KeyWalk<HeadKey>[] = [];
    for (let i = this.#layers.length - 1; i >= 0; i--) {
      const walk = (this.#layers[i] as HeadLayer).walk(span);
      if (walk.current !== undefined) walks.push(walk);
    }
    for (;;) {
      const key = smallestKey(walks);
      if (key === undefined) return;
      const version = takeKey(walks, key, revision);
      if (version !== undefined) yield version;
    }
  }

  /** True when no key of the span was changed since the body was written. */
  isEmptyIn(span: TextSpan): boolean {
    for (const layer of this.#layers) if (layer.walk(span).current !== undefined) return false;
    return true;
  }

  /** What the head adds to the number of keys in a span of the body. */
  countChange(span: TextSpan): number {
    let change = 0;
    for (const layer of this.#layers) change += layer.countChange(span);
    return change;
  }

  /** The first change of each revision from `from` on, across layers. */
  *changesFrom(from: Revision): Generator<HeadVersion> {
    for (const layer of this.#layers) {
      const { log } = layer;
      if (log.length === 0 || (log[log.length - 1] as HeadVersion).revision < from) continue;
      for (let i = firstOfRevision(log, from); i < log.length; i++) yield log[i] as HeadVersion;
    }
  }
}

function smallestKey(walks: readonly KeyWalk<HeadKey>[]): string | undefined {
  let smallest: string | undefined;
  for (const { current } of walks) {
    if (current !== undefined && (smallest === undefined || current.key < smallest)) smallest = current.key;
  }
  return smallest;
}

/** Steps all walks past `key`. They are ordered newest layer first; the first that has a fitting version gives it. */
function takeKey(
  walks: readonly KeyWalk<HeadKey>[],
  key: string,
  revision: Revision | undefined,
): HeadVersion | undefined {
  let version: HeadVersion | undefined;
  for (const walk of walks) {
    const { current } = walk;
    if (current?.key !== key) continue;
    walk.step();
    version ??= revision === undefined ? current.newest : atRevision(current, revision);
  }
  return version;
}

function atRevision(entry: HeadKey | undefined, revision: Revision): HeadVersion | undefined {
  let version = entry?.newest;
  while (version !== undefined && version.revision > revision) version = version.older;
  return version;
}

/** Place of the first change at or after a revision. */
function firstOfRevision(log: readonly HeadVersion[], revision: Revision): number {
  let low = 0;
  let high = log.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((log[middle] as HeadVersion).revision < revision) low = middle + 1;
    else high = middle;
  }
  return low;
}
