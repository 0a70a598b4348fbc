import { Compare, Compare_CompareResult, Compare_CompareTarget } from "@quorate/proto";
import { type Span, wireRange } from "../span.js";
import type { Codecs } from "./entry.js";

/** How a stored number or value stands to the given one. */
export type Relation = "=" | "!=" | "<" | ">";

/** One condition of a transaction. Over a span it must hold for every key there is in it. */
export type Comparison = {
  /** @internal */
  readonly compare: Compare;
};

const results = {
  "=": Compare_CompareResult.EQUAL,
  "!=": Compare_CompareResult.NOT_EQUAL,
  "<": Compare_CompareResult.LESS,
  ">": Compare_CompareResult.GREATER,
} as const;

/** The conditions that transactions can have, for keys and values of one kind. */
export class Comparisons<K, V> {
  readonly #codecs: Codecs<K, V>;

  constructor(codecs: Codecs<K, V>) {
    this.#codecs = codecs;
  }

  /** The key is there. */
  exists(key: K): Comparison {
    return this.version(key, ">", 0n);
  }

  /** The key is not there; over a span: none is. */
  missing(target: K | Span<K>): Comparison {
    return this.createRevision(target, "=", 0n);
  }

  /** A key that is not there has no value: every condition on it is false. Values are compared as bytes. */
  value(target: K | Span<K>, relation: Relation, value: V): Comparison {
    return this.#make(target, relation, Compare_CompareTarget.VALUE, {
      kind: "value",
      value: this.#codecs.value.encode(value),
    });
  }

  /** 0n for a key that is not there. */
  version(target: K | Span<K>, relation: Relation, version: bigint): Comparison {
    return this.#make(target, relation, Compare_CompareTarget.VERSION, { kind: "version", value: version });
  }

  /** 0n for a key that is not there. */
  createRevision(target: K | Span<K>, relation: Relation, revision: bigint): Comparison {
    return this.#make(target, relation, Compare_CompareTarget.CREATE, { kind: "createRevision", value: revision });
  }

  /** 0n for a key that is not there. */
  modRevision(target: K | Span<K>, relation: Relation, revision: bigint): Comparison {
    return this.#make(target, relation, Compare_CompareTarget.MOD, { kind: "modRevision", value: revision });
  }

  /** 0n for a key that is not there or has no lease. */
  lease(target: K | Span<K>, relation: Relation, lease: bigint): Comparison {
    return this.#make(target, relation, Compare_CompareTarget.LEASE, { kind: "lease", value: lease });
  }

  #make(
    key: K | Span<K>,
    relation: Relation,
    target: Compare_CompareTarget,
    targetUnion: NonNullable<Compare["targetUnion"]>,
  ): Comparison {
    const range = wireRange(key, this.#codecs.key);
    return { compare: Compare.create({ ...range, target, result: results[relation], targetUnion }) };
  }
}
