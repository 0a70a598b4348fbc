import { rpcs } from "@quorate/client";
import { AuthUserGrantRoleResponse, AuthUserRevokeRoleResponse } from "@quorate/proto";
import { noTimeout } from "../../connection/session.js";
import { defineCommand } from "../../frame/command.js";
import { badArguments, doneForms } from "../message-forms.js";

export const userGrantRole = defineCommand({
  name: "grant-role",
  usage: "<user name> <role name>",
  short: "Grants a role to a user",
  async run(context) {
    const [user = "", role = ""] = context.args;
    if (context.args.length !== 2) {
      throw badArguments("user grant command requires user name and role name as its argument");
    }
    const session = await context.connect();
    const answer = await session.call(rpcs.userGrantRole, { user, role }, { timeoutMs: noTimeout });
    return doneForms(AuthUserGrantRoleResponse, answer, `Role ${role} is granted to user ${user}`);
  },
});

export const userRevokeRole = defineCommand({
  name: "revoke-role",
  usage: "<user name> <role name>",
  short: "Revokes a role from a user",
  async run(context) {
    const [name = "", role = ""] = context.args;
    if (context.args.length !== 2) {
      throw badArguments("user revoke-role requires user name and role name as its argument");
    }
    const session = await context.connect();
    const answer = await session.call(rpcs.userRevokeRole, { name, role }, { timeoutMs: noTimeout });
    return doneForms(AuthUserRevokeRoleResponse, answer, `Role ${role} is revoked from user ${name}`);
  },
});
