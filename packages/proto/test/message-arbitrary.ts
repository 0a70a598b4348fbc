import fc from "fast-check";
import { enums, type FieldDescriptor, messages } from "../src/index.js";

const int64Edges = [
  0n,
  1n,
  -1n,
  127n,
  128n,
  1023n,
  1024n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
];
const uint64Edges = [...int64Edges.filter((value) => value >= 0n), 2n ** 64n - 1n, 7587870152021180417n];
const texts = [
  "",
  "root",
  "exactly twelve",
  "http://127.0.0.1:2379,http://127.0.0.1:22379",
  "ключ",
  "a🔑",
  "\ufeffmark",
];

const scalarArbitraries: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  bytes: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 120, maxLength: 140 })),
  string: fc.oneof(fc.constantFrom(...texts), fc.string({ unit: "binary", maxLength: 40 })),
  bool: fc.boolean(),
  int32: fc.integer(),
  uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  int64: fc.oneof(fc.constantFrom(...int64Edges), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  uint64: fc.oneof(fc.constantFrom(...uint64Edges), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
};

/** Enums of proto2. Go keeps their unknown numbers and so do we, but protobufjs takes them for unknown fields. */
const namedOnly = new Set([...enums.keys()].filter((name) => name.startsWith("raftpb.")));

/**
 * Random messages of a type, with all properties set, as `decode` returns them. Sub-messages are nested at most `depth` deep.
 * Numbers of repeated elements are small, so that a failure stays readable.
 */
export function messageArbitrary(name: string, depth = 3): fc.Arbitrary<object> {
  const fields = messages.get(name)!.fields;
  const properties: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of fields) if (field.oneof === undefined) properties[field.jsonName] = fieldArbitrary(field, depth);
  for (const oneof of new Set(fields.flatMap((field) => field.oneof ?? []))) {
    const members = fields.filter((field) => field.oneof === oneof);
    properties[camelCase(oneof)] = fc.oneof(
      fc.constant(undefined),
      ...members
        .filter((field) => field.kind !== "message" || depth > 0)
        .map((field) => valueArbitrary(field, depth).map((value) => ({ kind: field.jsonName, value }))),
    );
  }
  return fc.record(properties, { noNullPrototype: true });
}

function fieldArbitrary(field: FieldDescriptor, depth: number): fc.Arbitrary<unknown> {
  const isAbsent = field.kind === "message" && depth === 0;
  if (field.label === "repeated")
    return isAbsent ? fc.constant([]) : fc.array(valueArbitrary(field, depth), { maxLength: 3 });
  if (isAbsent) return fc.constant(undefined);
  const value = valueArbitrary(field, depth);
  const hasPresence = field.kind === "message" || field.label === "optional";
  return hasPresence ? fc.option(value, { nil: undefined }) : value;
}

function valueArbitrary(field: FieldDescriptor, depth: number): fc.Arbitrary<unknown> {
  if (field.kind === "message") return messageArbitrary(field.type, depth - 1);
  if (field.kind === "enum") {
    const named = fc.constantFrom(...enums.get(field.type)!.values.map((one) => one.number));
    return namedOnly.has(field.type) ? named : fc.oneof(named, fc.constantFrom(-1, 24, 2 ** 31 - 1));
  }
  return scalarArbitraries[field.type]!;
}

export function camelCase(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}
