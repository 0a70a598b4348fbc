import { ClientError, rpcs } from "@quorate/client";
import { AuthStatusResponse } from "@quorate/proto";
import type { Session } from "../../connection/session.js";
import { defineCommand } from "../../frame/command.js";
import { badArguments, messageForms } from "../message-forms.js";

const root = "root";

const enable = defineCommand({
  name: "enable",
  short: "Enables authentication",
  long: "Enables authentication. The user root has to exist; it gets the role root if it does not have it.",
  async run(context) {
    const { timeoutMs } = context;
    refuseArguments(context.args, "enable");
    const session = await context.connect();
    const untilMs = context.world.clock.nowMs() + timeoutMs;
    const left = () => ({ timeoutMs: untilMs - context.world.clock.nowMs() });
    while (!(await isEnabled(session, left))) {
      await session.call(rpcs.roleAdd, { name: root }, left());
      await session.call(rpcs.userGrantRole, { user: root, role: root }, left());
    }
    context.printText((page) => page.line("Authentication Enabled"));
    return undefined;
  },
});

/** @returns false when the user root lacks its role. @throws ClientError */
async function isEnabled(session: Session, left: () => { timeoutMs: number }): Promise<boolean> {
  try {
    await session.call(rpcs.authEnable, {}, left());
    return true;
  } catch (error) {
    if (!(error instanceof ClientError) || error.code !== "etcd/root-role-missing") throw error;
    return false;
  }
}

const disable = defineCommand({
  name: "disable",
  short: "Disables authentication",
  async run(context) {
    const { timeoutMs } = context;
    refuseArguments(context.args, "disable");
    const session = await context.connect();
    await session.call(rpcs.authDisable, {}, { timeoutMs });
    context.printText((page) => page.line("Authentication Disabled"));
    return undefined;
  },
});

const status = defineCommand({
  name: "status",
  short: "Returns authentication status",
  async run(context) {
    const { timeoutMs } = context;
    refuseArguments(context.args, "status");
    const session = await context.connect();
    const answer = await session.call(rpcs.authStatus, {}, { timeoutMs });
    return {
      simple(page) {
        page.line(`Authentication Status: ${answer.enabled}`).line(`AuthRevision: ${answer.authRevision}`);
      },
      ...messageForms(AuthStatusResponse, answer),
    };
  },
});

export const auth = defineCommand({
  name: "auth",
  short: "Enable or disable authentication",
  group: "Authentication commands",
  commands: [enable, disable, status],
});

function refuseArguments(args: readonly string[], name: string): void {
  if (args.length > 0) throw badArguments(`auth ${name} command does not accept any arguments`);
}
