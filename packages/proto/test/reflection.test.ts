import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import fc from "fast-check";
import protobuf from "protobufjs";
import { describe, expect, it } from "vitest";
import { codecOf, type FieldDescriptor, messages } from "../src/index.js";
import { camelCase, messageArbitrary } from "./message-arbitrary.js";

// protobufjs reads the same .proto files and does everything by reflection, so that it shares no code with the generator's output.
const directory = new URL("../proto/", import.meta.url);
const root = new protobuf.Root();
for (const file of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
  if (file.endsWith(".proto")) protobuf.parse(readFileSync(new URL(file, directory), "utf8"), root, { keepCase: true });
}
const descriptor = createRequire(import.meta.url)("protobufjs/google/protobuf/descriptor.json") as protobuf.INamespace;
root.addJSON(descriptor.nested!).resolveAll();

// The typings of protobufjs give Long as a bare constructor.
const longFromString = (protobuf.util.Long as unknown as { fromString(text: string, unsigned: boolean): protobuf.Long })
  .fromString;

type Properties = Record<string, unknown>;

describe("protobufjs", () => {
  it.each([...messages.keys()])("writes the same bytes of %s", (name) => {
    const codec = codecOf(name);
    const type = root.lookupType(name);
    fc.assert(
      fc.property(messageArbitrary(name), (message) => {
        const bytes = codec.encode(message);
        expect(Uint8Array.from(type.encode(toReflected(name, message as Properties)).finish())).toEqual(bytes);
      }),
      { numRuns: 40, seed: 5 },
    );
  });

  it.each([...messages.keys()])("reads the same out of %s", (name) => {
    const codec = codecOf(name);
    const type = root.lookupType(name);
    fc.assert(
      fc.property(messageArbitrary(name), (message) => {
        const bytes = codec.encode(message);
        expect(fromReflected(name, type.decode(bytes) as unknown as Properties)).toStrictEqual(message);
      }),
      { numRuns: 40, seed: 6 },
    );
  });
});

/** Our message as protobufjs wants it: field names as in the file, Long instead of bigint, nothing that holds its default. */
function toReflected(name: string, message: Properties): protobuf.Message {
  const properties: Properties = {};
  for (const field of messages.get(name)!.fields) {
    const value = valueIn(field, message);
    if (value === undefined || (hasNoPresence(field) && isDefault(value))) continue;
    properties[field.name] = Array.isArray(value) ? value.map((one) => reflect(field, one)) : reflect(field, value);
  }
  return root.lookupType(name).create(properties);
}

function reflect(field: FieldDescriptor, value: unknown): unknown {
  if (field.kind === "message") return toReflected(field.type, value as Properties);
  if (typeof value !== "bigint") return value;
  return longFromString(value.toString(), field.type === "uint64");
}

function fromReflected(name: string, reflected: Properties): Properties {
  const message = codecOf(name).create() as Properties;
  for (const field of messages.get(name)!.fields) {
    // Defaults are on the prototype there.
    if (!Object.hasOwn(reflected, field.name)) continue;
    const value = reflected[field.name];
    const read = Array.isArray(value) ? value.map((one) => unreflect(field, one)) : unreflect(field, value);
    if (field.oneof === undefined) message[field.jsonName] = read;
    else message[camelCase(field.oneof)] = { kind: field.jsonName, value: read };
  }
  return message;
}

function unreflect(field: FieldDescriptor, value: unknown): unknown {
  if (field.kind === "message") return fromReflected(field.type, value as Properties);
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  return field.type === "int64" || field.type === "uint64" ? BigInt(String(value)) : value;
}

function valueIn(field: FieldDescriptor, message: Properties): unknown {
  if (field.oneof === undefined) return message[field.jsonName];
  const chosen = message[camelCase(field.oneof)] as { kind: string; value: unknown } | undefined;
  return chosen?.kind === field.jsonName ? chosen.value : undefined;
}

function hasNoPresence(field: FieldDescriptor): boolean {
  return (
    field.label === "repeated" || (field.label === "singular" && field.kind !== "message" && field.oneof === undefined)
  );
}

function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length === 0;
  return value === 0 || value === 0n || value === "" || value === false;
}
