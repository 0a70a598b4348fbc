import { rpcs } from "@quorate/client";
import { AuthUserGetResponse } from "@quorate/proto";
import { noTimeout } from "../../connection/session.js";
import { defineCommand } from "../../frame/command.js";
import { badArguments, messageForms } from "../message-forms.js";
import { roleForms } from "../role/role-forms.js";

export const userGet = defineCommand({
  name: "get",
  usage: "<user name> [options]",
  short: "Gets detailed information of a user",
  flags: { detail: { kind: "bool", help: "show the permissions of the user's roles, too" } },
  async run(context) {
    const [name = ""] = context.args;
    if (context.args.length !== 1) throw badArguments("user get command requires user name as its argument");
    const session = await context.connect();
    const answer = await session.call(rpcs.userGet, { name }, { timeoutMs: noTimeout });
    if (!context.flags.detail) {
      return {
        simple: (page) => page.line(`User: ${name}`).line(`Roles:${answer.roles.map((role) => ` ${role}`).join("")}`),
        ...messageForms(AuthUserGetResponse, answer),
      };
    }
    context.printText((page) => page.line(`User: ${name}`));
    for (const role of answer.roles) {
      const found = await session.call(rpcs.roleGet, { role }, { timeoutMs: noTimeout });
      context.printText((page) => page.line());
      context.print(roleForms(role, found));
    }
    return undefined;
  },
});
