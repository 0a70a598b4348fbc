import type { FieldDescriptor } from "./descriptor.js";
import { ProtoError } from "./proto-error.js";
import { depthMaxDefault } from "./reader.js";
import { codecOf, enums, messages } from "./registry.js";

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

export type ToJsonOptions = Readonly<{
  /** "proto": names as in the .proto file ("range_end"); "json": lower camel case ("rangeEnd"). */
  fieldNames: "proto" | "json";
  /** Also write proto3 scalars with their default and empty lists. Off when absent. */
  defaults?: boolean;
}>;

type Fields = Readonly<Record<string, unknown>>;
type Chosen = Readonly<{ kind: string; value: unknown }>;

/**
 * A message as JSON, by the standard mapping: 64-bit integers as decimal strings, bytes as base64 with padding, enums by name
 * (by number where there is none). Fields come in order of their numbers; absent ones, and those with their default, are left out.
 * @param name full name of the message
 * @throws RangeError when no message has that name
 */
export function toJson(name: string, message: object, options: ToJsonOptions): { [key: string]: JsonValue } {
  const json: { [key: string]: JsonValue } = {};
  for (const field of fieldsOf(name)) {
    const value = fieldOf(field, message as Fields);
    if (value === undefined) continue;
    if (options.defaults !== true && hasNoPresence(field) && isDefault(value)) continue;
    const key = options.fieldNames === "proto" ? field.name : field.jsonName;
    json[key] =
      field.label === "repeated"
        ? (value as readonly unknown[]).map((one) => valueToJson(field, one, options))
        : valueToJson(field, value, options);
  }
  return json;
}

/**
 * The message that `toJson` wrote, under either kind of field names. Strict: an unknown field, a wrong type or a number that does
 * not fit is refused. `null` means absent. Integers may be JSON numbers where those are exact.
 * @returns a message with all fields set
 * @throws ProtoError "proto/json" with the path of what is wrong
 */
export function fromJson(name: string, json: JsonValue): unknown {
  return messageFromJson(name, json, "$", 0);
}

function messageFromJson(name: string, json: JsonValue, path: string, depth: number): object {
  if (depth > depthMaxDefault) throw refused(path, "nested too deep");
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw refused(path, "not an object");
  const fields = fieldsOf(name);
  const message: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(json)) {
    const field = fields.find((one) => one.name === key) ?? fields.find((one) => one.jsonName === key);
    if (field === undefined) throw refused(`${path}.${key}`, `no such field in ${name}`);
    if (value === null) continue;
    const property = field.oneof === undefined ? field.jsonName : camelCase(field.oneof);
    if (Object.hasOwn(message, property)) throw refused(`${path}.${key}`, "given twice");
    const read = fieldFromJson(field, value, `${path}.${key}`, depth);
    message[property] = field.oneof === undefined ? read : { kind: field.jsonName, value: read };
  }
  return codecOf(name).create(message) as object;
}

function fieldFromJson(field: FieldDescriptor, json: JsonValue, path: string, depth: number): unknown {
  if (field.label !== "repeated") return valueFromJson(field, json, path, depth);
  if (!Array.isArray(json)) throw refused(path, "not a list");
  return json.map((one, index) => valueFromJson(field, one, `${path}[${index}]`, depth));
}

function valueToJson(field: FieldDescriptor, value: unknown, options: ToJsonOptions): JsonValue {
  if (field.kind === "message") return toJson(field.type, value as object, options);
  if (field.kind === "enum")
    return enums.get(field.type)?.values.find((one) => one.number === value)?.name ?? (value as number);
  if (typeof value === "bigint") return value.toString();
  return value instanceof Uint8Array ? toBase64(value) : (value as JsonValue);
}

function valueFromJson(field: FieldDescriptor, json: JsonValue, path: string, depth: number): unknown {
  if (field.kind === "message") return messageFromJson(field.type, json, path, depth + 1);
  if (field.kind === "enum" && typeof json === "string") {
    const value = enums.get(field.type)?.values.find((one) => one.name === json);
    if (value === undefined) throw refused(path, `no such value in ${field.type}`);
    return value.number;
  }
  switch (field.kind === "enum" ? "int32" : field.type) {
    case "bool":
      if (typeof json !== "boolean") throw refused(path, "not a boolean");
      return json;
    case "string":
      if (typeof json !== "string") throw refused(path, "not a string");
      return json;
    case "bytes":
      return fromBase64(json, path);
    case "int64":
      return integer(json, path, -(2n ** 63n), 2n ** 63n - 1n);
    case "uint64":
      return integer(json, path, 0n, 2n ** 64n - 1n);
    case "uint32":
      return Number(integer(json, path, 0n, 2n ** 32n - 1n));
    default:
      return Number(integer(json, path, -(2n ** 31n), 2n ** 31n - 1n));
  }
}

function integer(json: JsonValue, path: string, least: bigint, most: bigint): bigint {
  const isExact =
    typeof json === "number" ? Number.isSafeInteger(json) : typeof json === "string" && /^-?\d+$/.test(json);
  if (!isExact) throw refused(path, "not an integer");
  const value = BigInt(json as number | string);
  if (value < least || value > most) throw refused(path, "out of range");
  return value;
}

function fieldsOf(name: string): readonly FieldDescriptor[] {
  const message = messages.get(name);
  if (message === undefined) throw new RangeError(`no message is called ${name}`);
  return message.fields;
}

function fieldOf(field: FieldDescriptor, message: Fields): unknown {
  if (field.oneof === undefined) return message[field.jsonName];
  const chosen = message[camelCase(field.oneof)] as Chosen | undefined;
  return chosen?.kind === field.jsonName ? chosen.value : undefined;
}

/** Absent and default cannot be told apart on the wire. */
function hasNoPresence(field: FieldDescriptor): boolean {
  return (
    field.label === "repeated" || (field.label === "singular" && field.kind !== "message" && field.oneof === undefined)
  );
}

function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length === 0;
  return value === 0 || value === 0n || value === "" || value === false;
}

function camelCase(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function fromBase64(json: JsonValue, path: string): Uint8Array {
  // The pattern is narrower than atob, which also takes white space and missing padding.
  if (typeof json !== "string" || json.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(json)) {
    throw refused(path, "not base64");
  }
  return Uint8Array.from(atob(json), (character) => character.charCodeAt(0));
}

function refused(path: string, reason: string): ProtoError {
  return new ProtoError({ code: "proto/json", path, reason });
}
