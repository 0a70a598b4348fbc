import { enums, messages, services } from "@quorate/proto";
import type { Schema } from "./schema.js";

/** The API as the product describes it (its tests hold it against etcd's definitions, field by field). */
export function productSchema(): Schema {
  return {
    messages: new Map(
      [...messages].map(([name, { fields }]) => [
        name,
        {
          name,
          fields: fields.map((field) => ({
            number: field.number,
            name: field.name,
            type: field.type,
            kind: field.kind,
            isRepeated: field.label === "repeated",
            hasPresence: field.oneof !== undefined || field.label === "optional",
          })),
        },
      ]),
    ),
    enums: new Map(
      [...enums].map(([name, { values }]) => [name, new Map(values.map((one) => [one.name, one.number]))]),
    ),
    methods: new Map(
      [...services.values()].flatMap(({ methods }) =>
        methods.map(({ path, request, response }) => [path.slice(1), { request, response }] as const),
      ),
    ),
  };
}
