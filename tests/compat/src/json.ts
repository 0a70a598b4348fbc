/** A JSON value as the cases hold it; integers beyond 2^53-1 are `bigint`, so that no digit is lost. */
export type Json = string | number | bigint | boolean | null | Json[] | JsonObject;
export type JsonObject = { [name: string]: Json };

type SourceReviver = (key: string, value: unknown, context: { source?: string }) => unknown;

/** `JSON.parse` that keeps every digit of an integer. @throws SyntaxError as `JSON.parse` does. */
export function parseJson(text: string): Json {
  const revive: SourceReviver = (_key, value, context) => {
    const isTooLarge =
      typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context.source ?? "");
    return isTooLarge ? BigInt(context.source ?? "") : value;
  };
  return (JSON.parse as (text: string, reviver: SourceReviver) => Json)(text, revive);
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** For failure reports: JSON with big integers as digits, cut at `length` characters. */
export function show(value: Json | undefined, length = 2000): string {
  const text = JSON.stringify(value, (_key, one) => (typeof one === "bigint" ? one.toString() : one)) ?? "nothing";
  return text.length <= length ? text : `${text.slice(0, length)}… (${text.length} characters)`;
}
