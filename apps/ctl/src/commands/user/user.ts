import { rpcs } from "@quorate/client";
import { AuthUserDeleteResponse, AuthUserListResponse } from "@quorate/proto";
import { noTimeout } from "../../connection/session.js";
import { defineCommand } from "../../frame/command.js";
import { badArguments, doneForms, messageForms } from "../message-forms.js";
import { userAdd, userPasswd } from "./add.js";
import { userGet } from "./get.js";
import { userGrantRole, userRevokeRole } from "./roles.js";

const userDelete = defineCommand({
  name: "delete",
  usage: "<user name>",
  short: "Deletes a user",
  async run(context) {
    const [name = ""] = context.args;
    if (context.args.length !== 1) throw badArguments("user delete command requires user name as its argument");
    const session = await context.connect();
    const answer = await session.call(rpcs.userDelete, { name }, { timeoutMs: noTimeout });
    return doneForms(AuthUserDeleteResponse, answer, `User ${name} deleted`);
  },
});

const userList = defineCommand({
  name: "list",
  short: "Lists all users",
  async run(context) {
    if (context.args.length > 0) throw badArguments("user list command requires no arguments");
    const session = await context.connect();
    const answer = await session.call(rpcs.userList, {}, { timeoutMs: noTimeout });
    return {
      simple(page) {
        for (const name of answer.users) page.line(name);
      },
      ...messageForms(AuthUserListResponse, answer),
    };
  },
});

export const user = defineCommand({
  name: "user",
  short: "User related commands",
  group: "Authentication commands",
  commands: [userAdd, userDelete, userGet, userList, userPasswd, userGrantRole, userRevokeRole],
});
