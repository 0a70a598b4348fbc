import { type FieldDescriptor, messages } from "@quorate/proto";

/** What JSON can say. `bigint` is written as a number, exactly. */
export type JsonValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** JSON as Go writes it: no blanks, 64-bit numbers as numbers, and what could be HTML escaped. */
export function jsonText(value: JsonValue): string {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "string") return jsonString(value);
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isList(value)) return `[${value.map(jsonText).join(",")}]`;
  const members = Object.entries(value).map(([name, one]) => `${jsonString(name)}:${jsonText(one)}`);
  return `{${members.join(",")}}`;
}

function isList(value: readonly JsonValue[] | { readonly [name: string]: JsonValue }): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function jsonString(text: string): string {
  const escaped = JSON.stringify(text.toWellFormed());
  return escaped.replace(
    /[<>&\u2028\u2029]/g,
    (one) => `\\u${(one.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}

type Chosen = Readonly<{ kind: string; value: object }>;

/**
 * A message as Go's encoding/json shows it: names as in the .proto file, fields with their default left out, bytes in base64,
 * enums by number, a oneof as an object of its own.
 * @param name full name of the message: "etcdserverpb.PutResponse"
 * @param isHex shows ids of members and clusters as hexadecimal text.
 */
export function messageJson(
  name: string,
  message: object,
  options: { isHex?: boolean } = {},
): { [name: string]: JsonValue } {
  const json: { [name: string]: JsonValue } = {};
  for (const field of messages.get(name)?.fields ?? []) {
    if (field.oneof !== undefined) {
      const chosen = Reflect.get(message, camelCase(field.oneof)) as Chosen | undefined;
      if (chosen?.kind !== field.jsonName) continue;
      json[capital(field.oneof)] = { [field.name]: fieldJson(field, chosen.value, options) };
      continue;
    }
    const value: unknown = Reflect.get(message, field.jsonName);
    if (isDefault(value)) continue;
    json[field.name] = Array.isArray(value)
      ? value.map((one) => fieldJson(field, one, options))
      : fieldJson(field, value, options);
  }
  return json;
}

const idNames: ReadonlySet<string> = new Set(["ID", "cluster_id", "member_id"]);

function fieldJson(field: FieldDescriptor, value: unknown, options: { isHex?: boolean }): JsonValue {
  if (field.kind === "message") return messageJson(field.type, value as object, options);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (options.isHex === true && typeof value === "bigint" && idNames.has(field.name)) return value.toString(16);
  return value as JsonValue;
}

function isDefault(value: unknown): boolean {
  if (value === undefined || value === 0 || value === 0n || value === "" || value === false) return true;
  return (value instanceof Uint8Array || Array.isArray(value)) && value.length === 0;
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase());
}

function capital(name: string): string {
  const camel = camelCase(name);
  return camel.slice(0, 1).toUpperCase() + camel.slice(1);
}
