// The same messages for the two libraries that were weighed against our own generator.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import {
  create,
  createFileRegistry,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type DescriptorProtoSchema,
  type EnumDescriptorProtoSchema,
  type FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { type EnumDescriptor, enums, type FieldDescriptor, type MessageDescriptor, messages } from "@quorate/proto";
import protobuf from "protobufjs";

export type Rival = Readonly<{
  name: string;
  prepare(messageName: string, message: object): unknown;
  encode(messageName: string): (prepared: unknown) => Uint8Array;
  decode(messageName: string): (bytes: Uint8Array) => unknown;
}>;

type Properties = Readonly<Record<string, unknown>>;

const directory = new URL("../proto/", import.meta.url);
const root = new protobuf.Root();
for (const file of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
  if (file.endsWith(".proto")) protobuf.parse(readFileSync(new URL(file, directory), "utf8"), root);
}
const descriptor = createRequire(import.meta.url)("protobufjs/google/protobuf/descriptor.json") as protobuf.INamespace;
root.addJSON(descriptor.nested ?? {}).resolveAll();

// protobufjs needs Long to be exact in 64 bits.
const longFromString = (
  protobuf.util.Long as unknown as { fromString(text: string, unsigned: boolean): protobuf.Long }
).fromString.bind(protobuf.util.Long);

export const protobufjs: Rival = {
  name: "protobufjs",
  prepare: (name, message) =>
    root
      .lookupType(name)
      .create(convert(name, message as Properties, (value, type) => longFromString(`${value}`, type === "uint64"))),
  encode: (name) => {
    const type = root.lookupType(name);
    return (prepared) => type.encode(prepared as Properties).finish();
  },
  decode: (name) => {
    const type = root.lookupType(name);
    return (bytes) => type.decode(bytes);
  },
};

const scalarTypes: Readonly<Record<string, number>> = {
  int64: 3,
  uint64: 4,
  int32: 5,
  bool: 8,
  string: 9,
  bytes: 12,
  uint32: 13,
};
const fileOf = (name: string, dependency: string[]): MessageInitShape<typeof FileDescriptorProtoSchema> => ({
  name: `${name}.proto`,
  package: name,
  syntax: "proto3",
  dependency: dependency.map((one) => `${one}.proto`),
  messageType: [...messages.values()].filter((one) => one.name.split(".")[0] === name).map(describe),
  enumType: [...enums.values()]
    .filter((one) => one.name.split(".").length === 2 && one.name.startsWith(`${name}.`))
    .map(describeEnum),
});
const leaves = ["mvccpb", "authpb", "membershippb", "quoratepb"];
const file = [...leaves.map((name) => fileOf(name, [])), fileOf("etcdserverpb", leaves)];
const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
const schemaOf = (name: string): DescMessage => {
  const schema = registry.getMessage(name);
  if (schema === undefined) throw new Error(`no schema of ${name}`);
  return schema;
};

export const protobufEs: Rival = {
  name: "protobuf-es",
  prepare: (name, message) => create(schemaOf(name), esForm(name, message as Properties)),
  encode: (name) => {
    const schema = schemaOf(name);
    return (prepared) => toBinary(schema, prepared as ReturnType<typeof create>);
  },
  decode: (name) => {
    const schema = schemaOf(name);
    return (bytes) => fromBinary(schema, bytes);
  },
};

/** protobuf-es works from descriptors, whether they come from its generator or from here. */
function describe(message: MessageDescriptor): MessageInitShape<typeof DescriptorProtoSchema> {
  const oneofs = [...new Set(message.fields.flatMap((field) => field.oneof ?? []))];
  const shortName = message.name.slice(message.name.indexOf(".") + 1);
  return {
    name: shortName,
    field: message.fields.map((field) => ({
      name: field.name,
      number: field.number,
      label: field.label === "repeated" ? 3 : 1,
      type: field.kind === "message" ? 11 : field.kind === "enum" ? 14 : (scalarTypes[field.type] ?? 0),
      ...(field.kind === "scalar" ? {} : { typeName: `.${field.type}` }),
      ...(field.oneof === undefined ? {} : { oneofIndex: oneofs.indexOf(field.oneof) }),
      jsonName: field.jsonName,
    })),
    oneofDecl: oneofs.map((name) => ({ name })),
    enumType: [...enums.values()].filter((one) => one.name.startsWith(`${message.name}.`)).map(describeEnum),
  };
}

function describeEnum(one: EnumDescriptor): MessageInitShape<typeof EnumDescriptorProtoSchema> {
  return {
    name: one.name.slice(one.name.lastIndexOf(".") + 1),
    value: one.values.map(({ name, number }) => ({ name, number })),
  };
}

/** Our message with absent fields left out, oneofs flattened, and 64-bit integers converted. */
function convert(
  name: string,
  message: Properties,
  integer: (value: bigint, type: string) => unknown,
): Record<string, unknown> {
  const properties: Record<string, unknown> = {};
  for (const field of messages.get(name)?.fields ?? []) {
    const value = field.oneof === undefined ? message[field.jsonName] : chosen(field, message);
    if (value === undefined) continue;
    const one = (item: unknown): unknown => {
      if (field.kind === "message") return convert(field.type, item as Properties, integer);
      return typeof item === "bigint" ? integer(item, field.type) : item;
    };
    properties[field.jsonName] = Array.isArray(value) ? value.map(one) : one(value);
  }
  return properties;
}

function chosen(field: FieldDescriptor, message: Properties): unknown {
  const value = message[camelCase(field.oneof ?? "")] as { kind: string; value: unknown } | undefined;
  return value?.kind === field.jsonName ? value.value : undefined;
}

/** protobuf-es keeps oneofs as { case, value }. */
function esForm(name: string, message: Properties): Record<string, unknown> {
  const properties: Record<string, unknown> = {};
  for (const field of messages.get(name)?.fields ?? []) {
    const value = field.oneof === undefined ? message[field.jsonName] : chosen(field, message);
    if (value === undefined) continue;
    const one = (item: unknown): unknown => (field.kind === "message" ? esForm(field.type, item as Properties) : item);
    const converted = Array.isArray(value) ? value.map(one) : one(value);
    if (field.oneof === undefined) properties[field.jsonName] = converted;
    else properties[camelCase(field.oneof)] = { case: field.jsonName, value: converted };
  }
  return properties;
}

function camelCase(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}
