import { rpcs } from "@quorate/client";
import { AuthRoleGrantPermissionResponse, AuthRoleRevokePermissionResponse, Permission_Type } from "@quorate/proto";
import { noTimeout } from "../../connection/session.js";
import { argumentBytes } from "../../frame/argument-bytes.js";
import { defineCommand } from "../../frame/command.js";
import type { FlagTable, FlagValues } from "../../frame/flag-table.js";
import { Page } from "../../output/page.js";
import { prefixEnd, type WireRange } from "../key-range.js";
import { badArguments, doneForms } from "../message-forms.js";
import { isOpen } from "./role-forms.js";

const zeroByte = Uint8Array.of(0);

const rangeFlags = {
  prefix: { kind: "bool", help: "the permission is for all keys that begin with <key>" },
  "from-key": { kind: "bool", help: "the permission is for <key> and all keys behind it" },
} as const satisfies FlagTable;

export const roleGrantPermission = defineCommand({
  name: "grant-permission",
  usage: "[options] <role name> <permission type> <key> [endkey]",
  short: "Grants a key to a role",
  long: "Grants a key or a range of keys to a role. The type is read, write or readwrite.",
  flags: rangeFlags,
  async run(context) {
    const [name = "", type = "", ...keys] = context.args;
    if (keys.length === 0) {
      throw badArguments("role grant command requires role name, permission type, and key [endkey] as its argument");
    }
    const perm = { permType: readType(type), ...readPermissionRange(keys, context.flags) };
    const session = await context.connect();
    const answer = await session.call(rpcs.roleGrantPermission, { name, perm }, { timeoutMs: noTimeout });
    return doneForms(AuthRoleGrantPermissionResponse, answer, `Role ${name} updated`);
  },
});

export const roleRevokePermission = defineCommand({
  name: "revoke-permission",
  usage: "[options] <role name> <key> [endkey]",
  short: "Revokes a key from a role",
  flags: rangeFlags,
  async run(context) {
    const [role = "", ...keys] = context.args;
    if (keys.length === 0) {
      throw badArguments("role revoke-permission command requires role name and key [endkey] as its argument");
    }
    const range = readPermissionRange(keys, context.flags);
    const session = await context.connect();
    const answer = await session.call(rpcs.roleRevokePermission, { role, ...range }, { timeoutMs: noTimeout });
    return {
      ...doneForms(AuthRoleRevokePermissionResponse, answer, ""),
      simple: (page) => page.bytes(revoked(keys[0] ?? "", range.rangeEnd)).line(` is revoked from role ${role}`),
    };
  },
});

/** "Permission of key k", "Permission of range [k, e)": the key as it was written. */
function revoked(key: string, rangeEnd: Uint8Array): Uint8Array {
  const page = new Page();
  if (rangeEnd.length === 0) return page.text("Permission of key ").bytes(argumentBytes(key)).toBytes();
  page.text("Permission of range [").bytes(argumentBytes(key)).text(", ");
  return (isOpen(rangeEnd) ? page.text("<open ended>") : page.bytes(rangeEnd).text(")")).toBytes();
}

function readType(text: string): number {
  const types: Readonly<Record<string, number>> = Permission_Type;
  const type = types[text.toUpperCase()];
  if (type === undefined) throw badArguments(`invalid permission type: ${text}`);
  return type;
}

/** Keys of a permission. An empty one is the first key of all; with a flag it means every key. */
function readPermissionRange(keys: readonly string[], flags: FlagValues<typeof rangeFlags>): WireRange {
  const [first = "", end] = keys;
  const { prefix, "from-key": fromKey } = flags;
  if (prefix && fromKey && (end === undefined || first === "")) {
    throw badArguments("--from-key and --prefix flags are mutually exclusive");
  }
  if (first === "") return { key: zeroByte, rangeEnd: prefix || fromKey ? zeroByte : new Uint8Array() };
  const key = argumentBytes(first);
  if (end !== undefined) {
    if (prefix) throw badArguments("unexpected endkey argument with --prefix flag");
    if (fromKey) throw badArguments("unexpected endkey argument with --from-key flag");
    return { key, rangeEnd: argumentBytes(end) };
  }
  if (prefix) return { key, rangeEnd: prefixEnd(key) };
  return { key, rangeEnd: fromKey ? zeroByte : new Uint8Array() };
}
