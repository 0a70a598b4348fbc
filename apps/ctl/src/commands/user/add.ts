import { rpcs } from "@quorate/client";
import { type AuthUserAddRequest, AuthUserAddResponse, AuthUserChangePasswordResponse } from "@quorate/proto";
import { noTimeout } from "../../connection/session.js";
import { defineCommand } from "../../frame/command.js";
import type { FlagTable, FlagValues } from "../../frame/flag-table.js";
import type { World } from "../../world.js";
import { badArguments, doneForms } from "../message-forms.js";
import { readPassword } from "./password.js";

const interactiveFlag = {
  interactive: { kind: "bool", default: true, help: "ask for the password; false: read it from standard input" },
} as const satisfies FlagTable;

const addFlags = {
  ...interactiveFlag,
  "new-user-password": { kind: "string", help: "the password; the argument is then the whole name" },
  "no-password": { kind: "bool", help: "the user comes by certificate only; the argument is the whole name" },
} as const satisfies FlagTable;

export const userAdd = defineCommand({
  name: "add",
  usage: "<user name or user:password> [options]",
  short: "Adds a new user",
  flags: addFlags,
  async run(context) {
    const [text = ""] = context.args;
    if (context.args.length !== 1) throw badArguments("user add command requires user name as its argument");
    const request = await readUser(text, context.flags, context.world);
    const session = await context.connect();
    const answer = await session.call(rpcs.userAdd, request, { timeoutMs: noTimeout });
    return doneForms(AuthUserAddResponse, answer, `User ${request.name} created`);
  },
});

async function readUser(
  text: string,
  flags: FlagValues<typeof addFlags>,
  world: World,
): Promise<Pick<AuthUserAddRequest, "name" | "password" | "options">> {
  const options = { noPassword: flags["no-password"] };
  if (options.noPassword) return { name: text, password: "", options };
  if (flags["new-user-password"] !== "") return { name: text, password: flags["new-user-password"], options };
  const colon = text.indexOf(":");
  if (colon < 0) {
    return { name: text, password: await readPassword(text, { isInteractive: flags.interactive }, world), options };
  }
  if (colon === 0) throw badArguments("empty user name is not allowed");
  return { name: text.slice(0, colon), password: text.slice(colon + 1), options };
}

export const userPasswd = defineCommand({
  name: "passwd",
  usage: "<user name> [options]",
  short: "Changes password of user",
  flags: interactiveFlag,
  async run(context) {
    const [name = ""] = context.args;
    if (context.args.length !== 1) throw badArguments("user passwd command requires user name as its argument");
    const password = await readPassword(name, { isInteractive: context.flags.interactive }, context.world);
    const session = await context.connect();
    const answer = await session.call(rpcs.userChangePassword, { name, password }, { timeoutMs: noTimeout });
    return doneForms(AuthUserChangePasswordResponse, answer, "Password updated");
  },
});
