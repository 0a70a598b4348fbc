import { AuthRoleGetResponse, type Permission, Permission_Type } from "@quorate/proto";
import type { Forms } from "../../output/forms.js";
import type { Page } from "../../output/page.js";
import { prefixEnd } from "../key-range.js";
import { fieldsBelowHeader, messageForms } from "../message-forms.js";

/** What the role root may do without being granted it. Members before 3.5 do not say so themselves. */
const everything: Permission = {
  permType: Permission_Type.READWRITE,
  key: new Uint8Array(),
  rangeEnd: Uint8Array.of(0),
};

/** The forms of a role and its permissions. */
export function roleForms(role: string, answer: AuthRoleGetResponse): Forms {
  const shown = role === "root" && answer.perm.length === 0 ? [everything] : answer.perm;
  const granting = (type: number) =>
    shown.filter((one) => one.permType === type || one.permType === Permission_Type.READWRITE);
  return {
    simple(page) {
      page.line(`Role ${role}`).line("KV Read:");
      for (const one of granting(Permission_Type.READ)) printPermission(page, one);
      page.line("KV Write:");
      for (const one of granting(Permission_Type.WRITE)) printPermission(page, one);
    },
    fields: fieldsBelowHeader(answer.header, (page) => {
      for (const { permType, key, rangeEnd } of answer.perm) {
        // Two blanks: so etcdctl prints this one.
        page
          .line(`"PermType" :  ${typeName(permType)}`)
          .quotedField("Key", key)
          .quotedField("RangeEnd", rangeEnd);
      }
    }),
    ...messageForms(AuthRoleGetResponse, answer),
  };
}

function printPermission(page: Page, { key, rangeEnd }: Permission): void {
  if (rangeEnd.length === 0) return void page.text("\t").bytes(key).line();
  page.text("\t[").bytes(key);
  if (isOpen(rangeEnd)) page.text(", <open ended>");
  else page.text(", ").bytes(rangeEnd).text(")");
  if (key.length > 0 && Buffer.from(prefixEnd(key)).equals(rangeEnd)) page.text(" (prefix ").bytes(key).text(")");
  page.line();
}

/** Whether a range has no end: one zero byte says so. */
export function isOpen(rangeEnd: Uint8Array): boolean {
  return rangeEnd.length === 1 && rangeEnd[0] === 0;
}

function typeName(type: number): string {
  return Object.entries(Permission_Type).find(([, number]) => number === type)?.[0] ?? String(type);
}
