import { bytesToText, textToBytes } from "./bytes-text.js";
import { isObject, type Json, type JsonObject, show } from "../json.js";
import type { FieldShape, Schema } from "./schema.js";
import { readPacked, readWireFields, WireWriter } from "./wire-bytes.js";

/**
 * Bytes of a message from its JSON form. As Go's encoder does it, defaults are left out unless the field has presence.
 * @throws Error for a field that the message does not have, and for values that do not fit.
 */
export function encodeMessage(schema: Schema, typeName: string, value: Json): Uint8Array {
  const shape = schema.messages.get(typeName);
  if (shape === undefined) throw new Error(`no message ${typeName}`);
  if (!isObject(value)) throw new Error(`${typeName}: an object is wanted, not ${show(value, 100)}`);
  const byName = new Map(shape.fields.map((field) => [field.name, field]));
  const writer = new WireWriter();
  for (const [name, one] of Object.entries(value)) {
    const field = byName.get(name);
    if (field === undefined) throw new Error(`${typeName} has no field ${name}`);
    if (!field.isRepeated) encodeField(schema, field, one, writer);
    else if (!Array.isArray(one)) throw new Error(`${typeName}.${name}: a list is wanted`);
    else for (const element of one) encodeField(schema, field, element, writer);
  }
  return writer.finish();
}

function encodeField(schema: Schema, field: FieldShape, value: Json, writer: WireWriter): void {
  const isKept = field.hasPresence || field.isRepeated;
  if (field.kind === "message" || field.type === "bytes" || field.type === "string") {
    const bytes =
      field.kind === "message"
        ? encodeMessage(schema, field.type, value)
        : field.type === "bytes"
          ? textToBytes(String(value))
          : Buffer.from(String(value));
    if (bytes.length === 0 && field.kind !== "message" && !isKept) return;
    writer.tag(field.number, 2);
    writer.delimited(bytes);
    return;
  }
  const number = field.kind === "enum" ? enumNumber(schema, field.type, value) : scalarNumber(value);
  if (number === 0n && !isKept) return;
  writer.tag(field.number, 0);
  writer.varint(number);
}

function enumNumber(schema: Schema, typeName: string, value: Json): bigint {
  if (typeof value !== "string") return scalarNumber(value);
  const number = schema.enums.get(typeName)?.get(value);
  if (number === undefined) throw new Error(`${typeName} has no value ${value}`);
  return BigInt(number);
}

function scalarNumber(value: Json): bigint {
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "string") return BigInt(value);
  throw new Error(`a number is wanted, not ${show(value, 100)}`);
}

/** JSON form of a message: defaults left out unless the field has presence, 64-bit integers beyond 2^53-1 as decimal strings. */
export function decodeMessage(schema: Schema, typeName: string, bytes: Uint8Array): JsonObject {
  const shape = schema.messages.get(typeName);
  if (shape === undefined) throw new Error(`no message ${typeName}`);
  const byNumber = new Map(shape.fields.map((field) => [field.number, field]));
  const message: JsonObject = {};
  for (const raw of readWireFields(bytes)) {
    const field = byNumber.get(raw.number);
    if (field === undefined) throw new Error(`${typeName} has no field number ${raw.number}`);
    if (!field.isRepeated) {
      const value = decodeValue(schema, field, raw.varint, raw.bytes);
      const isDefault =
        field.kind !== "message" &&
        (value === 0 || value === false || value === "" || (raw.varint === 0n && raw.bytes.length === 0));
      if (isDefault && !field.hasPresence) delete message[field.name];
      else message[field.name] = value;
      continue;
    }
    const isPacked =
      field.kind !== "message" && field.type !== "bytes" && field.type !== "string" && raw.bytes.length > 0;
    const values = isPacked
      ? readPacked(raw.bytes).map((one) => decodeValue(schema, field, one, raw.bytes))
      : [decodeValue(schema, field, raw.varint, raw.bytes)];
    const list = message[field.name];
    if (Array.isArray(list)) list.push(...values);
    else message[field.name] = values;
  }
  return message;
}

function decodeValue(schema: Schema, field: FieldShape, varint: bigint, bytes: Uint8Array): Json {
  if (field.kind === "message") return decodeMessage(schema, field.type, bytes);
  if (field.kind === "enum") {
    const number = Number(BigInt.asIntN(32, varint));
    for (const [name, value] of schema.enums.get(field.type) ?? []) if (value === number) return name;
    return number;
  }
  switch (field.type) {
    case "bytes":
      return bytesToText(bytes);
    case "string":
      return Buffer.from(bytes).toString("utf8");
    case "bool":
      return varint !== 0n;
    case "int32":
      return Number(BigInt.asIntN(32, varint));
    case "int64":
      return exactInteger(BigInt.asIntN(64, varint));
    case "uint32":
    case "uint64":
      return exactInteger(varint);
    default:
      throw new Error(`no way to read ${field.type}`);
  }
}

function exactInteger(value: bigint): Json {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}
