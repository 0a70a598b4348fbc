/** How a field travels and how it is held. */
export type FieldKind = "scalar" | "enum" | "message";
/** "singular" has no presence (proto3 scalar) or a message's; "optional" has (proto2). */
export type FieldLabel = "singular" | "optional" | "repeated";
export type ScalarType = "bytes" | "string" | "bool" | "int32" | "uint32" | "int64" | "uint64";

export type FieldDescriptor = Readonly<{
  number: number;
  /** As in the .proto file, for example "range_end". */
  name: string;
  /** In lower camel case, for example "rangeEnd": the property in TypeScript, and the key in JSON. */
  jsonName: string;
  /** A scalar type, or the full name of an enum or message. */
  type: string;
  kind: FieldKind;
  label: FieldLabel;
  /** For repeated numbers: whether they are written as one packed block. Both forms are read. */
  packed: boolean;
  /** Name of the oneof as in the .proto file. */
  oneof: string | undefined;
  /** The etcd version that brought it, for example "3.4". */
  since: string | undefined;
}>;

export type MessageDescriptor = Readonly<{
  name: string;
  syntax: "proto2" | "proto3";
  fields: readonly FieldDescriptor[];
  reservedNumbers: readonly (readonly [from: number, to: number])[];
  reservedNames: readonly string[];
  since: string | undefined;
}>;

export type EnumDescriptor = Readonly<{
  name: string;
  values: readonly Readonly<{ name: string; number: number; since: string | undefined }>[];
  since: string | undefined;
}>;

/** A route of the JSON gateway. The whole body is the request message. */
export type HttpRoute = Readonly<{ method: "GET" | "PUT" | "POST" | "DELETE" | "PATCH"; path: string; body: string }>;

export type MethodDescriptor = Readonly<{
  name: string;
  /** The HTTP/2 path of the call: "/etcdserverpb.KV/Put". */
  path: string;
  /** Full names of the messages. */
  request: string;
  response: string;
  clientStreaming: boolean;
  serverStreaming: boolean;
  http: readonly HttpRoute[];
}>;

export type ServiceDescriptor = Readonly<{ name: string; methods: readonly MethodDescriptor[] }>;
