import { rpcs } from "@quorate/client";
import { AuthRoleAddResponse, AuthRoleDeleteResponse, AuthRoleListResponse } from "@quorate/proto";
import { noTimeout } from "../../connection/session.js";
import { defineCommand } from "../../frame/command.js";
import { quoteText } from "../../frame/go-values.js";
import { badArguments, doneForms, fieldsBelowHeader, messageForms } from "../message-forms.js";
import { roleGrantPermission, roleRevokePermission } from "./permission.js";
import { roleForms } from "./role-forms.js";

const roleAdd = defineCommand({
  name: "add",
  usage: "<role name>",
  short: "Adds a new role",
  async run(context) {
    const name = readName(context.args, "add");
    const session = await context.connect();
    const answer = await session.call(rpcs.roleAdd, { name }, { timeoutMs: noTimeout });
    return doneForms(AuthRoleAddResponse, answer, `Role ${name} created`);
  },
});

const roleDelete = defineCommand({
  name: "delete",
  usage: "<role name>",
  short: "Deletes a role",
  async run(context) {
    const role = readName(context.args, "delete");
    const session = await context.connect();
    const answer = await session.call(rpcs.roleDelete, { role }, { timeoutMs: noTimeout });
    return doneForms(AuthRoleDeleteResponse, answer, `Role ${role} deleted`);
  },
});

const roleGet = defineCommand({
  name: "get",
  usage: "<role name>",
  short: "Gets detailed information of a role",
  async run(context) {
    const role = readName(context.args, "get");
    const session = await context.connect();
    return roleForms(role, await session.call(rpcs.roleGet, { role }, { timeoutMs: noTimeout }));
  },
});

const roleList = defineCommand({
  name: "list",
  short: "Lists all roles",
  async run(context) {
    if (context.args.length > 0) throw badArguments("role list command requires no arguments");
    const session = await context.connect();
    const answer = await session.call(rpcs.roleList, {}, { timeoutMs: noTimeout });
    return {
      simple(page) {
        for (const role of answer.roles) page.line(role);
      },
      fields: fieldsBelowHeader(answer.header, (page) => {
        page.line(`"Roles" :${answer.roles.map((role) => ` ${quoteText(role)}`).join("")}`);
      }),
      ...messageForms(AuthRoleListResponse, answer),
    };
  },
});

export const role = defineCommand({
  name: "role",
  short: "Role related commands",
  group: "Authentication commands",
  commands: [roleAdd, roleDelete, roleGet, roleList, roleGrantPermission, roleRevokePermission],
});

function readName(args: readonly string[], command: string): string {
  const [name = ""] = args;
  if (args.length !== 1) throw badArguments(`role ${command} command requires role name as its argument`);
  return name;
}
